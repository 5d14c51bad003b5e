/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/team_member.h"

#include "flow/team_role.h"
#include "support_teams.h"

static void test_who_is_removed_is_out_at_once(void **state)
{
    char first[TOKEN_TEXT_SIZE];
    struct team_reply second, left;
    struct caller caller;
    struct teams scene;
    struct error err;

    teams_open(&scene, state);
    struct caller bob = teams_join(&scene, scene.bob, "bob@berth.test", "member", first);
    CHECK_OK(flow_team_key(&scene.world.flow, &scene.bob, scene.team_id, &second, &err), &err);
    CHECK_INT(second.outcome, TEAM_DONE);
    CHECK(teams_authenticate(&scene.world, second.api_key, &caller));
    CHECK_INT(teams_take_out(&scene, scene.crew, scene.bob.user_id), TEAM_DONE);
    CHECK(!teams_authenticate(&scene.world, first, &caller));
    CHECK(!teams_authenticate(&scene.world, second.api_key, &caller));
    CHECK_INT(teams_take_out(&scene, scene.crew, scene.bob.user_id), TEAM_UNKNOWN);
    CHECK_OK(flow_team_key(&scene.world.flow, &scene.bob, scene.team_id, &second, &err), &err);
    CHECK_INT(second.outcome, TEAM_UNKNOWN);
    /* Back in, the keys of before stay void. */
    (void)teams_join(&scene, scene.bob, "bob@berth.test", "member", (char[TOKEN_TEXT_SIZE]){ 0 });
    CHECK(!teams_authenticate(&scene.world, first, &caller));
    CHECK_INT(bob.user_id, scene.team_id);
    CHECK_OK(flow_team_leave(&scene.world.flow, &scene.bob, scene.team_id, &left, &err), &err);
    CHECK_INT(left.outcome, TEAM_DONE);
    CHECK_OK(flow_team_leave(&scene.world.flow, &scene.ada, scene.team_id, &left, &err), &err);
    CHECK_INT(left.outcome, TEAM_NOT_OWNER);
    CHECK_INT(teams_take_out(&scene, scene.crew, scene.ada.user_id), TEAM_OWNER_STAYS);
    teams_close(&scene);
}

static void test_an_invitation_is_for_one_email_and_good_once(void **state)
{
    struct team_reply reply;
    struct teams scene;

    teams_open(&scene, state);
    CHECK_INT(teams_invite(&scene, scene.ada, "bob@berth.test", "member"), TEAM_NONE);
    CHECK_INT(teams_invite(&scene, scene.crew, "bob", "member"), TEAM_BAD_EMAIL);
    CHECK_INT(teams_invite(&scene, scene.crew, "bob@berth.test", "captain"), TEAM_UNKNOWN);
    CHECK_INT(teams_invite(&scene, scene.crew, "bob@berth.test", "owner"), TEAM_NOT_OWNER);
    CHECK_INT(teams_invite(&scene, scene.crew, "ada@berth.test", "member"), TEAM_MEMBER);
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM outbox"), 0);
    CHECK_INT(teams_invite(&scene, scene.crew, "Bob@berth.test", "member"), TEAM_DONE);
    CHECK_INT(teams_invite(&scene, scene.crew, "bob@berth.test", "manager"), TEAM_INVITED);
    int64_t code = teams_last_code(&scene);
    struct hash before = world_dump(&scene.world);
    CHECK_INT(teams_accept(&scene, scene.crew, code).outcome, TEAM_IS_ONE);
    CHECK_UNCHANGED(&scene.world, before);
    CHECK_INT(teams_accept(&scene, scene.carl, code).outcome, TEAM_OTHER_EMAIL);
    CHECK_INT(teams_accept(&scene, scene.bob, code + 1).outcome, TEAM_BAD_CODE);
    CHECK_INT(teams_accept(&scene, scene.bob, code).outcome, TEAM_DONE);
    reply = teams_accept(&scene, scene.bob, code);
    CHECK_INT(reply.outcome, TEAM_BAD_CODE);
    CHECK_TEXT(reply.api_key, "");
    teams_close(&scene);
}

static void test_an_invitation_runs_out_and_ends_with_its_role(void **state)
{
    enum team_outcome outcome;
    struct teams scene;
    struct error err;

    teams_open(&scene, state);
    CHECK_INT(teams_make_role(&scene, scene.crew, "reader", TEAMS_READER), TEAM_DONE);
    CHECK_INT(teams_invite(&scene, scene.crew, "bob@berth.test", "reader"), TEAM_DONE);
    CHECK_OK(flow_team_role_delete(&scene.world.flow, &scene.crew, "reader", &outcome, &err), &err);
    CHECK_INT(outcome, TEAM_DONE);
    CHECK_INT(teams_accept(&scene, scene.bob, teams_last_code(&scene)).outcome, TEAM_BAD_CODE);
    CHECK_INT(teams_invite(&scene, scene.crew, "carl@berth.test", "member"), TEAM_DONE);
    world_silence(&scene.world, TEAM_INVITE_SECONDS * US_PER_SECOND);
    CHECK_INT(teams_accept(&scene, scene.carl, teams_last_code(&scene)).outcome, TEAM_BAD_CODE);
    CHECK_INT(teams_invite(&scene, scene.crew, "carl@berth.test", "member"), TEAM_DONE);
    CHECK_INT(teams_accept(&scene, scene.carl, teams_last_code(&scene)).outcome, TEAM_DONE);
    teams_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_removed_is_out_at_once),
        cmocka_unit_test(test_an_invitation_is_for_one_email_and_good_once),
        cmocka_unit_test(test_an_invitation_runs_out_and_ends_with_its_role),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
