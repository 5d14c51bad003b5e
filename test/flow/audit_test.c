/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/audit.h"

#include <string.h>

#include "support_audit.h"

static void test_all_gpus_are_asked_at_once_and_timed(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 3);
    CHECK_INT((int64_t)audits_ask(&world), 1);
    CHECK_INT((int64_t)audits_ask(&world), 0); /* its next turn is another time */
    CHECK(world_number(&world, "SELECT audit_id FROM machine") > 0);
    world_pass(&world, 5 * US_PER_SECOND);
    struct challenge_list list = audits_take(&world, &machine, 1);
    CHECK_INT(list.count, 3);
    CHECK_INT(audits_take(&world, &machine, 2).count, 0);
    for (int64_t i = 0; i < 3; i++) {
        CHECK_TEXT(list.challenges[i].gpu, machine.facts.gpus[i].uuid);
        CHECK(i == 0 || memcmp(list.challenges[i].seed, list.challenges[i - 1].seed, 32) != 0);
    }
    CHECK_TEXT(audits_answer(&world, &list.challenges[0], false), "good");
    struct machine_proof_row *proofs = audits_log(&world, machine.id, 3);
    CHECK_INT(proofs[2].state, AUDIT_GOOD);
    CHECK_INT(instant_until(proofs[2].sent, proofs[2].committed),
              3 * US_PER_SECOND + CHALLENGE_PINGS * AUDITS_RTT_US);
    /* The clock's jitter of one: a round trip is at least that. */
    CHECK_INT(proofs[2].rtt_us, AUDITS_RTT_US + 1);
    CHECK_INT(proofs[2].net_us, 3 * US_PER_SECOND - AUDITS_RTT_US - 1 - CHALLENGE_PINGS);
    CHECK_INT(proofs[2].company, AUDIT_TOGETHER);
    CHECK_INT(proofs[0].state, AUDIT_SENT);
    /* Who does not answer once is asked again soon, and nothing else; when is drawn. */
    support_script(*state, "UPDATE machine SET audit_us = 9000000000000000;");
    world_pass(&world, 11 * 60 * US_PER_SECOND);
    (void)audits_ask(&world);
    CHECK_INT(audits_log(&world, machine.id, 3)[0].state, AUDIT_UNANSWERED);
    CHECK(world_number(&world, "SELECT audit_us FROM machine") <
          clock_now(&world.clock).microseconds + 12 * AUDIT_DEBT_US);
    struct challenge_draw draw;
    CHECK(!audits_commit(&world, &list.challenges[1], &(struct hash){ 0 }, &draw));
    CHECK_INT(audits_standing(&world, machine.id), VERIFICATION_UNVERIFIED);
    world_check(&world);
    world_close(&world);
}

/* Its offers are gone at once, it is asked again soon, and comes back by right answers alone. */
static void test_a_cheat_is_not_rented_out_until_it_proves_itself(void **state)
{
    struct world world;
    struct world_machine machine;
    int64_t seq = 0;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    (void)world_number(&world, "SELECT id FROM machine");
    CHECK_INT((int64_t)audits_ask(&world), 1);
    struct challenge_list list = audits_take(&world, &machine, ++seq);
    CHECK_TEXT(audits_answer(&world, &list.challenges[0], true), "bad");
    CHECK_INT(audits_standing(&world, machine.id), VERIFICATION_DEVERIFIED);
    for (int right = 0; right < AUDIT_DEBT; right++) {
        CHECK_INT(audits_standing(&world, machine.id), VERIFICATION_DEVERIFIED);
        for (int minutes = 0; minutes < 200; minutes++) {
            world_run(&world, &machine, 60 * US_PER_SECOND);
            if (audits_ask(&world) > 0)
                break;
        }
        list = audits_take(&world, &machine, ++seq);
        CHECK_INT(list.count, 1);
        CHECK_TEXT(audits_answer(&world, &list.challenges[0], false), "good");
    }
    CHECK_INT(audits_standing(&world, machine.id), VERIFICATION_UNVERIFIED);
    audits_log(&world, machine.id, 1 + AUDIT_DEBT);
    world_close(&world);
}

static void test_a_live_proof_takes_its_nonces_on_the_way(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    CHECK_INT((int64_t)audits_ask_for(&world, audits_live), 1);
    struct challenge_list list = audits_take(&world, &machine, 1);
    CHECK_INT(list.challenges[0].nonces, CHALLENGE_PINGS + PROOF_NONCES);
    CHECK_TEXT(audits_answer(&world, &list.challenges[0], false), "good");
    world_close(&world);
}

/* A first answer that is made anew, sixteen more, and the end. */
static void test_memory_is_asked_for_again_and_again(void **state)
{
    struct world world;
    struct world_machine machine;
    int rounds;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    CHECK_INT((int64_t)audits_ask_for(&world, audits_memory), 1);
    struct challenge_list list = audits_take(&world, &machine, 1);
    CHECK_INT(list.challenges[0].kind, AUDIT_MEMORY);
    CHECK_INT(list.challenges[0].nonces, CHALLENGE_PINGS);
    CHECK_TEXT(audits_answer_memory(&world, &list.challenges[0], 1000, AUDITS_RTT_US, &rounds),
               "good");
    CHECK_INT(rounds, 1 + MEMORY_ROUNDS);
    CHECK_INT(audits_log(&world, machine.id, 1)[0].late, 0);
    CHECK_INT(world_number(&world, "SELECT audit_suspicion FROM machine"), 0);
    world_close(&world);
}

/* Of the first proof, into a buffer that has no room for them. */
static bool read_sums(struct db *db, void *context, struct error *err)
{
    return machine_proof_sums(db, 1, context, err);
}

/* Who owes right answers opens four times as much, in more than one message; what is wrong comes
 * out with the last of them. What was summed up in between is gone then. */
static void test_after_something_odd_more_is_opened(void **state)
{
    struct world world;
    struct world_machine machines[2];

    world_open(&world, *state);
    world_host(&world, &machines[0], "honest", 1);
    world_host(&world, &machines[1], "cheat", 1);
    for (int i = 0; i < 2; i++)
        audits_know(&world, &machines[i], 1);
    support_script(world.support, "UPDATE machine SET audit_debt = 1;");
    CHECK_INT((int64_t)audits_ask(&world), 2);
    for (int i = 0; i < 2; i++) {
        struct challenge_list list = audits_take(&world, &machines[i], 1);

        CHECK_TEXT(audits_answer(&world, &list.challenges[0], i == 1), i == 1 ? "bad" : "good");
        struct machine_proof_row *proofs = audits_log(&world, machines[i].id, 1);
        CHECK_INT(proofs[0].openings, CHALLENGE_OPENINGS_MAX);
        CHECK_INT(proofs[0].trips, CHALLENGE_PINGS + (i == 1 ? 1 : 2));
        CHECK_INT(
            world_number_of(&world, "SELECT audit_debt FROM machine WHERE id = $1", machines[i].id),
            i == 1 ? AUDIT_DEBT : 0);
        CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM machine_proof_sums"), 0);
    }
    world_check(&world);
    world_close(&world);
}

/* Who stops in the middle of it leaves nothing behind. */
static void test_an_opening_that_stops_is_forgotten(void **state)
{
    struct world world;
    struct world_machine machine;
    auto_buf struct buf sums = buf_of(16);
    struct error err;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    CHECK_INT((int64_t)audits_ask(&world), 1);
    (void)audits_take(&world, &machine, 1);
    support_script(world.support,
                   "INSERT INTO machine_proof_sums (proof_id, sums) SELECT id, seed FROM "
                   "machine_proof;");
    CHECK(!store_read(world.flow.store, read_sums, &sums, &err));
    CHECK_INT(err.code, ERROR_CORRUPT);
    world_pass(&world, 11 * 60 * US_PER_SECOND);
    (void)audits_ask(&world);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM machine_proof_sums"), 0);
    world_close(&world);
}

static void test_a_token_is_all_that_counts(void **state)
{
    struct challenge challenge = { .token = "0123" };
    struct challenge_draw draw;
    struct world world;
    struct world_machine machine;
    struct challenge_list list;
    enum take_outcome outcome;
    struct error err;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    CHECK(!audits_commit(&world, &challenge, &(struct hash){ 0 }, &draw));
    CHECK_INT((int64_t)audits_ask(&world), 1);
    struct hash before = world_dump(&world);
    CHECK_OK(flow_audit_take(&world.flow, machine.id, machine.epoch - 1, 1, &list, &outcome, &err),
             &err);
    CHECK_INT(outcome, TAKE_FENCED);
    CHECK(!audits_commit(&world, &challenge, &(struct hash){ 0 }, &draw));
    CHECK_UNCHANGED(&world, before);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_gpus_are_asked_at_once_and_timed),
        cmocka_unit_test(test_a_cheat_is_not_rented_out_until_it_proves_itself),
        cmocka_unit_test(test_a_live_proof_takes_its_nonces_on_the_way),
        cmocka_unit_test(test_memory_is_asked_for_again_and_again),
        cmocka_unit_test(test_after_something_odd_more_is_opened),
        cmocka_unit_test(test_an_opening_that_stops_is_forgotten),
        cmocka_unit_test(test_a_token_is_all_that_counts),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
