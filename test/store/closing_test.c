/* SPDX-License-Identifier: Apache-2.0 */
#include "store/closing.h"

#include "store/support_rows.h"
#include "store/user.h"

static void test_who_is_erased_is_nobody_and_begins_nothing(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct user_row found;
    bool has;

    CHECK_OK(user_set_password(scene.db, scene.ada, "a hash", &scene.err), &scene.err);
    CHECK_OK(user_lock_open(scene.db, scene.ada, &scene.err), &scene.err);
    CHECK_OK(closing_erase(scene.db, scene.ada, scene_at(7), &scene.err), &scene.err);
    CHECK_FAILS(user_lock_open(scene.db, scene.ada, &scene.err), &scene.err, ERROR_NOT_FOUND);
    CHECK_OK(user_lock(scene.db, scene.ada, &scene.err), &scene.err);
    CHECK_OK(user_load(scene.db, scene.ada, &scene.arena, &found, &has, &scene.err), &scene.err);
    CHECK(has);
    CHECK_INT(found.closed.microseconds, scene_at(7).microseconds);
    CHECK_TEXT(found.fullname, "");
    const char *kept;
    CHECK_OK(user_load_password(scene.db, scene.ada, &scene.arena, &kept, &scene.err), &scene.err);
    CHECK_TEXT(kept, "");
    CHECK_OK(user_mail(scene.db, scene.ada, &scene.arena, &kept, &scene.err), &scene.err);
    CHECK_TEXT(kept, "");
}

static void test_machines_of_the_account_alone_are_counted(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct closing_facts facts;

    CHECK_OK(closing_load(scene.db, scene.ada, &facts, &scene.err), &scene.err);
    CHECK_INT(facts.amount[CLOSING_MACHINES], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_erased_is_nobody_and_begins_nothing),
        cmocka_unit_test(test_machines_of_the_account_alone_are_counted),
    };

    return SUPPORT_RUN(tests);
}
