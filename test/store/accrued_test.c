/* SPDX-License-Identifier: Apache-2.0 */
#include "store/accrued.h"

#include "store/interval.h"
#include "store/meters.h"
#include "store/support_rows.h"

static void open_meters(struct scene *scene, int64_t contract_id)
{
    struct meter of[COMPONENT_COUNT];

    for (int i = 0; i < COMPONENT_COUNT; i++)
        of[i] = meter_open((enum component)(i + 1), (struct money){ 100 }, 1, 2500);
    CHECK_OK(meters_open(scene->db, contract_id, of, scene_at(10), &scene->err), &scene->err);
}

/* Those that are due a second after everything. */
static int64_t due(struct scene *scene, int64_t owner_id)
{
    struct accrued_part *parts;
    size_t count;

    CHECK_OK(accrued_list_due(scene->db, owner_id, scene_at(1000), &scene->arena, &parts, &count,
                              &scene->err),
             &scene->err);
    return (int64_t)count;
}

static struct accrued_part only(struct scene *scene, int64_t owner_id)
{
    struct accrued_part *parts;
    size_t count;

    CHECK_OK(accrued_list(scene->db, owner_id, &scene->arena, &parts, &count, &scene->err),
             &scene->err);
    CHECK_COUNT(count, 1);
    return parts[0];
}

static void save(struct scene *scene, numerator burn, numerator base, struct instant due_at)
{
    struct accrued_part part = { .contract_id = scene->contract,
                                 .accrual = { burn, base },
                                 .seen = scene_at(11),
                                 .due = due_at };

    CHECK_OK(accrued_save(scene->db, &part, &scene->err), &scene->err);
}

static void test_a_line_comes_back_as_it_was(void **state)
{
    static const numerator numbers[] = { 0,
                                         1,
                                         -1,
                                         ACCRUAL_MAX,
                                         -ACCRUAL_MAX,
                                         ACCRUAL_MAX - 1,
                                         1 - ACCRUAL_MAX,
                                         (numerator)1 << 62,
                                         -((numerator)1 << 62),
                                         ((numerator)1 << 62) - 1,
                                         -((numerator)1 << 62) - 1 };
    auto_scene struct scene scene = scene_open(*state);
    struct accrual sum = { 7, 7 };

    open_meters(&scene, scene.contract);
    CHECK_INT(only(&scene, scene.ada).due.microseconds, 0);
    CHECK_OK(accrued_sum(scene.db, scene.ada, &sum, &scene.err), &scene.err);
    CHECK(sum.burn == 0 && sum.base == 0);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        numerator burn = numbers[i] < 0 ? -numbers[i] : numbers[i];

        check_row("number %zu", i);
        save(&scene, burn, numbers[i], scene_at(99));
        struct accrued_part part = only(&scene, scene.ada);
        CHECK_INT(part.contract_id, scene.contract);
        CHECK(part.accrual.burn == burn && part.accrual.base == numbers[i]);
        CHECK_INT(part.seen.microseconds, scene_at(11).microseconds);
        CHECK_INT(part.due.microseconds, scene_at(99).microseconds);
        CHECK_OK(accrued_set_sum(scene.db, scene.ada, &part.accrual, &scene.err), &scene.err);
        CHECK_OK(accrued_sum(scene.db, scene.ada, &sum, &scene.err), &scene.err);
        CHECK(sum.burn == burn && sum.base == numbers[i]);
    }
    CHECK_OK(accrued_drop(scene.db, scene.contract, &scene.err), &scene.err);
    CHECK_INT(due(&scene, scene.ada), 0);
}

static void test_what_no_line_can_be_is_corrupt(void **state)
{
    static const char *const harms[] = {
        "UPDATE accrued_sum SET burn_high = -1",
        "UPDATE accrued_sum SET burn_high = 4611686018427387904, burn_low = 1",
        "UPDATE accrued_sum SET burn_high = 0, base_high = 4611686018427387904, base_low = 1",
        "UPDATE accrued_sum SET burn_high = 0, base_high = -4611686018427387905, base_low = 7",
    };
    auto_scene struct scene scene = scene_open(*state);
    struct accrual sum = { 7, 7 };

    CHECK_OK(accrued_set_sum(scene.db, scene.ada, &sum, &scene.err), &scene.err);
    for (size_t i = 0; i < sizeof harms / sizeof harms[0]; i++) {
        check_row("harm %zu", i);
        scene_run(&scene, harms[i], DB_NO_ARGS);
        CHECK_FAILS(accrued_sum(scene.db, scene.ada, &sum, &scene.err), &scene.err, ERROR_CORRUPT);
        CHECK(sum.burn == 7 && sum.base == 7);
    }
}

/* Whoever changes what a line is made of, in whatever statement, it is due at once. */
static void test_the_database_notes_what_changes(void **state)
{
    static const struct {
        const char *sql;
        bool is_due;
    } rows[] = {
        { "UPDATE meter SET total = total + 1 WHERE comp = 1", true },
        { "UPDATE meter SET rate = rate + 1 WHERE comp = 2", true },
        { "UPDATE meter SET total = total + 1 WHERE comp >= 3", false },
        { "UPDATE run_interval SET metered_us = metered_us + 1", true },
        { "UPDATE contract SET end_us = end_us - 1", true },
        { "UPDATE contract SET pause_us = pause_us - 1", true },
        { "UPDATE contract SET disk_metered_us = disk_metered_us + 1", true },
        { "UPDATE contract SET disk_offline_us = disk_offline_us + 1", true },
        { "UPDATE contract SET destroyed_us = 9, state = 9", true },
        { "UPDATE contract SET destroyed_us = 0, state = 3", true },
        { "UPDATE contract SET label = 'x', end_us = end_us", false },
        { "UPDATE contract SET up_unmetered = up_unmetered + 1", false },
        { "UPDATE machine SET is_online = 1 - is_online", true },
        { "UPDATE machine SET offline_since_us = offline_since_us + 1", true },
        { "UPDATE machine SET is_online = is_online, hostname = 'x'", false },
        { "UPDATE run_interval SET end_us = metered_us", true },
    };
    auto_scene struct scene scene = scene_open(*state);
    struct interval_row interval = { .contract_id = scene.contract,
                                     .owner_id = scene.ada,
                                     .machine_id = scene.machine,
                                     .start_token = "t",
                                     .start = scene_at(20),
                                     .metered = scene_at(20) };

    open_meters(&scene, scene.contract);
    CHECK_INT(due(&scene, scene.ada), 1);
    CHECK_INT(due(&scene, scene.bob), 0);
    save(&scene, 1, 1, scene_at(1001));
    CHECK_INT(due(&scene, scene.ada), 0);
    save(&scene, 1, 1, scene_at(1000));
    CHECK_INT(due(&scene, scene.ada), 1);
    save(&scene, 1, 1, INSTANT_NEVER);
    CHECK_OK(interval_open(scene.db, &interval, &scene.err), &scene.err);
    CHECK_INT(due(&scene, scene.ada), 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].sql);
        save(&scene, 1, 1, INSTANT_NEVER);
        CHECK_INT(due(&scene, scene.ada), 0);
        scene_run(&scene, rows[i].sql, DB_NO_ARGS);
        CHECK_INT(due(&scene, scene.ada), rows[i].is_due);
        CHECK_INT(due(&scene, scene.bob), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_comes_back_as_it_was),
        cmocka_unit_test(test_what_no_line_can_be_is_corrupt),
        cmocka_unit_test(test_the_database_notes_what_changes),
    };

    return SUPPORT_RUN(tests);
}
