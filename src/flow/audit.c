/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/hardware.h"
#include "flow/limits.h"
#include "sys/crypto.h"
#include "sys/proof_verify.h"

struct ask_work {
    struct instant now;
    struct audit_terms terms;
    int64_t machine_id;
    bool is_asked;
    size_t count;
    int64_t ids[AUDIT_BATCH_MAX];
};

static bool find_work(struct db *db, void *context, struct error *err)
{
    struct ask_work *work = context;

    return machine_audits_due(db, work->now, work->ids, AUDIT_BATCH_MAX, &work->count, err);
}

static bool expire_work(struct db *db, void *context, struct error *err)
{
    const struct instant *now = context;

    return machine_proof_expire(db, instant_add(*now, -AUDIT_PATIENCE_US), *now, err);
}

/* Nobody has it: a GPU that works for somebody would do badly, and its tenant too. */
static bool is_idle(const struct hardware *hardware)
{
    for (size_t i = 0; i < hardware->gpu_count; i++) {
        if (hardware->gpus[i].claimed_by != 0)
            return false;
    }
    return hardware->facts.gpu_count > 0;
}

static bool insert_one(struct db *db, const struct ask_work *work, const struct gpu_facts *gpu,
                       int64_t *ret_id, struct error *err)
{
    struct machine_proof_row proof = { .machine_id = work->machine_id,
                                       .gpu_uuid = gpu->uuid,
                                       .n = work->terms.n,
                                       .rounds = work->terms.rounds,
                                       .state = AUDIT_ASKED,
                                       .asked = work->now };

    crypto_random(proof.seed, sizeof proof.seed);
    crypto_random(proof.draw, sizeof proof.draw);
    crypto_random(proof.token_hash, sizeof proof.token_hash); /* no token yet */
    return machine_proof_insert(db, &proof, ret_id, err);
}

static bool ask_work(struct db *db, void *context, struct error *err)
{
    struct ask_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct machine_row row;
    struct hardware *hardware;
    uint64_t random;
    bool has;

    work->is_asked = false;
    if (!machine_lock(db, work->machine_id, err) ||
        !machine_load(db, work->machine_id, &arena, &row, &has, err))
        return false;
    if (!has || !row.is_online || instant_compare(row.audit_at, work->now) > 0)
        return true;
    if (!hardware_load(db, &row, work->now, &arena, &hardware, err))
        return false;
    crypto_random(&random, sizeof random);
    row.audit_at = instant_add(work->now, audit_wait_us(random, audit_is_pressing(row.standing)));
    work->is_asked = !row.is_simulated && is_idle(hardware);
    for (int64_t i = 0; work->is_asked && i < hardware->facts.gpu_count; i++) {
        if (!insert_one(db, work, &hardware->facts.gpus[i], &row.audit_id, err))
            return false;
    }
    return machine_set_audit(db, &row, err) && (!work->is_asked || machine_bump(db, row.id, err));
}

bool flow_audit_ask_with(const struct flow *flow, struct audit_terms terms, size_t *ret_count,
                         struct error *err)
{
    struct ask_work work = { .now = clock_now(flow->clock), .terms = terms };

    if (!store_write(flow->store, expire_work, &work.now, err))
        return error_context(err, "end proofs that were not answered");
    if (!store_read(flow->store, find_work, &work, err))
        return error_context(err, "look for machines to ask for a proof");
    for (size_t i = 0; i < work.count; i++) {
        work.machine_id = work.ids[i];
        if (!store_write(flow->store, ask_work, &work, err))
            return error_context(err, "ask machine %" PRId64 " for a proof", work.machine_id);
    }
    *ret_count = work.count;
    return true;
}

bool flow_audit_ask(const struct flow *flow, size_t *ret_count, struct error *err)
{
    return flow_audit_ask_with(flow, (struct audit_terms){ AUDIT_N, AUDIT_ROUNDS }, ret_count, err);
}

struct take_work {
    int64_t machine_id, epoch, seq;
    struct instant now;
    struct challenge_list list;
    enum take_outcome outcome;
};

static bool send_one(struct db *db, struct take_work *work, struct machine_proof_row *proof,
                     struct error *err)
{
    struct challenge *challenge = &work->list.challenges[work->list.count];
    int64_t count;

    *challenge = (struct challenge){ .id = proof->id, .n = proof->n, .rounds = proof->rounds };
    (void)snprintf(challenge->gpu, sizeof challenge->gpu, "%s", proof->gpu_uuid);
    _Static_assert(sizeof challenge->token == TOKEN_TEXT_SIZE, "room for a token");
    (void)crypto_token(challenge->token);
    memcpy(challenge->seed, proof->seed, sizeof challenge->seed);
    struct hash hash = crypto_sha256(challenge->token, strlen(challenge->token));
    memcpy(proof->token_hash, hash.bytes, sizeof proof->token_hash);
    proof->state = AUDIT_SENT;
    proof->sent = work->now;
    if (!machine_proof_move(db, proof, AUDIT_ASKED, &count, err))
        return false;
    work->list.count += count;
    return true;
}

static bool take_work(struct db *db, void *context, struct error *err)
{
    struct take_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct machine_proof_row *proofs;
    size_t count;

    work->list.count = 0;
    if (!session_try(db, work->machine_id, work->epoch, STREAM_OP, work->seq, &work->outcome, err))
        return false;
    if (work->outcome != TAKE_DONE)
        return true;
    if (!machine_proof_asked(db, work->machine_id, CHALLENGES_MAX, &arena, &proofs, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!send_one(db, work, &proofs[i], err))
            return false;
    }
    return true;
}

bool flow_audit_take(const struct flow *flow, int64_t machine_id, int64_t epoch, int64_t seq,
                     struct challenge_list *ret_list, enum take_outcome *ret, struct error *err)
{
    struct take_work work = {
        .machine_id = machine_id, .epoch = epoch, .seq = seq, .now = clock_now(flow->clock)
    };

    if (!store_write(flow->store, take_work, &work, err))
        return error_context(err, "challenges of machine %" PRId64, machine_id);
    *ret_list = work.list;
    *ret = work.outcome;
    return true;
}

struct answer_work {
    const char *token;
    const uint8_t *commitment;
    struct instant now;
    struct arena *arena;
    struct machine_proof_row proof;
    bool is_taken;
};

/* The challenge that the token answers, if it is its turn and not too late. */
static bool find_answered(struct db *db, struct answer_work *work, enum audit_state state,
                          struct error *err)
{
    struct hash hash = crypto_sha256(work->token, strlen(work->token));
    bool has;

    if (!machine_proof_find(db, hash.bytes, work->arena, &work->proof, &has, err))
        return false;
    work->is_taken = has && work->proof.state == state &&
                     instant_until(work->proof.asked, work->now) <= AUDIT_PATIENCE_US;
    return true;
}

static bool commit_work(struct db *db, void *context, struct error *err)
{
    struct answer_work *work = context;
    int64_t count;

    if (!find_answered(db, work, AUDIT_SENT, err))
        return false;
    if (!work->is_taken)
        return true;
    memcpy(work->proof.commitment, work->commitment, sizeof work->proof.commitment);
    work->proof.state = AUDIT_COMMITTED;
    work->proof.committed = work->now;
    if (!machine_proof_move(db, &work->proof, AUDIT_SENT, &count, err))
        return false;
    work->is_taken = count == 1;
    return true;
}

bool flow_audit_commit(const struct flow *flow, const struct challenge_commit *commit,
                       struct challenge_draw *ret_draw, bool *ret_is_taken, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct answer_work work = { .token = commit->token,
                                .commitment = commit->commitment,
                                .now = clock_now(flow->clock),
                                .arena = &arena };

    if (!store_write(flow->store, commit_work, &work, err))
        return error_context(err, "take a commitment");
    if (work.is_taken)
        memcpy(ret_draw->draw, work.proof.draw, sizeof ret_draw->draw);
    *ret_is_taken = work.is_taken;
    return true;
}

static bool load_work(struct db *db, void *context, struct error *err)
{
    return find_answered(db, context, AUDIT_COMMITTED, err);
}

/* What the machine is from now on, and when it is asked again. */
static bool set_standing(struct db *db, const struct answer_work *work, struct error *err)
{
    struct machine_row row;
    uint64_t random;
    int64_t count;
    bool has;

    if (!machine_lock(db, work->proof.machine_id, err) ||
        !machine_load(db, work->proof.machine_id, work->arena, &row, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a proof without its machine");
    row.standing.now = row.verification;
    row.standing = audit_judge(row.standing,
                               (struct audit_answer){ .is_good = work->proof.state == AUDIT_GOOD });
    crypto_random(&random, sizeof random);
    if (audit_is_pressing(row.standing))
        row.audit_at =
            instant_add(work->now, audit_wait_us(random, audit_is_pressing(row.standing)));
    return machine_set_audit(db, &row, err) &&
           (row.standing.now == row.verification ||
            machine_set_verification(db, row.id, row.standing.now, &count, err)) &&
           db_notify(db, TOPIC_MACHINE, row.id, err);
}

static bool verdict_work(struct db *db, void *context, struct error *err)
{
    struct answer_work *work = context;
    int64_t count;

    if (!machine_proof_move(db, &work->proof, AUDIT_COMMITTED, &count, err))
        return false;
    work->is_taken = count == 1;
    return !work->is_taken || set_standing(db, work, err);
}

static enum audit_state judge(const struct machine_proof_row *proof,
                              const struct audit_opening *opening)
{
    struct proof_terms terms = { .n = (uint32_t)proof->n, .rounds = (uint32_t)proof->rounds };
    struct proof_pair pairs[CHALLENGE_OPENINGS];
    uint8_t weights[PROOF_SEED_SIZE];
    struct hash commitment;

    memcpy(terms.seed, proof->seed, sizeof terms.seed);
    memcpy(commitment.bytes, proof->commitment, sizeof commitment.bytes);
    proof_draw(&terms, proof->draw, pairs, CHALLENGE_OPENINGS);
    crypto_random(weights, sizeof weights);
    return proof_verify(&terms, &commitment, pairs, CHALLENGE_OPENINGS, weights, opening->bytes,
                        opening->length) == PROOF_GOOD
               ? AUDIT_GOOD
               : AUDIT_BAD;
}

bool flow_audit_open(const struct flow *flow, const struct audit_opening *opening,
                     enum audit_state *ret_verdict, bool *ret_is_taken, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct answer_work work = { .token = opening->token,
                                .now = clock_now(flow->clock),
                                .arena = &arena };

    if (!store_read(flow->store, load_work, &work, err))
        return error_context(err, "look for a challenge");
    *ret_is_taken = work.is_taken;
    if (!work.is_taken)
        return true;
    /* In no transaction: it takes milliseconds. */
    work.proof.state = judge(&work.proof, opening);
    work.proof.done = work.now;
    if (!store_write(flow->store, verdict_work, &work, err))
        return error_context(err, "judge a proof of machine %" PRId64, work.proof.machine_id);
    *ret_verdict = work.proof.state;
    *ret_is_taken = work.is_taken;
    return true;
}

struct list_work {
    int64_t machine_id;
    struct arena *arena;
    struct machine_proof_row *proofs;
    size_t count;
    bool has;
};

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct list_work *work = context;
    struct machine_row row;

    if (!machine_load(db, work->machine_id, work->arena, &row, &work->has, err))
        return false;
    return !work->has || machine_proof_list(db, work->machine_id, AUDIT_LIST_MAX, work->arena,
                                            &work->proofs, &work->count, err);
}

bool flow_audit_list(const struct flow *flow, int64_t machine_id, struct arena *arena,
                     struct machine_proof_row **ret, size_t *ret_count, bool *ret_has,
                     struct error *err)
{
    struct list_work work = { .machine_id = machine_id, .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "proofs of machine %" PRId64, machine_id);
    *ret = work.proofs;
    *ret_count = work.count;
    *ret_has = work.has;
    return true;
}
