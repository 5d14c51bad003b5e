/* SPDX-License-Identifier: Apache-2.0 */
#include "store/team.h"

#include <string.h>

#include "store/support_rows.h"
#include "store/user.h"

/* Bob's account is Ada's team, with one role; returns the role. */
static int64_t open_team(struct scene *scene)
{
    const struct team_row team = {
        .id = scene->bob, .name = "crew", .owner_id = scene->ada, .created = scene_at(4)
    };
    const struct team_role_row role = {
        .team_id = scene->bob, .name = "reader", .rights = "{}", .scopes = 5
    };
    int64_t id;

    CHECK_OK(team_insert(scene->db, &team, &scene->err), &scene->err);
    CHECK_OK(team_role_insert(scene->db, &role, &id, &scene->err), &scene->err);
    CHECK_OK(team_member_insert(scene->db, team.id, scene->ada, id, scene_at(5), &scene->err),
             &scene->err);
    return id;
}

static void test_every_field_comes_back(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    int64_t role = open_team(&scene), count;
    struct team_member_row member;
    struct team_role_row other;
    struct team_row team;
    bool has;

    CHECK_OK(team_load(scene.db, scene.bob, &scene.arena, &team, &has, &scene.err), &scene.err);
    CHECK(has);
    CHECK_INT(team.id, scene.bob);
    CHECK_INT(team.owner_id, scene.ada);
    CHECK_TEXT(team.name, "crew");
    CHECK_INT(team.created.microseconds, scene_at(4).microseconds);
    CHECK_OK(
        team_member_load(scene.db, scene.bob, scene.ada, &scene.arena, &member, &has, &scene.err),
        &scene.err);
    CHECK(has);
    CHECK_INT(member.user_id, scene.ada);
    CHECK_INT(member.owner_id, scene.ada);
    CHECK_TEXT(member.team_name, "crew");
    CHECK_INT(member.role.id, role);
    CHECK_TEXT(member.role.name, "reader");
    CHECK_TEXT(member.role.rights, "{}");
    CHECK_INT(member.role.scopes, 5);
    CHECK_OK(team_role_count(scene.db, scene.bob, role, &count, &scene.err), &scene.err);
    CHECK_INT(count, 1);
    /* Of another team there is no such role. */
    CHECK_OK(team_role_load(scene.db, scene.ada, role, &scene.arena, &other, &has, &scene.err),
             &scene.err);
    CHECK(!has);
    CHECK_OK(team_role_find(scene.db, scene.ada, "reader", &scene.arena, &other, &has, &scene.err),
             &scene.err);
    CHECK(!has);
}

static void test_a_name_is_taken_once_and_free_again(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    const struct team_row again = { .id = scene.ada, .name = "crew", .owner_id = scene.ada };
    int64_t role = open_team(&scene), count, id;
    const struct team_role_row twin = { .team_id = scene.bob, .name = "reader", .rights = "{}" };
    struct team_member_row *teams;
    struct team_row team;
    size_t team_count;
    bool has;

    CHECK_REFUSED(&scene, team_insert(scene.db, &again, &scene.err));
    CHECK_REFUSED(&scene, team_role_insert(scene.db, &twin, &id, &scene.err));
    CHECK_REFUSED(&scene, team_role_delete(scene.db, scene.bob, role, &scene.err));
    CHECK_OK(team_count_owned(scene.db, scene.ada, &count, &scene.err), &scene.err);
    CHECK_INT(count, 1);
    CHECK_OK(team_end(scene.db, scene.bob, scene_at(6), &scene.err), &scene.err);
    CHECK_OK(team_load(scene.db, scene.bob, &scene.arena, &team, &has, &scene.err), &scene.err);
    CHECK(!has);
    CHECK_OK(
        team_member_list_of(scene.db, scene.ada, &scene.arena, &teams, &team_count, &scene.err),
        &scene.err);
    CHECK_INT((int64_t)team_count, 0);
    CHECK_OK(team_insert(scene.db, &again, &scene.err), &scene.err);
}

static void test_mails_of_a_team_go_to_its_owner(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    const char *before, *after, *owner;

    CHECK_OK(user_mail(scene.db, scene.bob, &scene.arena, &before, &scene.err), &scene.err);
    (void)open_team(&scene);
    CHECK_OK(user_mail(scene.db, scene.bob, &scene.arena, &after, &scene.err), &scene.err);
    CHECK_OK(user_mail(scene.db, scene.ada, &scene.arena, &owner, &scene.err), &scene.err);
    CHECK_TEXT(after, owner);
    CHECK(strcmp(before, after) != 0);
    CHECK_FAILS(user_mail(scene.db, 99999, &scene.arena, &after, &scene.err), &scene.err,
                ERROR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_back),
        cmocka_unit_test(test_a_name_is_taken_once_and_free_again),
        cmocka_unit_test(test_mails_of_a_team_go_to_its_owner),
    };
    return SUPPORT_RUN(tests);
}
