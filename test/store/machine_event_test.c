/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine_event.h"

#include "store/support_rows.h"

static void insert(struct scene *scene, int64_t machine_id, enum reliability_event kind,
                   int64_t start, int64_t contract_id)
{
    bool is_outage = kind == RELIABILITY_OUTAGE;
    struct machine_event_row event = { .machine_id = machine_id,
                                       .kind = kind,
                                       .start = scene_at(start),
                                       .end = is_outage ? (struct instant){ 0 } : scene_at(start),
                                       .had_rental = is_outage,
                                       .contract_id = contract_id };

    CHECK_OK(machine_event_insert(scene->db, &event, &scene->err), &scene->err);
}

static void test_an_outage_goes_on_until_it_is_closed(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct machine_event_row event, *events;
    size_t count;
    bool has;

    CHECK_OK(machine_event_open(scene.db, scene.machine, &event, &has, &scene.err), &scene.err);
    CHECK(!has);
    insert(&scene, scene.machine, RELIABILITY_JOINED, 1, 0);
    insert(&scene, scene.machine, RELIABILITY_OUTAGE, 10, 0);
    insert(&scene, scene.other_machine, RELIABILITY_OUTAGE, 11, 0);
    CHECK_OK(machine_event_open(scene.db, scene.machine, &event, &has, &scene.err), &scene.err);
    CHECK(has);
    CHECK_INT(event.start.microseconds, scene_at(10).microseconds);
    CHECK(event.had_rental);
    event.end = scene_at(70);
    event.severity_ppm = 500000;
    event.cause = RELIABILITY_ANNOUNCED;
    CHECK_OK(machine_event_close(scene.db, &event, &scene.err), &scene.err);
    CHECK_OK(machine_event_open(scene.db, scene.machine, &event, &has, &scene.err), &scene.err);
    CHECK(!has);
    /* What is closed stays as it is. */
    event.severity_ppm = 7;
    CHECK_OK(machine_event_close(scene.db, &event, &scene.err), &scene.err);
    CHECK_OK(
        machine_event_list(scene.db, scene.machine, 9, &scene.arena, &events, &count, &scene.err),
        &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(events[0].kind, RELIABILITY_OUTAGE);
    CHECK_INT(events[0].end.microseconds, scene_at(70).microseconds);
    CHECK_INT(events[0].severity_ppm, 500000);
    CHECK_INT(events[0].cause, RELIABILITY_ANNOUNCED);
    CHECK_INT(events[1].kind, RELIABILITY_JOINED);
    CHECK_OK(
        machine_event_list(scene.db, scene.machine, 1, &scene.arena, &events, &count, &scene.err),
        &scene.err);
    CHECK_COUNT(count, 1);
}

static void test_hosts_that_went_together_are_counted_once(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t count = -1;

    insert(&scene, scene.machine, RELIABILITY_OUTAGE, 10, 0);
    insert(&scene, scene.other_machine, RELIABILITY_OUTAGE, 20, 0);
    insert(&scene, scene.machine, RELIABILITY_JOINED, 15, 0);
    CHECK_OK(machine_event_hosts_gone(scene.db, scene_at(10), scene_at(20), &count, &scene.err),
             &scene.err);
    CHECK_INT(count, 1);
    CHECK_OK(machine_event_hosts_gone(scene.db, scene_at(21), scene_at(30), &count, &scene.err),
             &scene.err);
    CHECK_INT(count, 0);
}

static void test_a_slot_says_what_was_found_first_and_that_it_was_the_market(void **state)
{
    static const struct {
        struct outage_slot saved;
        int64_t kept_since;
        bool has_seven;
        struct outage_slot seven;
    } rows[] = {
        { { 7, 40, false }, 0, true, { 7, 40, false } },
        { { 7, 50, false }, 0, true, { 7, 40, false } },
        { { 7, 50, true }, 0, true, { 7, 40, true } },
        { { 7, 60, false }, 0, true, { 7, 40, true } },
        { { 8, 41, true }, 7, true, { 7, 40, true } },
        { { 9, 41, true }, 8, false, { 0, 0, false } },
    };
    auto_scene struct scene scene = scene_open(*state);
    struct outage_slot slot;
    bool has;

    CHECK_OK(outage_slot_load(scene.db, 7, &slot, &has, &scene.err), &scene.err);
    CHECK(!has);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        CHECK_OK(outage_slot_save(scene.db, &rows[i].saved, rows[i].kept_since, &scene.err),
                 &scene.err);
        CHECK_OK(outage_slot_load(scene.db, 7, &slot, &has, &scene.err), &scene.err);
        CHECK_INT(has, rows[i].has_seven);
        if (!has)
            continue;
        CHECK_INT(slot.hosts, rows[i].seven.hosts);
        CHECK_INT(slot.is_market, rows[i].seven.is_market);
    }
    CHECK_INT(scene_number(&scene, "SELECT SUM(slot) FROM outage_slot"), 17);
}

static void test_starts_of_others_that_failed(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    bool has;

    insert(&scene, scene.machine, RELIABILITY_FAILED_START, 10, scene.contract);
    CHECK_OK(machine_event_others_failed(scene.db, scene.machine, scene.contract, scene_at(0), &has,
                                         &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(machine_event_others_failed(scene.db, scene.machine, scene.contract_bob, scene_at(10),
                                         &has, &scene.err),
             &scene.err);
    CHECK(has);
    CHECK_OK(machine_event_others_failed(scene.db, scene.machine, scene.contract_bob, scene_at(11),
                                         &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(machine_event_others_failed(scene.db, scene.other_machine, scene.contract_bob,
                                         scene_at(0), &has, &scene.err),
             &scene.err);
    CHECK(!has);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_outage_goes_on_until_it_is_closed),
        cmocka_unit_test(test_hosts_that_went_together_are_counted_once),
        cmocka_unit_test(test_a_slot_says_what_was_found_first_and_that_it_was_the_market),
        cmocka_unit_test(test_starts_of_others_that_failed),
    };

    return SUPPORT_RUN(tests);
}
