/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/team.h"

#include "flow/instance_change.h"
#include "support_teams.h"

static void test_a_team_is_an_account_of_its_own(void **state)
{
    struct teams scene;

    teams_open(&scene, state);
    CHECK(scene.team_id != scene.ada.user_id);
    CHECK_INT(scene.crew.user_id, scene.team_id);
    CHECK_INT(caller_member(&scene.crew), scene.ada.user_id);
    CHECK_INT(scene.crew.scopes, SCOPE_ALL);
    CHECK_INT(world_credit(&scene.world, scene.ada), 6 * NANODOLLARS_PER_DOLLAR);
    CHECK_INT(world_credit(&scene.world, scene.crew), 4 * NANODOLLARS_PER_DOLLAR);
    struct hash before = world_dump(&scene.world);
    CHECK_INT(teams_create(&scene, scene.ada, "crew", 0).outcome, TEAM_TAKEN);
    CHECK_INT(teams_create(&scene, scene.ada, "", 0).outcome, TEAM_BAD_NAME);
    CHECK_INT(teams_create(&scene, scene.ada, "a\nb", 0).outcome, TEAM_BAD_NAME);
    CHECK_INT(teams_create(&scene, scene.ada, "rich", 7).outcome, TEAM_NO_CREDIT);
    CHECK_INT(teams_create(&scene, scene.ada, "rich", -1).outcome, TEAM_NO_CREDIT);
    CHECK_INT(teams_create(&scene, scene.crew, "of teams", 0).outcome, TEAM_IS_ONE);
    CHECK_UNCHANGED(&scene.world, before);
    /* Somebody else may call theirs the same. */
    CHECK_INT(teams_create(&scene, scene.bob, "crew", 0).outcome, TEAM_DONE);
    teams_close(&scene);
}

static void test_an_account_owns_so_many_teams_and_no_more(void **state)
{
    struct teams scene;
    char name[] = "a";

    teams_open(&scene, state);
    for (int i = 1; i < TEAMS_MAX; i++, name[0]++)
        CHECK_INT(teams_create(&scene, scene.ada, name, 0).outcome, TEAM_DONE);
    struct hash before = world_dump(&scene.world);
    CHECK_INT(teams_create(&scene, scene.ada, "more", 0).outcome, TEAM_TOO_MANY);
    CHECK_UNCHANGED(&scene.world, before);
    teams_close(&scene);
}

static void test_a_team_that_ends_leaves_its_credit_to_its_owner(void **state)
{
    struct world_machine machine;
    char key[TOKEN_TEXT_SIZE];
    struct caller caller;
    struct teams scene;
    struct error err;

    teams_open(&scene, state);
    (void)teams_join(&scene, scene.bob, "bob@berth.test", "member", key);
    world_host(&scene.world, &machine, "host", 1);
    int64_t instance = world_running(&scene.world, &machine, scene.crew, 1);
    CHECK(instance > 0);
    CHECK_INT(teams_destroy(&scene, scene.crew), TEAM_IN_USE);
    enum change_outcome ended;
    CHECK_OK(flow_destroy(&scene.world.flow, &scene.crew, instance, &ended, &err), &err);
    world_run(&scene.world, &machine, 60 * US_PER_SECOND);
    int64_t left = world_credit(&scene.world, scene.crew);
    int64_t had = world_credit(&scene.world, scene.ada);
    CHECK_INT(teams_destroy(&scene, scene.ada), TEAM_NONE);
    CHECK_INT(teams_destroy(&scene, scene.crew), TEAM_DONE);
    CHECK_INT(world_credit(&scene.world, scene.ada), had + left);
    CHECK(!teams_authenticate(&scene.world, key, &caller));
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM team_member"), 0);
    /* Its name is free again. */
    CHECK_INT(teams_create(&scene, scene.ada, "crew", 0).outcome, TEAM_DONE);
    teams_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_team_is_an_account_of_its_own),
        cmocka_unit_test(test_an_account_owns_so_many_teams_and_no_more),
        cmocka_unit_test(test_a_team_that_ends_leaves_its_credit_to_its_owner),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
