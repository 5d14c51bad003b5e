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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_deposit_arrives_once),
        cmocka_unit_test(test_a_name_stands_for_one_deposit),
    };

    return SUPPORT_RUN(tests);
}
