/* SPDX-License-Identifier: Apache-2.0 */
/* Disks and networks that are shown: who has what it says, and who has not. */
#include "flow/audit_trial.h"

#include <stdlib.h>
#include <string.h>

#include "flow/audit_slice.h"
#include "market/timing.h"
#include "support_audit.h"
#include "sys/proof_disk.h"

enum { SLICES = 2, CLAIM_MBS = 1000, HALF_US = 500000 };

static const struct audit_terms disk_terms = { AUDIT_DISK, DISK_BLOCKS_MIN, 16, false };
static const struct audit_terms network_terms = { AUDIT_NETWORK, SLICES, SLICES, false };

/* Both halves of an answer about a disk, that take so long; a liar has read something else. */
static const char *answer_disk(struct world *world, const struct challenge *challenge, bool lies,
                               const int64_t halves_us[2])
{
    struct disk_terms terms = { .blocks = (uint32_t)challenge->n,
                                .reads = (uint32_t)challenge->rounds };
    auto_free uint8_t *file = malloc((size_t)terms.blocks * DISK_BLOCK_SIZE);
    auto_free uint32_t *drawn = malloc(terms.reads * sizeof *drawn);
    auto_free struct hash *digests = malloc(terms.reads * sizeof *digests);
    struct challenge_draw draw;

    memcpy(terms.seed, challenge->seed, sizeof terms.seed);
    struct disk_chain chain = disk_chain_of(&terms);
    for (uint32_t i = 0; i < terms.blocks; i++)
        disk_chain_next(&chain, file + (size_t)i * DISK_BLOCK_SIZE);
    audits_ping(world, challenge);
    world_pass(world, halves_us[0] + AUDITS_RTT_US);
    struct hash end = disk_chain_end(&chain);
    CHECK(audits_commit(world, challenge, &end, &draw));
    disk_draw(&terms, draw.draw, drawn);
    for (uint32_t i = 0; i < terms.reads; i++)
        digests[i] = disk_block_digest(draw.draw, file + (size_t)drawn[i] * DISK_BLOCK_SIZE);
    digests[0].bytes[0] ^= lies ? 1 : 0;
    world_pass(world, halves_us[1] + AUDITS_RTT_US);
    struct hash answer = disk_answer(digests, terms.reads);
    return audits_say(world, challenge, &answer);
}

static bool take_slice(struct world *world, const char *token, int64_t number, struct hash *ret)
{
    auto_free uint8_t *slice = malloc(SLICE_DOWN_SIZE);
    const struct challenge_ask ask = { token, number };
    struct error err;
    bool is_taken;

    CHECK_OK(flow_audit_slice(&world->flow, &ask, slice, &is_taken, &err), &err);
    if (is_taken)
        *ret = crypto_sha256(slice, SLICE_DOWN_SIZE);
    return is_taken;
}

static bool send_slice(struct world *world, const struct challenge *challenge, int64_t number,
                       size_t length, struct hash *ret)
{
    auto_free uint8_t *slice = malloc(SLICE_UP_SIZE);
    struct challenge_receipt receipt;
    struct error err;
    bool is_taken;

    slice_up(challenge->seed, (uint32_t)number, slice);
    const struct challenge_slice sent = { { challenge->token, number }, slice, length };
    CHECK_OK(flow_audit_fill(&world->flow, &sent, &receipt, &is_taken, &err), &err);
    if (is_taken)
        memcpy(ret->bytes, receipt.receipt, sizeof ret->bytes);
    return is_taken;
}

static const char *answer_network(struct world *world, const struct challenge *challenge, int lies,
                                  const int64_t halves_us[2])
{
    struct hash received[SLICES], receipts[SLICES], ignored;
    struct challenge_draw draw;
    static const uint8_t nothing[32];

    CHECK(!take_slice(world, challenge->token, 0, &ignored)); /* before it has answered pings */
    audits_ping(world, challenge);
    CHECK(!send_slice(world, challenge, 0, SLICE_UP_SIZE, &ignored)); /* before it has received */
    CHECK(!take_slice(world, challenge->token, SLICES, &ignored));
    CHECK(!take_slice(world, "another", 0, &ignored));
    for (int i = 0; i < SLICES; i++)
        CHECK(take_slice(world, challenge->token, i, &received[i]));
    received[1].bytes[0] ^= lies == 2 ? 1 : 0;
    world_pass(world, halves_us[0] + AUDITS_RTT_US);
    struct hash digest = slices_digest(received, SLICES);
    CHECK(audits_commit(world, challenge, &digest, &draw));
    CHECK(memcmp(draw.draw, nothing, sizeof nothing) == 0); /* it would make receipts */
    CHECK(!take_slice(world, challenge->token, 0, &ignored));
    for (int i = 0; i < SLICES; i++)
        CHECK(send_slice(world, challenge, i, SLICE_UP_SIZE, &receipts[i]));
    CHECK(!send_slice(world, challenge, SLICES, SLICE_UP_SIZE, &ignored));
    CHECK(!send_slice(world, challenge, 0, SLICE_UP_SIZE - 1, &ignored));
    struct challenge other = *challenge;
    other.seed[0] ^= 1;
    CHECK(!send_slice(world, &other, 0, SLICE_UP_SIZE, &ignored)); /* other bytes */
    receipts[1].bytes[0] ^= lies == 1 ? 1 : 0;
    world_pass(world, halves_us[1] + AUDITS_RTT_US);
    digest = slices_digest(receipts, SLICES);
    return audits_say(world, challenge, &digest);
}

static int64_t odd(struct world *world)
{
    return world_number(world, "SELECT audit_claims * 16 FROM machine");
}

static struct challenge asked(struct world *world, const struct world_machine *machine,
                              struct audit_terms terms, int64_t seq)
{
    support_script(world->support, "UPDATE machine SET audit_us = 0;");
    CHECK_INT((int64_t)audits_ask_for(world, terms), 1);
    struct challenge_list list = audits_take(world, machine, seq);
    CHECK_INT(list.count, 1);
    CHECK_INT(list.challenges[0].kind, terms.kind);
    CHECK_TEXT(list.challenges[0].gpu, "");
    return list.challenges[0];
}

/* What it has shown is what it counts for; who says that it is more than twice as fast is odd, and
 * twice running that is as good as a wrong answer. */
static void test_a_disk_that_is_slower_than_it_says_loses(void **state)
{
    static const struct {
        int64_t claim_mbs, halves_us[2], want_odd, want_mbs;
        bool lies;
        enum verification want;
    } rows[] = {
        { 0, { 100000, HALF_US }, 0, 11, false, VERIFICATION_UNVERIFIED },
        { 11, { 100000, HALF_US }, 0, 11, false, VERIFICATION_UNVERIFIED },
        { 11, { 600000, HALF_US }, 0, 2, false, VERIFICATION_UNVERIFIED }, /* a slow day */
        { 100, { 1000000, HALF_US }, AUDIT_SLOW_DISK, 2, false, VERIFICATION_UNVERIFIED },
        { 100, { 10000, HALF_US }, 0, 105, false, VERIFICATION_UNVERIFIED },
        { 100, { 1000000, HALF_US }, AUDIT_SLOW_DISK, 2, false, VERIFICATION_UNVERIFIED },
        { 100, { 1000000, HALF_US }, AUDIT_SLOW_DISK, 2, false, VERIFICATION_DEVERIFIED },
        { 0, { 100000, HALF_US }, 0, 11, true, VERIFICATION_DEVERIFIED },
    };
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 2);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *sql =
            arena_printf(&world.arena, "UPDATE machine SET disk_mbs = %d;", (int)rows[i].claim_mbs);

        check_row("row %zu", i);
        support_script(world.support, sql);
        struct challenge challenge = asked(&world, &machine, disk_terms, (int64_t)i + 1);
        CHECK_TEXT(answer_disk(&world, &challenge, rows[i].lies, rows[i].halves_us),
                   rows[i].lies ? "bad" : "good");
        CHECK_INT(world_number(&world, "SELECT shown_disk_mbs FROM machine"),
                  rows[i].lies ? rows[i - 1].want_mbs : rows[i].want_mbs);
        CHECK_INT(odd(&world), rows[i].want_odd);
        CHECK_INT(audits_standing(&world, machine.id), rows[i].want);
    }
    world_check(&world);
    world_close(&world);
}

/* As its agent measured it last. */
static void test_reads_that_are_slower_than_it_says_are_seen(void **state)
{
    const int64_t halves_us[] = { 100000, 1000000 };
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    for (int64_t i = 0; i < 2; i++) {
        struct challenge challenge = asked(&world, &machine, disk_terms, i + 1);

        CHECK_TEXT(answer_disk(&world, &challenge, false, halves_us), "good");
        CHECK_INT(odd(&world), i == 0 ? 0 : AUDIT_SLOW_DISK);
        support_script(world.support,
                       "INSERT INTO machine_bench (machine_id, measured_us, report) SELECT id, 1, "
                       "'{\"age_s\":0,\"backend\":\"\",\"cpu_mops\":1,\"disk_read_mbs\":1,"
                       "\"disk_write_mbs\":1,\"disk_iops\":10000,\"gpus\":[]}' FROM machine;");
    }
    world_close(&world);
}

static void test_a_network_that_is_slower_than_it_says_loses(void **state)
{
    /* Two MiB one way and one the other; the facts of such a machine say 1,000 Mbit/s. */
    static const struct {
        int64_t halves_us[2], want_odd, want_down, want_up; /* tens of Mbit/s */
        int lies; /* 1: about what it has sent, 2: about what it has received */
    } rows[] = {
        { { 20000, 10000 }, 0, 83, 83, 0 },
        { { 20000, 900000 }, AUDIT_SLOW_NETWORK, 83, 0, 0 },
        { { 20000, 10000 }, 0, 83, 83, 0 },
        { { 900000, 10000 }, AUDIT_SLOW_NETWORK, 1, 83, 0 },
        { { 20000, 10000 }, AUDIT_SLOW_NETWORK, 1, 83, 1 },
        { { 20000, 10000 }, AUDIT_SLOW_NETWORK, 1, 83, 2 },
    };
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        struct challenge challenge = asked(&world, &machine, network_terms, (int64_t)i + 1);
        CHECK_TEXT(answer_network(&world, &challenge, rows[i].lies, rows[i].halves_us),
                   rows[i].lies != 0 ? "bad" : "good");
        CHECK_INT(world_number(&world, "SELECT shown_down_kbps / 10000 FROM machine"),
                  rows[i].want_down);
        CHECK_INT(world_number(&world, "SELECT shown_up_kbps / 10000 FROM machine"),
                  rows[i].want_up);
        CHECK_INT(odd(&world), rows[i].lies != 0 ? 0 : rows[i].want_odd);
    }
    CHECK_INT(audits_standing(&world, machine.id), VERIFICATION_DEVERIFIED);
    world_close(&world);
}

static int64_t ask_kind(struct world *world)
{
    struct error err;
    size_t count;

    support_script(world->support, "UPDATE machine SET audit_us = 0; "
                                   "UPDATE machine_proof SET state = 6 WHERE state IN (1, 2, 3);");
    CHECK_OK(flow_audit_ask(&world->flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    return world_number(world, "SELECT CASE WHEN trial > 0 THEN trial ELSE kind END "
                               "FROM machine_proof ORDER BY id DESC LIMIT 1");
}

/* First the disk, then the network, and then for a week neither; unless something was odd. What was
 * not answered waits a day. Who does not know of it is not asked. */
static void test_trials_come_at_first_and_once_a_week(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    CHECK_INT(ask_kind(&world), AUDIT_COMPUTE);
    audits_know(&world, &machine, CHALLENGE_TRIALS);
    CHECK_INT(ask_kind(&world), AUDIT_DISK);
    CHECK_INT(ask_kind(&world), AUDIT_NETWORK);
    CHECK_INT(ask_kind(&world), AUDIT_COMPUTE);
    CHECK_INT(world_number(&world, "SELECT n FROM machine_proof WHERE trial = 3"), 16384);
    CHECK_INT(world_number(&world, "SELECT rounds FROM machine_proof WHERE trial = 3"), 512);
    CHECK_INT(world_number(&world, "SELECT n FROM machine_proof WHERE trial = 4"), 64);
    CHECK_INT(world_number(&world, "SELECT rounds FROM machine_proof WHERE trial = 4"), 128);
    world_pass(&world, 24 * US_PER_HOUR);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(ask_kind(&world), AUDIT_DISK); /* the first was not answered */
    support_script(world.support, "UPDATE machine_proof SET state = 4;");
    CHECK_INT(ask_kind(&world), AUDIT_COMPUTE);
    support_script(world.support, "UPDATE machine SET audit_claims = 2;");
    CHECK_INT(ask_kind(&world), AUDIT_NETWORK);
    support_script(world.support, "UPDATE machine SET audit_claims = 1;");
    CHECK_INT(ask_kind(&world), AUDIT_DISK);
    support_script(world.support, "UPDATE machine SET audit_claims = 0; "
                                  "UPDATE machine_proof SET state = 4;");
    world_pass(&world, 7 * 24 * US_PER_HOUR);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(ask_kind(&world), AUDIT_DISK);
    CHECK_INT(ask_kind(&world), AUDIT_NETWORK);
    machine.facts.disk_gb = AUDIT_TRIAL_DISK_GB - 1;
    audits_know(&world, &machine, CHALLENGE_TRIALS);
    world_pass(&world, 7 * 24 * US_PER_HOUR);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(ask_kind(&world), AUDIT_NETWORK);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_disk_that_is_slower_than_it_says_loses),
        cmocka_unit_test(test_reads_that_are_slower_than_it_says_are_seen),
        cmocka_unit_test(test_a_network_that_is_slower_than_it_says_loses),
        cmocka_unit_test(test_trials_come_at_first_and_once_a_week),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
