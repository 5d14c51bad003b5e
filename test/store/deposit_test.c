/* SPDX-License-Identifier: Apache-2.0 */
#include "store/deposit.h"

#include "store/support_rows.h"

static void test_a_deposit_arrives_once(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct deposit_row deposit = {
        .user_id = scene.ada, .provider = "manual", .object_id = "wire 1", .amount = { 500 }
    };
    struct deposit_row again = deposit, other = deposit;
    bool is_new;

    CHECK_OK(deposit_arrive(scene.db, &deposit, scene_at(1), &is_new, &scene.err), &scene.err);
    CHECK(is_new && deposit.id > 0);
    CHECK_OK(deposit_arrive(scene.db, &again, scene_at(2), &is_new, &scene.err), &scene.err);
    CHECK(!is_new);
    CHECK_INT(again.id, deposit.id);
    other.provider = "other";
    CHECK_OK(deposit_arrive(scene.db, &other, scene_at(2), &is_new, &scene.err), &scene.err);
    CHECK(is_new && other.id != deposit.id);
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM deposit WHERE state = 2"), 2);
}

static void test_a_name_stands_for_one_deposit(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct deposit_row deposit = {
        .user_id = scene.ada, .provider = "manual", .object_id = "wire 1", .amount = { 500 }
    };
    bool is_new;

    CHECK_OK(deposit_arrive(scene.db, &deposit, scene_at(1), &is_new, &scene.err), &scene.err);
    deposit.amount.nanodollars = 501;
    CHECK_REFUSED(&scene, deposit_arrive(scene.db, &deposit, scene_at(1), &is_new, &scene.err));
    deposit.amount.nanodollars = 500;
    deposit.user_id = scene.bob;
    CHECK_REFUSED(&scene, deposit_arrive(scene.db, &deposit, scene_at(1), &is_new, &scene.err));
}

static int64_t state_of(struct scene *scene)
{
    return scene_number(scene, "SELECT state FROM deposit");
}

static void test_what_was_announced_arrives_once(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct deposit_row deposit = {
        .user_id = scene.ada, .provider = "manual", .object_id = "wire 1", .amount = { 500 }
    };
    struct deposit_row again = deposit;
    bool is_new;

    CHECK_OK(deposit_expect(scene.db, &deposit, scene_at(1), &is_new, &scene.err), &scene.err);
    CHECK(is_new);
    CHECK_INT(state_of(&scene), DEPOSIT_ON_ITS_WAY);
    CHECK_OK(deposit_expect(scene.db, &again, scene_at(2), &is_new, &scene.err), &scene.err);
    CHECK(!is_new && again.id == deposit.id);
    again.amount.nanodollars++;
    CHECK_REFUSED(&scene, deposit_expect(scene.db, &again, scene_at(2), &is_new, &scene.err));
    CHECK_REFUSED(&scene, deposit_arrive(scene.db, &again, scene_at(2), &is_new, &scene.err));
    for (int i = 0; i < 2; i++) {
        again = deposit;
        CHECK_OK(deposit_arrive(scene.db, &again, scene_at(3 + i), &is_new, &scene.err),
                 &scene.err);
        CHECK(is_new == (i == 0) && again.id == deposit.id);
        CHECK_INT(state_of(&scene), DEPOSIT_ARRIVED);
        CHECK_INT(scene_number(&scene, "SELECT settled_us FROM deposit"), scene_at(3).microseconds);
        CHECK_OK(deposit_cancel(scene.db, deposit.id, scene_at(5), &scene.err), &scene.err);
    }
    CHECK_OK(deposit_expect(scene.db, &deposit, scene_at(6), &is_new, &scene.err), &scene.err);
    CHECK(!is_new);
    CHECK_INT(state_of(&scene), DEPOSIT_ARRIVED);
}

static void test_one_that_was_given_up_may_arrive(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct deposit_row deposit = {
        .user_id = scene.ada, .provider = "manual", .object_id = "wire 1", .amount = { 500 }
    };
    bool is_new;

    CHECK_OK(deposit_expect(scene.db, &deposit, scene_at(1), &is_new, &scene.err), &scene.err);
    CHECK_OK(deposit_cancel(scene.db, deposit.id, scene_at(5), &scene.err), &scene.err);
    CHECK_INT(state_of(&scene), DEPOSIT_CANCELLED);
    CHECK_INT(scene_number(&scene, "SELECT settled_us FROM deposit"), scene_at(5).microseconds);
    CHECK_OK(deposit_arrive(scene.db, &deposit, scene_at(7), &is_new, &scene.err), &scene.err);
    CHECK(is_new);
    CHECK_INT(state_of(&scene), DEPOSIT_ARRIVED);
}

/* What has arrived has a receipt, once; of the year that it arrives in. */
static void test_what_arrives_has_a_receipt(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct deposit_row deposit = {
        .user_id = scene.ada, .provider = "manual", .object_id = "wire 1", .amount = { 500 }
    };
    struct deposit_row later = deposit, back;
    bool is_new, has;

    CHECK_OK(deposit_expect(scene.db, &deposit, scene_at(1), &is_new, &scene.err), &scene.err);
    scene_keep(&scene);
    CHECK_REFUSED_WITH(ERROR_CORRUPT, &scene,
                       deposit_number(scene.db, deposit.id, scene_at(1), &scene.err));
    CHECK_OK(deposit_arrive(scene.db, &deposit, scene_at(2), &is_new, &scene.err), &scene.err);
    CHECK_OK(deposit_load(scene.db, deposit.id, &scene.arena, &back, &has, &scene.err), &scene.err);
    CHECK_TEXT(back.receipt, "");
    /* The last microsecond of a year, and the first of the next. */
    struct instant year_end = { INT64_C(1798761600000000) };
    CHECK_OK(deposit_number(scene.db, deposit.id, instant_add(year_end, -1), &scene.err),
             &scene.err);
    CHECK_OK(deposit_load(scene.db, deposit.id, &scene.arena, &back, &has, &scene.err), &scene.err);
    CHECK_TEXT(back.receipt, "REC-2026-000001");
    scene_keep(&scene);
    CHECK_REFUSED_WITH(ERROR_CORRUPT, &scene,
                       deposit_number(scene.db, deposit.id, year_end, &scene.err));
    later.object_id = "wire 2";
    CHECK_OK(deposit_arrive(scene.db, &later, scene_at(2), &is_new, &scene.err), &scene.err);
    CHECK_OK(deposit_number(scene.db, later.id, year_end, &scene.err), &scene.err);
    CHECK_OK(deposit_load(scene.db, later.id, &scene.arena, &back, &has, &scene.err), &scene.err);
    CHECK_TEXT(back.receipt, "REC-2027-000001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_deposit_arrives_once),
        cmocka_unit_test(test_a_name_stands_for_one_deposit),
        cmocka_unit_test(test_what_was_announced_arrives_once),
        cmocka_unit_test(test_one_that_was_given_up_may_arrive),
        cmocka_unit_test(test_what_arrives_has_a_receipt),
    };

    return SUPPORT_RUN(tests);
}
