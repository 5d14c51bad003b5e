/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is with which slice; what is made of them is in audit_trial_test.c. */
#include "flow/audit_slice.h"

#include <stdlib.h>
#include <string.h>

#include "support_audit.h"

static const struct audit_terms network_terms = { AUDIT_NETWORK, 2, 2, false };

static bool take(struct world *world, const char *token, int64_t number, struct hash *ret)
{
    auto_free uint8_t *slice = malloc(SLICE_DOWN_SIZE);
    struct error err;
    bool is_taken;

    CHECK_OK(flow_audit_slice(&world->flow, &(struct challenge_ask){ token, number }, slice,
                              &is_taken, &err),
             &err);
    if (is_taken)
        *ret = crypto_sha256(slice, SLICE_DOWN_SIZE);
    return is_taken;
}

static bool fill(struct world *world, const struct challenge *challenge)
{
    auto_free uint8_t *slice = malloc(SLICE_UP_SIZE);
    struct challenge_receipt receipt;
    struct error err;
    bool is_taken;

    slice_up(challenge->seed, 0, slice);
    CHECK_OK(
        flow_audit_fill(&world->flow,
                        &(struct challenge_slice){ { challenge->token, 0 }, slice, SLICE_UP_SIZE },
                        &receipt, &is_taken, &err),
        &err);
    return is_taken;
}

static void test_each_half_has_its_time(void **state)
{
    struct world world;
    struct world_machine machine;
    struct challenge_draw draw;
    struct hash first, again, second;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    CHECK_INT((int64_t)audits_ask_for(&world, network_terms), 1);
    struct challenge challenge = audits_take(&world, &machine, 1).challenges[0];
    CHECK(!take(&world, challenge.token, 0, &first)); /* its round trip is looked at first */
    audits_ping(&world, &challenge);
    CHECK(take(&world, challenge.token, 0, &first) && take(&world, challenge.token, 0, &again));
    CHECK(take(&world, challenge.token, 1, &second) && !take(&world, challenge.token, 2, &again));
    CHECK(memcmp(&first, &again, sizeof first) == 0 && memcmp(&first, &second, sizeof first) != 0);
    CHECK(!fill(&world, &challenge));
    CHECK(audits_commit(&world, &challenge, &first, &draw));
    CHECK(!take(&world, challenge.token, 0, &first));
    struct hash before = world_dump(&world);
    CHECK(fill(&world, &challenge));
    CHECK_UNCHANGED(&world, before); /* nothing is kept of it */
    world_pass(&world, AUDIT_PATIENCE_US);
    CHECK(!fill(&world, &challenge));
    world_close(&world);
}

/* A token of another kind of proof gets nothing. */
static void test_only_networks_have_slices(void **state)
{
    struct world world;
    struct world_machine machine;
    struct hash ignored;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    CHECK_INT((int64_t)audits_ask(&world), 1);
    struct challenge challenge = audits_take(&world, &machine, 1).challenges[0];
    audits_ping(&world, &challenge);
    CHECK(!take(&world, challenge.token, 0, &ignored));
    CHECK(!take(&world, "unknown", 0, &ignored));
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_half_has_its_time),
        cmocka_unit_test(test_only_networks_have_slices),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
