/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/audit_ask.h"

#include "support_audit.h"

static void test_who_works_is_not_asked(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    (void)world_running(&world, &machine, ada, 1);
    CHECK_INT((int64_t)audits_ask(&world), 1);
    CHECK_INT(audits_take(&world, &machine, 1).count, 0);
    audits_log(&world, machine.id, 0);
    world_close(&world);
}

/* All of them in one moment, whoever's turn it is; nobody knows when. */
static void test_a_census_asks_everybody_at_once(void **state)
{
    struct world world;
    struct world_machine first, second;
    struct error err;
    int64_t hours = 0, before = 0;

    world_open(&world, *state);
    world_host(&world, &first, "a", 2);
    world_host(&world, &second, "b", 1);
    CHECK_OK(flow_audit_census(&world.flow, &err), &err); /* the first one is planned */
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM machine_proof"), 0);
    for (; before == 0 && hours < 60; hours++) {
        world_pass(&world, US_PER_HOUR);
        CHECK_OK(flow_audit_census(&world.flow, &err), &err);
        before = world_number(&world, "SELECT COUNT(*) FROM machine_proof");
    }
    CHECK_INT(before, 3);
    CHECK_INT(world_number(&world, "SELECT COUNT(DISTINCT asked_us) FROM machine_proof"), 1);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM machine_proof WHERE company = 2"), 3);
    CHECK_OK(flow_audit_census(&world.flow, &err), &err); /* once */
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM machine_proof"), 3);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM census WHERE is_done = 0"), 1);
    /* Who does not have to open anything has done what was asked. */
    support_script(world.support, "UPDATE machine_proof SET openings = 0, n = 512, rounds = 2, "
                                  "nonces = 4;");
    struct challenge_list list = audits_take(&world, &second, 1);
    CHECK_INT(list.count, 1);
    CHECK_TEXT(audits_answer(&world, &list.challenges[0], false), "unopened");
    CHECK_INT(audits_log(&world, second.id, 1)[0].state, AUDIT_UNOPENED);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_works_is_not_asked),
        cmocka_unit_test(test_a_census_asks_everybody_at_once),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
