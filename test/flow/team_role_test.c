/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/team_role.h"

#include <string.h>

#include "support_teams.h"

static void test_a_member_may_do_what_the_role_allows_and_no_more(void **state)
{
    char key[TOKEN_TEXT_SIZE];
    struct key_reply made;
    struct caller caller, more;
    struct teams scene;
    struct error err;

    teams_open(&scene, state);
    struct caller bob = teams_join(&scene, scene.bob, "bob@berth.test", "member", key);
    CHECK_INT(bob.user_id, scene.team_id);
    CHECK_INT(bob.actor_id, scene.bob.user_id);
    CHECK_INT(bob.scopes, SCOPE_INSTANCE_READ | SCOPE_INSTANCE_WRITE | SCOPE_USER_READ |
                              SCOPE_TEAM_READ | SCOPE_MISC);
    /* The role changes, and the key that there is with it: whole, in part, not at all. */
    CHECK_INT(teams_change_role(&scene, scene.crew, "member",
                                "{\"api\":{\"user_read\":{\"api.user.show\":{}},\"misc\":{}}}"),
              TEAM_DONE);
    CHECK(teams_authenticate(&scene.world, key, &caller));
    CHECK_INT(caller.scopes, SCOPE_MISC);
    CHECK_INT(caller.narrowed, SCOPE_USER_READ);
    struct key_rights rights;
    CHECK_OK(flow_key_rights(&scene.world.flow, &caller, &scene.world.arena, &rights, &err), &err);
    CHECK_TEXT(rights.key, "");
    CHECK(strstr(rights.role, "api.user.show") != NULL);
    CHECK_INT(teams_change_role(&scene, scene.crew, "member", "{\"api\":{}}"), TEAM_DONE);
    CHECK(teams_authenticate(&scene.world, key, &caller));
    CHECK_INT(caller.scopes | caller.narrowed, 0);
    /* A key of the team that its member makes is theirs, and within both. */
    CHECK_INT(teams_change_role(&scene, scene.crew, "member",
                                "{\"api\":{\"user_read\":{},\"user_write\":{},\"misc\":{}}}"),
              TEAM_DONE);
    CHECK(teams_authenticate(&scene.world, key, &caller));
    CHECK_OK(flow_key_create(&scene.world.flow, &caller, "ci",
                             "{\"api\":{\"user_read\":{},\"misc\":{\"api.x\":{}}}}", &made, &err),
             &err);
    CHECK_INT(made.outcome, KEY_DONE);
    CHECK(teams_authenticate(&scene.world, made.api_key, &more));
    CHECK_INT(more.scopes, SCOPE_USER_READ);
    CHECK_INT(more.narrowed, SCOPE_MISC);
    CHECK_INT(more.actor_id, scene.bob.user_id);
    /* The other members see it not. */
    CHECK_OK(flow_key_revoke(&scene.world.flow, &scene.crew, made.key_id, &made, &err), &err);
    CHECK_INT(made.outcome, KEY_NOT_FOUND);
    teams_close(&scene);
}

static void test_nobody_gives_what_they_lack(void **state)
{
    char key[TOKEN_TEXT_SIZE];
    struct teams scene;

    teams_open(&scene, state);
    CHECK_INT(
        teams_make_role(&scene, scene.crew, "staff",
                        "{\"api\":{\"team_read\":{},\"team_write\":{},\"instance_read\":{}}}"),
        TEAM_DONE);
    CHECK_INT(teams_make_role(&scene, scene.crew, "staff", TEAMS_READER), TEAM_TAKEN);
    CHECK_INT(teams_make_role(&scene, scene.crew, "a/b", TEAMS_READER), TEAM_BAD_NAME);
    CHECK_INT(teams_make_role(&scene, scene.crew, "x", "[]"), TEAM_BAD_RIGHTS);
    CHECK_INT(teams_make_role(&scene, scene.ada, "x", TEAMS_READER), TEAM_NONE);
    struct caller bob = teams_join(&scene, scene.bob, "bob@berth.test", "staff", key);
    struct hash before = world_dump(&scene.world);
    CHECK_INT(teams_make_role(&scene, bob, "x", "{\"api\":{\"billing_write\":{}}}"), TEAM_EXCEEDS);
    CHECK_INT(teams_make_role(&scene, bob, "x", "{\"api\":{\"billing_write\":{\"api.x\":{}}}}"),
              TEAM_EXCEEDS);
    CHECK_INT(teams_change_role(&scene, bob, "staff", "{\"api\":{\"billing_write\":{}}}"),
              TEAM_EXCEEDS);
    CHECK_INT(teams_change_role(&scene, bob, "manager", TEAMS_READER), TEAM_EXCEEDS);
    CHECK_INT(teams_invite(&scene, bob, "carl@berth.test", "manager"), TEAM_EXCEEDS);
    CHECK_INT(teams_take_out(&scene, bob, scene.ada.user_id), TEAM_OWNER_STAYS);
    CHECK_INT(teams_destroy(&scene, bob), TEAM_NOT_OWNER);
    CHECK_UNCHANGED(&scene.world, before);
    CHECK_INT(teams_make_role(&scene, bob, "reader", TEAMS_READER), TEAM_DONE);
    CHECK_INT(teams_invite(&scene, bob, "carl@berth.test", "reader"), TEAM_DONE);
    teams_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_member_may_do_what_the_role_allows_and_no_more),
        cmocka_unit_test(test_nobody_gives_what_they_lack),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
