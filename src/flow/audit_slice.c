/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/audit_slice.h"

#include <stdlib.h>
#include <string.h>

#include "flow/limits.h"
#include "store/machine_proof.h"
#include "sys/crypto.h"

struct slice_work {
    const char *token;
    struct arena *arena;
    struct machine_proof_row proof;
    bool has;
};

static bool slice_work(struct db *db, void *context, struct error *err)
{
    struct slice_work *work = context;
    struct hash hash = crypto_sha256(work->token, strlen(work->token));

    return machine_proof_find(db, hash.bytes, work->arena, &work->proof, &work->has, err);
}

/* The network's proof that the token is of, if it is at that half of it, and not too late. */
static bool find_half(const struct flow *flow, struct slice_work *work, enum audit_state state,
                      bool *ret_is_taken, struct error *err)
{
    const struct machine_proof_row *proof = &work->proof;

    if (!store_read(flow->store, slice_work, work, err))
        return error_context(err, "look for a challenge");
    *ret_is_taken = work->has && proof->kind == AUDIT_NETWORK && proof->state == state &&
                    proof->trips == proof->nonces &&
                    instant_until(proof->asked, clock_now(flow->clock)) <= AUDIT_PATIENCE_US;
    return true;
}

bool flow_audit_slice(const struct flow *flow, const struct challenge_ask *ask,
                      uint8_t ret[static SLICE_DOWN_SIZE], bool *ret_is_taken, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct slice_work work = { .token = ask->token, .arena = &arena };

    if (!find_half(flow, &work, AUDIT_SENT, ret_is_taken, err))
        return false;
    *ret_is_taken = *ret_is_taken && ask->number < work.proof.n;
    if (*ret_is_taken)
        slice_down(work.proof.draw, (uint32_t)ask->number, ret);
    return true;
}

bool flow_audit_fill(const struct flow *flow, const struct challenge_slice *slice,
                     struct challenge_receipt *ret, bool *ret_is_taken, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct slice_work work = { .token = slice->ask.token, .arena = &arena };
    uint32_t number = (uint32_t)slice->ask.number;

    if (!find_half(flow, &work, AUDIT_COMMITTED, ret_is_taken, err))
        return false;
    *ret_is_taken =
        *ret_is_taken && slice->ask.number < work.proof.rounds && slice->length == SLICE_UP_SIZE;
    if (!*ret_is_taken)
        return true;
    auto_free uint8_t *want = malloc(SLICE_UP_SIZE);
    if (want == NULL)
        abort(); /* As base/buf.h says. */
    slice_up(work.proof.seed, number, want);
    *ret_is_taken = memcmp(want, slice->bytes, SLICE_UP_SIZE) == 0;
    struct hash receipt = slice_receipt(work.proof.draw, number);
    memcpy(ret->receipt, receipt.bytes, sizeof ret->receipt);
    return true;
}
