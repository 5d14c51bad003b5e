/* SPDX-License-Identifier: Apache-2.0 */
#include "store/user.h"

#include "store/ssh_key.h"
#include "store/support_rows.h"

static struct user_row user_of(struct scene *scene, int64_t id)
{
    struct user_row user;
    bool has = false;

    CHECK_OK(user_load(scene->db, id, &scene->arena, &user, &has, &scene->err), &scene->err);
    CHECK(has);
    return user;
}

static void test_every_field_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct user_row user = { .email = "eve@example.org",
                             .username = "eve",
                             .fullname = "Eve Östlund",
                             .is_admin = true,
                             .created = scene_at(5),
                             .credit_limit = { 123456789012345 },
                             .t_zero = scene_at(6) },
                    found;
    int64_t id;
    bool has;

    CHECK_OK(user_insert(scene.db, &user, &id, &scene.err), &scene.err);
    CHECK_OK(user_find(scene.db, user.email, &scene.arena, &found, &has, &scene.err), &scene.err);
    CHECK(has);
    CHECK_INT(found.id, id);
    CHECK_TEXT(found.email, user.email);
    CHECK_TEXT(found.username, user.username);
    CHECK_TEXT(found.fullname, user.fullname);
    CHECK(found.is_admin);
    CHECK_INT(found.created.microseconds, user.created.microseconds);
    CHECK_INT(found.credit_limit.nanodollars, user.credit_limit.nanodollars);
    CHECK_INT(found.t_zero.microseconds, user.t_zero.microseconds);
    CHECK(!user_of(&scene, scene.ada).is_admin);
}

static struct user_profile profile_of(struct scene *scene, int64_t id)
{
    struct user_profile profile;
    bool has = false;

    CHECK_OK(user_load_profile(scene->db, id, &scene->arena, &profile, &has, &scene->err),
             &scene->err);
    CHECK(has);
    CHECK_INT(profile.user.id, id);
    CHECK_TEXT(profile.user.email, user_of(scene, id).email);
    return profile;
}

static int64_t add_key(struct scene *scene, int64_t user_id, const char *text, bool is_account)
{
    struct ssh_key_row key = {
        .user_id = user_id, .public_key = text, .is_account = is_account, .created = scene_at(4)
    };
    int64_t id;

    CHECK_OK(ssh_key_insert(scene->db, &key, &id, &scene->err), &scene->err);
    return id;
}

/* Of its keys the oldest that is the whole account's, and not another's. */
static void test_a_profile_is_of_one_account(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct user_profile profile;
    int64_t count;
    bool has = true;

    CHECK(profile_of(&scene, scene.host).has_machines);
    CHECK(!profile_of(&scene, scene.ada).has_machines);
    (void)add_key(&scene, scene.bob, "of bob", true);
    (void)add_key(&scene, scene.ada, "of one instance", false);
    CHECK_TEXT(profile_of(&scene, scene.ada).ssh_key, "");
    int64_t first = add_key(&scene, scene.ada, "first", true);
    (void)add_key(&scene, scene.ada, "second", true);
    CHECK_TEXT(profile_of(&scene, scene.ada).ssh_key, "first");
    CHECK_OK(ssh_key_delete(scene.db, scene.ada, first, scene_at(5), &count, &scene.err),
             &scene.err);
    CHECK_TEXT(profile_of(&scene, scene.ada).ssh_key, "second");
    CHECK_TEXT(profile_of(&scene, scene.bob).ssh_key, "of bob");
    CHECK_OK(user_load_profile(scene.db, 999, &scene.arena, &profile, &has, &scene.err),
             &scene.err);
    CHECK(!has);
}

static void test_nobody_is_not_found(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct user_row user;
    bool has = true;
    int64_t count = 7;

    CHECK_OK(user_load(scene.db, 999, &scene.arena, &user, &has, &scene.err), &scene.err);
    CHECK(!has);
    has = true;
    CHECK_OK(user_find(scene.db, "ADA@example.org", &scene.arena, &user, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(user_set_credit_limit(scene.db, 999, (struct money){ .nanodollars = 1 }, &count,
                                   &scene.err),
             &scene.err);
    CHECK_INT(count, 0);
}

static void test_an_address_is_one_account(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct user_row again = { .email = "ada@example.org", .username = "x", .fullname = "" };
    int64_t id;

    CHECK_REFUSED(&scene, user_insert(scene.db, &again, &id, &scene.err));
    CHECK_INT(scene_number(&scene, "SELECT COUNT(*) FROM users"), 3);
}

static void test_changes_are_of_one_user(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t count;

    CHECK_OK(user_lock(scene.db, scene.ada, &scene.err), &scene.err);
    CHECK_OK(user_set_names(scene.db, scene.ada, "countess", "Ada L", &scene.err), &scene.err);
    CHECK_OK(user_set_t_zero(scene.db, scene.ada, scene_at(9), &scene.err), &scene.err);
    CHECK_OK(user_set_credit_limit(scene.db, scene.ada, (struct money){ 55 }, &count, &scene.err),
             &scene.err);
    CHECK_INT(count, 1);
    struct user_row ada = user_of(&scene, scene.ada), bob = user_of(&scene, scene.bob);
    CHECK_TEXT(ada.username, "countess");
    CHECK_TEXT(ada.fullname, "Ada L");
    CHECK_INT(ada.t_zero.microseconds, scene_at(9).microseconds);
    CHECK_INT(ada.credit_limit.nanodollars, 55);
    CHECK_TEXT(bob.username, "name");
    CHECK_INT(bob.t_zero.microseconds, INT64_MAX);
    CHECK_INT(bob.credit_limit.nanodollars, 0);
    CHECK_REFUSED(&scene, user_set_credit_limit(scene.db, scene.ada, (struct money){ -1 }, &count,
                                                &scene.err));
    CHECK_INT(user_of(&scene, scene.ada).credit_limit.nanodollars, 55);
}

static void test_those_whose_credit_ends_come_earliest_first(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t ids[3];
    size_t count;

    CHECK_OK(user_set_t_zero(scene.db, scene.host, scene_at(1), &scene.err), &scene.err);
    CHECK_OK(user_set_t_zero(scene.db, scene.ada, scene_at(2), &scene.err), &scene.err);
    CHECK_OK(user_due(scene.db, scene_at(0), ids, 3, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 0);
    CHECK_OK(user_due(scene.db, scene_at(2), ids, 3, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(ids[0], scene.host);
    CHECK_INT(ids[1], scene.ada);
    CHECK_OK(user_due(scene.db, scene_at(2), ids, 1, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(ids[0], scene.host);
}

static void test_a_list_goes_on_after_an_id(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct user_row *users;
    size_t count;

    CHECK_OK(user_list(scene.db, 0, 2, &scene.arena, &users, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_INT(users[0].id, scene.ada);
    CHECK_INT(users[1].id, scene.bob);
    CHECK_OK(user_list(scene.db, scene.bob, 2, &scene.arena, &users, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(users[0].id, scene.host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back),
        cmocka_unit_test(test_a_profile_is_of_one_account),
        cmocka_unit_test(test_nobody_is_not_found),
        cmocka_unit_test(test_an_address_is_one_account),
        cmocka_unit_test(test_changes_are_of_one_user),
        cmocka_unit_test(test_those_whose_credit_ends_come_earliest_first),
        cmocka_unit_test(test_a_list_goes_on_after_an_id),
    };
    return SUPPORT_RUN(tests);
}
