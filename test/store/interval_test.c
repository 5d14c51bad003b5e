/* SPDX-License-Identifier: Apache-2.0 */
#include "store/interval.h"

#include "store/support_rows.h"

static struct interval_row row_of(const struct scene *scene, int64_t contract_id, int64_t owner_id)
{
    return (struct interval_row){ .contract_id = contract_id,
                                  .owner_id = owner_id,
                                  .machine_id = scene->machine,
                                  .start_token = "boot/container/1",
                                  .run_ms = 1234,
                                  .start = scene_at(10),
                                  .metered = scene_at(15) };
}

static void open_one(struct scene *scene, int64_t contract_id, int64_t owner_id)
{
    struct interval_row interval = row_of(scene, contract_id, owner_id);

    CHECK_OK(interval_open(scene->db, &interval, &scene->err), &scene->err);
}

static bool load(struct scene *scene, int64_t contract_id, struct interval_row *ret)
{
    bool has = false;

    CHECK_OK(interval_load(scene->db, contract_id, &scene->arena, ret, &has, &scene->err),
             &scene->err);
    return has;
}

static void test_every_field_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct interval_row interval;

    open_one(&scene, scene.contract, scene.ada);
    CHECK(load(&scene, scene.contract, &interval));
    CHECK(interval.id > 0);
    CHECK_INT(interval.contract_id, scene.contract);
    CHECK_INT(interval.owner_id, scene.ada);
    CHECK_INT(interval.machine_id, scene.machine);
    CHECK_TEXT(interval.start_token, "boot/container/1");
    CHECK_INT(interval.run_ms, 1234);
    CHECK_INT(interval.start.microseconds, scene_at(10).microseconds);
    CHECK_INT(interval.metered.microseconds, scene_at(15).microseconds);
    CHECK(!load(&scene, scene.contract_bob, &interval));
}

static void test_one_is_open_at_a_time(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct interval_row second = row_of(&scene, scene.contract, scene.ada), interval;

    open_one(&scene, scene.contract, scene.ada);
    CHECK_REFUSED(&scene, interval_open(scene.db, &second, &scene.err));
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM run_interval"), 1);
    CHECK(load(&scene, scene.contract, &interval));
    CHECK_OK(interval_close(scene.db, interval.id, scene_at(20), &scene.err), &scene.err);
    CHECK(!load(&scene, scene.contract, &interval));
    CHECK_OK(interval_open(scene.db, &second, &scene.err), &scene.err);
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM run_interval"), 2);
}

static void test_what_is_closed_moves_no_more(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct interval_row interval, bobs;

    open_one(&scene, scene.contract, scene.ada);
    open_one(&scene, scene.contract_bob, scene.bob);
    CHECK(load(&scene, scene.contract, &interval));
    CHECK_OK(interval_meter(scene.db, interval.id, scene_at(18), &scene.err), &scene.err);
    CHECK(load(&scene, scene.contract, &interval));
    CHECK_INT(interval.metered.microseconds, scene_at(18).microseconds);
    CHECK_OK(interval_close(scene.db, interval.id, scene_at(20), &scene.err), &scene.err);
    CHECK_OK(interval_meter(scene.db, interval.id, scene_at(30), &scene.err), &scene.err);
    CHECK_OK(interval_close(scene.db, interval.id, scene_at(40), &scene.err), &scene.err);
    CHECK_INT(scene_number(&scene, "SELECT metered_us FROM run_interval WHERE end_us IS NOT NULL"),
              scene_at(20).microseconds);
    CHECK_INT(scene_number(&scene, "SELECT MAX(end_us) FROM run_interval"),
              scene_at(20).microseconds);
    CHECK(load(&scene, scene.contract_bob, &bobs));
    CHECK_INT(bobs.metered.microseconds, scene_at(15).microseconds);
}

static void test_time_does_not_run_backwards(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct interval_row backwards = row_of(&scene, scene.contract_bob, scene.bob), interval;

    backwards.metered = scene_at(9);
    CHECK_REFUSED(&scene, interval_open(scene.db, &backwards, &scene.err));
    open_one(&scene, scene.contract, scene.ada);
    CHECK(load(&scene, scene.contract, &interval));
    CHECK_REFUSED(&scene, interval_meter(scene.db, interval.id, scene_at(9), &scene.err));
    CHECK_REFUSED(&scene, interval_close(scene.db, interval.id, scene_at(9), &scene.err));
    CHECK(load(&scene, scene.contract, &interval));
    CHECK_INT(interval.metered.microseconds, scene_at(15).microseconds);
    CHECK(!load(&scene, scene.contract_bob, &interval));
}

static void test_open_ones_are_listed_by_machine_and_by_renter(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t another = scene_contract(&scene, scene.ada, scene.other_machine);
    struct interval_row elsewhere = row_of(&scene, another, scene.ada), *list;
    size_t count;

    elsewhere.machine_id = scene.other_machine;
    CHECK_OK(interval_open(scene.db, &elsewhere, &scene.err), &scene.err);
    open_one(&scene, scene.contract_bob, scene.bob);
    open_one(&scene, scene.contract, scene.ada);
    CHECK_OK(interval_list_on(scene.db, scene.machine, &scene.arena, &list, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(list[0].contract_id, scene.contract_bob);
    CHECK_INT(list[1].contract_id, scene.contract);
    CHECK_OK(interval_list_owned(scene.db, scene.ada, &scene.arena, &list, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(list[0].contract_id, another);
    CHECK_INT(list[1].contract_id, scene.contract);
    CHECK_OK(interval_close(scene.db, list[0].id, scene_at(20), &scene.err), &scene.err);
    CHECK_OK(interval_list_owned(scene.db, scene.ada, &scene.arena, &list, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_OK(
        interval_list_on(scene.db, scene.other_machine, &scene.arena, &list, &count, &scene.err),
        &scene.err);
    CHECK_COUNT(count, 0);
}

static void test_those_that_are_open_are_counted(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t before = -1, count = -1;

    CHECK_OK(interval_count_open(scene.db, &before, &scene.err), &scene.err);
    open_one(&scene, scene.contract, scene.ada);
    open_one(&scene, scene.contract_bob, scene.bob);
    CHECK_OK(interval_count_open(scene.db, &count, &scene.err), &scene.err);
    CHECK_INT(count, before + 2);
    scene_run(&scene, "UPDATE run_interval SET end_us = metered_us WHERE contract_id = $1",
              DB_ARGS(db_int(scene.contract)));
    CHECK_OK(interval_count_open(scene.db, &count, &scene.err), &scene.err);
    CHECK_INT(count, before + 1);
}

static void test_what_ran_once_ran_ever(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct interval_row interval;
    bool has;

    CHECK_OK(interval_ever(scene.db, scene.contract, &has, &scene.err), &scene.err);
    CHECK(!has);
    open_one(&scene, scene.contract, scene.ada);
    CHECK_OK(interval_load(scene.db, scene.contract, &scene.arena, &interval, &has, &scene.err),
             &scene.err);
    CHECK_OK(interval_close(scene.db, interval.id, scene_at(99), &scene.err), &scene.err);
    CHECK_OK(interval_ever(scene.db, scene.contract, &has, &scene.err), &scene.err);
    CHECK(has);
    CHECK_OK(interval_ever(scene.db, scene.contract_bob, &has, &scene.err), &scene.err);
    CHECK(!has);
}

static void test_a_row_that_cannot_be_is_corrupt(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct interval_row interval;
    bool has;

    open_one(&scene, scene.contract, scene.ada);
    scene_run(&scene, "UPDATE run_interval SET run_ms = -1", DB_NO_ARGS);
    CHECK_FAILS(interval_load(scene.db, scene.contract, &scene.arena, &interval, &has, &scene.err),
                &scene.err, ERROR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back),
        cmocka_unit_test(test_one_is_open_at_a_time),
        cmocka_unit_test(test_what_is_closed_moves_no_more),
        cmocka_unit_test(test_time_does_not_run_backwards),
        cmocka_unit_test(test_open_ones_are_listed_by_machine_and_by_renter),
        cmocka_unit_test(test_those_that_are_open_are_counted),
        cmocka_unit_test(test_what_ran_once_ran_ever),
        cmocka_unit_test(test_a_row_that_cannot_be_is_corrupt),
    };
    return SUPPORT_RUN(tests);
}
