/* SPDX-License-Identifier: Apache-2.0 */
#include "store/parked.h"

#include "store/support_rows.h"

static size_t list(struct scene *scene, struct parked_row **ret)
{
    size_t count;

    CHECK_OK(parked_list(scene->db, 8, &scene->arena, ret, &count, &scene->err), &scene->err);
    return count;
}

static void test_what_waits_is_listed_until_it_is_decided(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct parked_row row = { .contract_id = scene.contract,
                              .from = scene_at(1),
                              .gpu_us = 5,
                              .outage_us = 2,
                              .parked = scene_at(9) };
    struct parked_row back, *rows;
    bool has;

    CHECK_OK(parked_insert(scene.db, &row, &scene.err), &scene.err);
    row.gpu_us = 6;
    CHECK_OK(parked_insert(scene.db, &row, &scene.err), &scene.err);
    CHECK_COUNT(list(&scene, &rows), 2);
    CHECK_INT(rows[0].owner_id, scene.ada);
    CHECK_INT(rows[0].host_id, scene.host);
    CHECK_INT(rows[0].machine_id, scene.machine);
    CHECK_INT(rows[0].gpu_hour.nanodollars,
              scene_number(&scene, "SELECT gpu_hour FROM contract ORDER BY id LIMIT 1"));
    CHECK_INT(rows[0].destroyed.microseconds, 0);
    CHECK_INT(rows[0].gpu_us, 5);
    CHECK_INT(rows[0].outage_us, 2);
    CHECK_INT(rows[0].from.microseconds, scene_at(1).microseconds);
    CHECK_INT(rows[0].parked.microseconds, scene_at(9).microseconds);
    CHECK_INT(rows[0].state, PARKED_WAITS);
    rows[0].state = PARKED_CHARGED;
    rows[0].charged_us = 4;
    rows[0].decided = scene_at(10);
    CHECK_OK(parked_decide(scene.db, &rows[0], &scene.err), &scene.err);
    CHECK_OK(parked_load(scene.db, rows[0].id, &scene.arena, &back, &has, &scene.err), &scene.err);
    CHECK(has);
    CHECK_INT(back.state, PARKED_CHARGED);
    CHECK_INT(back.charged_us, 4);
    CHECK_INT(back.decided.microseconds, scene_at(10).microseconds);
    CHECK_COUNT(list(&scene, &rows), 1);
    CHECK_INT(rows[0].gpu_us, 6);
    CHECK_OK(parked_load(scene.db, 77, &scene.arena, &back, &has, &scene.err), &scene.err);
    CHECK(!has);
    /* More than there was, and nothing at all. */
    rows[0].state = PARKED_CHARGED;
    rows[0].charged_us = 7;
    rows[0].decided = scene_at(10);
    CHECK_REFUSED(&scene, parked_decide(scene.db, &rows[0], &scene.err));
    row.gpu_us = 0;
    CHECK_REFUSED(&scene, parked_insert(scene.db, &row, &scene.err));
}

static struct parked_waiting waiting(struct scene *scene)
{
    struct parked_waiting waiting = { .count = 77 };

    CHECK_OK(parked_waiting(scene->db, &waiting, &scene->err), &scene->err);
    return waiting;
}

/* What nobody is asked about is there to be seen, and waits for nobody. */
static void test_dropped_time_does_not_wait(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct parked_row row = {
        .contract_id = scene.contract, .from = scene_at(1), .gpu_us = 5, .parked = scene_at(9)
    };
    struct parked_row back, *rows;
    bool has;

    CHECK_OK(parked_insert_dropped(scene.db, &row, &scene.err), &scene.err);
    CHECK_COUNT(list(&scene, &rows), 0);
    CHECK_OK(parked_load(scene.db, scene_number(&scene, "SELECT MAX(id) FROM parked_tick"),
                         &scene.arena, &back, &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_INT(back.state, PARKED_DROPPED);
    CHECK_INT(back.gpu_us, 5);
    CHECK_INT(back.charged_us, 0);
    CHECK_INT(back.outage_us, 0);
    CHECK_INT(back.decided.microseconds, scene_at(9).microseconds);
}

static void test_what_waits_is_counted_from_the_first_on(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct parked_row row = { .contract_id = scene.contract, .gpu_us = 5, .parked = scene_at(9) };
    struct parked_row *rows;

    CHECK_INT(waiting(&scene).count, 0);
    CHECK_INT(waiting(&scene).since.microseconds, 0);
    CHECK_OK(parked_insert(scene.db, &row, &scene.err), &scene.err);
    row.parked = scene_at(7);
    CHECK_OK(parked_insert(scene.db, &row, &scene.err), &scene.err);
    CHECK_INT(waiting(&scene).count, 2);
    CHECK_INT(waiting(&scene).since.microseconds, scene_at(7).microseconds);
    CHECK_COUNT(list(&scene, &rows), 2);
    rows[1].state = PARKED_DROPPED;
    rows[1].decided = scene_at(10);
    CHECK_OK(parked_decide(scene.db, &rows[1], &scene.err), &scene.err);
    CHECK_INT(waiting(&scene).count, 1);
    CHECK_INT(waiting(&scene).since.microseconds, scene_at(9).microseconds);
}

static void test_the_guard_is_what_an_operator_says(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t tick_max_us = 7;

    CHECK_OK(parked_guard(scene.db, &tick_max_us, &scene.err), &scene.err);
    CHECK_INT(tick_max_us, 7);
    scene_run(&scene, "INSERT INTO posting_guard (id, tick_max_us) VALUES (1, 7200000000)",
              DB_NO_ARGS);
    CHECK_OK(parked_guard(scene.db, &tick_max_us, &scene.err), &scene.err);
    CHECK_INT(tick_max_us, 7200000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_waits_is_listed_until_it_is_decided),
        cmocka_unit_test(test_dropped_time_does_not_wait),
        cmocka_unit_test(test_what_waits_is_counted_from_the_first_on),
        cmocka_unit_test(test_the_guard_is_what_an_operator_says),
    };

    return SUPPORT_RUN(tests);
}
