/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/audit_ask.h"

#include <stdio.h>

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

static int64_t asked_that_are_held(struct world *world)
{
    return world_number(world, "SELECT COUNT(*) FROM machine_proof p JOIN gpu g "
                               "ON g.uuid = p.gpu_uuid JOIN gpu_claim c ON c.gpu_id = g.id "
                               "WHERE c.released_us IS NULL");
}

/* Beside an instance all GPUs that nobody has, and nothing else; of an agent that would end all
 * proofs, none. */
static void test_what_is_free_beside_an_instance_is_asked(void **state)
{
    static const struct {
        int64_t level, rented, want;
    } rows[] = { { CHALLENGE_BESIDE, 1, 2 }, { CHALLENGE_BESIDE, 2, 1 }, { CHALLENGE_BESIDE, 3, 0 },
                 { CHALLENGE_TRIALS, 1, 0 }, { CHALLENGE_TRIALS, 2, 0 }, { 0, 2, 0 } };
    static const struct audit_terms disk = { AUDIT_DISK, 700, 512, false };
    static const char forget[] = "DELETE FROM machine_proof; UPDATE machine SET audit_us = 0;";
    struct world world;
    struct world_machine machine;
    struct error err;
    char hold[160];
    size_t count;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 100);
    world_host(&world, &machine, "a", 3);
    for (int i = 0; i < 3; i++)
        (void)world_running(&world, &machine, ada, 1);
    support_script(world.support, "UPDATE machine SET memory_mbs = 900000;");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t memory = 0;

        check_row("row %zu", i);
        audits_know(&world, &machine, rows[i].level);
        (void)snprintf(hold, sizeof hold,
                       "UPDATE gpu_claim SET released_us = 0; UPDATE gpu_claim SET released_us = "
                       "NULL WHERE id %% 3 < %d;",
                       (int)rows[i].rented);
        support_script(world.support, hold);
        for (int time = 0; time < 40; time++) {
            support_script(world.support, forget);
            CHECK_OK(flow_audit_ask(&world.flow, &count, &err), &err);
            CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM machine_proof"), rows[i].want);
            CHECK_INT(asked_that_are_held(&world), 0);
            CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM machine_proof WHERE trial <> 0 "
                                           "OR company <> 1"),
                      0);
            memory += world_number(&world, "SELECT COUNT(*) FROM machine_proof WHERE kind = 2");
        }
        CHECK(rows[i].want == 0 || (memory > 0 && memory < 40 * rows[i].want));
        support_script(world.support, forget);
        CHECK_INT((int64_t)audits_ask_for(&world, disk), 1);
        CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM machine_proof"), 0);
    }
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

static void test_a_census_asks_what_is_free(void **state)
{
    struct world world;
    struct world_machine parts, whole, old;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 1000);
    world_host(&world, &parts, "a", 3);
    world_host(&world, &whole, "b", 2);
    world_host(&world, &old, "c", 2);
    audits_know(&world, &parts, CHALLENGE_BESIDE);
    audits_know(&world, &whole, CHALLENGE_BESIDE);
    (void)world_running(&world, &parts, ada, 1);
    (void)world_running(&world, &whole, ada, 2);
    (void)world_running(&world, &old, ada, 1);
    CHECK_OK(flow_audit_census(&world.flow, &err), &err);
    support_script(world.support, "UPDATE census SET at_us = 0; UPDATE machine SET is_online = 1;");
    CHECK_OK(flow_audit_census(&world.flow, &err), &err);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM machine_proof WHERE company = 2"), 2);
    CHECK_INT(world_number_of(&world, "SELECT COUNT(*) FROM machine_proof WHERE machine_id = $1",
                              parts.id),
              2);
    CHECK_INT(asked_that_are_held(&world), 0);
    world_close(&world);
}

/* What a machine is asked: its matrices grow as it shows what it can, and more of it is looked at
 * after something odd; an agent that does not know of that is asked what it knows. */
static void test_the_question_fits_the_machine(void **state)
{
    static const struct {
        int64_t level, memory_mb, last_n, last_us, debt, want_n, want_openings;
    } rows[] = {
        { 1, 24000, 0, 0, 0, 1024, 64 },          /* nothing is known of it */
        { 1, 24000, 1024, 3000000, 0, 1024, 64 }, /* 256 rounds a second hand */
        { 1, 24000, 1024, 256 * 1000, 0, 4096, 64 },
        { 1, 24000, 1024, 256 * 100, 0, 8192, 64 },
        { 1, 200, 1024, 256 * 100, 0, 4096, 64 }, /* has no room for more */
        { 0, 24000, 1024, 256 * 100, 1, 1024, 64 },
        { 1, 24000, 1024, 256 * 100, 1, 8192, 256 },
        { 1, 24000, 8192, 256 * 2000000, 1, 4096, 256 },
    };

    struct world world;
    struct world_machine machine;
    struct error err;
    size_t count;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        support_script(world.support,
                       "DELETE FROM machine_proof; UPDATE machine SET audit_us = 0;");
        machine.facts.gpus[0].memory_mb = rows[i].memory_mb;
        audits_know(&world, &machine, rows[i].level);
        if (rows[i].last_n > 0)
            audits_remember(&world, &machine, rows[i].last_n, rows[i].last_us);
        support_script(world.support, rows[i].debt > 0 ? "UPDATE machine SET audit_debt = 1;"
                                                       : "UPDATE machine SET audit_debt = 0;");
        CHECK_OK(flow_audit_ask(&world.flow, &count, &err), &err);
        CHECK_INT(world_number(&world, "SELECT n FROM machine_proof WHERE state = 1"),
                  rows[i].want_n);
        CHECK_INT(world_number(&world, "SELECT openings FROM machine_proof WHERE state = 1"),
                  rows[i].want_openings);
        CHECK(world_number(&world, "SELECT rounds FROM machine_proof WHERE state = 1") >
              PROOF_NONCES);
    }
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_works_is_not_asked),
        cmocka_unit_test(test_what_is_free_beside_an_instance_is_asked),
        cmocka_unit_test(test_a_census_asks_everybody_at_once),
        cmocka_unit_test(test_a_census_asks_what_is_free),
        cmocka_unit_test(test_the_question_fits_the_machine),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
