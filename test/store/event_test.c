/* SPDX-License-Identifier: Apache-2.0 */
#include "store/event.h"

#include <string.h>

#include "store/support_rows.h"
#include "sys/trace.h"

static void insert(struct scene *scene, int64_t contract_id, int64_t seconds,
                   enum rental_state state)
{
    struct event_row event = { .contract_id = contract_id,
                               .at = scene_at(seconds),
                               .state = state,
                               .reason = REASON_EXITED,
                               .detail = "137" };

    CHECK_OK(event_insert(scene->db, &event, &scene->err), &scene->err);
}

static int64_t list(struct scene *scene, int64_t owner_id, size_t max, struct event_row **ret)
{
    size_t count = 99;

    CHECK_OK(event_list(scene->db, owner_id, scene->contract, max, &scene->arena, ret, &count,
                        &scene->err),
             &scene->err);
    return (int64_t)count;
}

static void test_every_field_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct event_row *events;

    insert(&scene, scene.contract, 3, RENTAL_STOPPED);
    CHECK_INT(list(&scene, scene.ada, 10, &events), 1);
    CHECK_INT(events[0].contract_id, scene.contract);
    CHECK_INT(events[0].at.microseconds, scene_at(3).microseconds);
    CHECK_INT(events[0].state, RENTAL_STOPPED);
    CHECK_INT(events[0].reason, REASON_EXITED);
    CHECK_TEXT(events[0].detail, "137");
}

/* What a host answers goes on with the request before; what comes by itself has none. */
static void test_events_say_whose_request_they_came_of(void **state)
{
    static const struct {
        const char *trace;
        bool is_answer;
        const char *want;
    } rows[] = {
        { "", true, "" },
        { "rent-1", false, "rent-1" },
        { "", true, "rent-1" },
        { "beat", true, "rent-1" },
        { "", false, "" },
        { "", true, "" },
        { "stop-2", false, "stop-2" },
    };
    auto_scene struct scene scene = scene_open(*state);
    struct event_row *events;
    const char *request;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct event_row event = { .contract_id = scene.contract,
                                   .at = scene_at((int64_t)i),
                                   .state = RENTAL_RUNNING,
                                   .detail = "",
                                   .is_answer = rows[i].is_answer };

        trace_set(rows[i].trace);
        CHECK_OK(event_insert(scene.db, &event, &scene.err), &scene.err);
        trace_set(NULL);
        check_row("event %zu", i);
        CHECK_INT(list(&scene, scene.ada, 20, &events), (int64_t)i + 1);
        CHECK_TEXT(events[i].request_id, rows[i].want);
        CHECK_OK(event_request(scene.db, scene.contract, &scene.arena, &request, &scene.err),
                 &scene.err);
        CHECK(*rows[i].want == '\0' ? request == NULL : strcmp(request, rows[i].want) == 0);
    }
    CHECK_OK(event_request(scene.db, scene.contract_bob, &scene.arena, &request, &scene.err),
             &scene.err);
    CHECK(request == NULL);
}

/* In the order of their making, whatever their clock said. */
static void test_the_last_few_are_listed_oldest_first(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct event_row *events;

    insert(&scene, scene.contract, 9, RENTAL_CREATED);
    insert(&scene, scene.contract_bob, 8, RENTAL_DESTROYED);
    insert(&scene, scene.contract, 1, RENTAL_LOADING);
    insert(&scene, scene.contract, 5, RENTAL_RUNNING);
    CHECK_INT(list(&scene, scene.ada, 10, &events), 3);
    CHECK_INT(events[0].state, RENTAL_CREATED);
    CHECK_INT(events[2].state, RENTAL_RUNNING);
    CHECK_INT(list(&scene, scene.ada, 2, &events), 2);
    CHECK_INT(events[0].state, RENTAL_LOADING);
    CHECK_INT(events[1].state, RENTAL_RUNNING);
    CHECK_INT(list(&scene, scene.ada, 0, &events), 0);
}

static void test_events_are_the_renters(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct event_row *events;

    insert(&scene, scene.contract, 3, RENTAL_RUNNING);
    CHECK_INT(list(&scene, scene.bob, 10, &events), 0);
    CHECK_INT(list(&scene, scene.host, 10, &events), 0);
}

static void test_an_event_is_of_an_instance(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct event_row event = { .contract_id = 999, .state = RENTAL_RUNNING, .detail = "" };

    CHECK_REFUSED(&scene, event_insert(scene.db, &event, &scene.err));
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM contract_event"), 0);
}

static void test_a_row_that_cannot_be_is_corrupt(void **state)
{
    static const char *const damage[] = {
        "UPDATE contract_event SET state = 0",
        "UPDATE contract_event SET state = 99",
        "UPDATE contract_event SET state = 3, reason = -1",
        "UPDATE contract_event SET reason = 4294967296",
    };
    auto_scene struct scene scene = scene_open(*state);
    struct event_row *events;
    size_t count;

    insert(&scene, scene.contract, 3, RENTAL_RUNNING);
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        check_row("%s", damage[i]);
        scene_run(&scene, damage[i], DB_NO_ARGS);
        CHECK_FAILS(event_list(scene.db, scene.ada, scene.contract, 9, &scene.arena, &events,
                               &count, &scene.err),
                    &scene.err, ERROR_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back),
        cmocka_unit_test(test_events_say_whose_request_they_came_of),
        cmocka_unit_test(test_the_last_few_are_listed_oldest_first),
        cmocka_unit_test(test_events_are_the_renters),
        cmocka_unit_test(test_an_event_is_of_an_instance),
        cmocka_unit_test(test_a_row_that_cannot_be_is_corrupt),
    };
    return SUPPORT_RUN(tests);
}
