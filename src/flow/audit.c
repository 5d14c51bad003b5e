/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/audit_judge.h"
#include "flow/limits.h"
#include "market/timing.h"
#include "store/machine.h"
#include "sys/crypto.h"

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

    *challenge = (struct challenge){ .id = proof->id,
                                     .n = proof->n,
                                     .rounds = proof->rounds,
                                     .kind = proof->kind,
                                     .nonces = proof->nonces };
    (void)snprintf(challenge->gpu, sizeof challenge->gpu, "%s", proof->gpu_uuid);
    _Static_assert(sizeof challenge->token == TOKEN_TEXT_SIZE, "room for a token");
    (void)crypto_token(challenge->token);
    memcpy(challenge->seed, proof->seed, sizeof challenge->seed);
    struct hash hash = crypto_sha256(challenge->token, strlen(challenge->token));
    memcpy(proof->token_hash, hash.bytes, sizeof proof->token_hash);
    proof->state = AUDIT_SENT;
    proof->sent = work->now;
    if (!machine_proof_move(db, proof, (struct machine_proof_from){ AUDIT_ASKED, 0 }, &count, err))
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
    const uint8_t *commitment; /* or */
    int64_t number;            /* of a nonce */
    struct instant now;
    struct arena *arena;
    struct buf *sums; /* of the parts of an opening that came; or NULL */
    struct machine_proof_row proof;
    struct machine_proof_from from; /* as it was found */
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
    work->from = (struct machine_proof_from){ work->proof.state, work->proof.trips };
    return true;
}

static bool store_answer(struct db *db, struct answer_work *work, struct error *err)
{
    int64_t count;

    if (!machine_proof_move(db, &work->proof, work->from, &count, err))
        return false;
    work->is_taken = count == 1;
    return true;
}

/* Between two of the first nonces the agent does nothing: that is a round trip. */
static bool nonce_work(struct db *db, void *context, struct error *err)
{
    struct answer_work *work = context;
    struct machine_proof_row *proof = &work->proof;

    if (!find_answered(db, work, AUDIT_SENT, err))
        return false;
    work->is_taken = work->is_taken && work->number == proof->trips && proof->trips < proof->nonces;
    if (!work->is_taken)
        return true;
    int64_t took_us = instant_until(proof->trip, work->now) + 1;
    if (work->number > 0 && work->number < CHALLENGE_PINGS &&
        (proof->rtt_us == 0 || took_us < proof->rtt_us))
        proof->rtt_us = took_us;
    proof->trips++;
    proof->trip = work->now;
    return store_answer(db, work, err);
}

bool flow_audit_nonce(const struct flow *flow, const struct challenge_ask *ask,
                      struct challenge_nonce *ret_nonce, bool *ret_is_taken, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct answer_work work = {
        .token = ask->token, .number = ask->number, .now = clock_now(flow->clock), .arena = &arena
    };

    if (!store_write(flow->store, nonce_work, &work, err))
        return error_context(err, "give a nonce");
    if (work.is_taken)
        ret_nonce->nonce = audit_nonce(work.proof.draw, ask->number);
    *ret_is_taken = work.is_taken;
    return true;
}

/* Where nothing will be opened, this is the end of it. */
static bool commit_work(struct db *db, void *context, struct error *err)
{
    struct answer_work *work = context;
    struct machine_proof_row *proof = &work->proof;

    if (!find_answered(db, work, AUDIT_SENT, err))
        return false;
    work->is_taken = work->is_taken && proof->trips == proof->nonces;
    if (!work->is_taken)
        return true;
    memcpy(proof->commitment, work->commitment, sizeof proof->commitment);
    proof->state = proof->openings > 0 ? AUDIT_COMMITTED : AUDIT_UNOPENED;
    proof->committed = work->now;
    proof->trip = work->now;
    if (proof->state == AUDIT_UNOPENED) {
        proof->done = work->now;
        if (!audit_time(db, proof, work->arena, err))
            return false;
    }
    if (!store_answer(db, work, err))
        return false;
    return !work->is_taken || proof->state != AUDIT_UNOPENED ||
           audit_end(db, proof, work->now, work->arena, err);
}

/* But for rows all that is asked for first. */
static int64_t first_part(const struct machine_proof_row *proof)
{
    return proof->kind == AUDIT_COMPUTE && proof->openings > 0 ? audit_cells_next(proof)
                                                               : proof->openings;
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
    if (work.is_taken) {
        *ret_draw = (struct challenge_draw){ 0 };
        if (work.proof.kind != AUDIT_NETWORK) /* whose receipts it makes */
            memcpy(ret_draw->draw, work.proof.draw, sizeof ret_draw->draw);
        ret_draw->openings = work.proof.openings;
        ret_draw->part = first_part(&work.proof);
    }
    *ret_is_taken = work.is_taken;
    return true;
}

static bool load_work(struct db *db, void *context, struct error *err)
{
    struct answer_work *work = context;

    work->sums->length = 0;
    return find_answered(db, work, AUDIT_COMMITTED, err) &&
           (!work->is_taken || machine_proof_sums(db, work->proof.id, work->sums, err));
}

/* For the part that comes next. */
static bool keep_sums(struct db *db, const struct answer_work *work, struct error *err)
{
    if (work->sums->length == 0)
        return true;
    return work->proof.state == AUDIT_COMMITTED
               ? machine_proof_keep_sums(db, work->proof.id, work->sums, err)
               : machine_proof_drop_sums(db, work->proof.id, err);
}

static bool verdict_work(struct db *db, void *context, struct error *err)
{
    struct answer_work *work = context;
    struct machine_proof_row *proof = &work->proof;

    bool is_over = proof->state != AUDIT_COMMITTED;

    if (proof->state == AUDIT_GOOD && !audit_time(db, proof, work->arena, err))
        return false;
    if (!store_answer(db, work, err))
        return false;
    return !work->is_taken || (keep_sums(db, work, err) &&
                               (!is_over || audit_end(db, proof, work->now, work->arena, err)));
}

/* Another answer, and what is asked next. That memory is there has to be shown in time; the first
 * of these answers has no time of its own: whoever makes it goes on working. */
static void go_on(struct answer_work *work)
{
    struct machine_proof_row *proof = &work->proof;
    int64_t rtt_us = proof->rtt_us < TIMING_RTT_MAX_US ? proof->rtt_us : TIMING_RTT_MAX_US;

    if (proof->kind == AUDIT_MEMORY && proof->trips > proof->nonces &&
        instant_until(proof->trip, work->now) > rtt_us + TIMING_CELLS_US)
        proof->late++;
    proof->trips++;
    if (audit_cells_next(proof) == 0)
        proof->state = AUDIT_GOOD;
    else if (proof->kind == AUDIT_MEMORY)
        crypto_random(proof->draw, sizeof proof->draw);
}

static void judge(struct answer_work *work, const struct audit_opening *opening)
{
    struct machine_proof_row *proof = &work->proof;

    if (audit_is_right(proof, opening, work->sums))
        go_on(work);
    else
        proof->state = AUDIT_BAD;
    if (proof->state != AUDIT_COMMITTED)
        proof->done = work->now;
}

bool flow_audit_open(const struct flow *flow, const struct audit_opening *opening,
                     struct challenge_verdict *ret, bool *ret_is_taken, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    auto_buf struct buf sums = buf_of(AUDIT_SUMS_MAX);
    struct answer_work work = {
        .token = opening->token, .now = clock_now(flow->clock), .arena = &arena, .sums = &sums
    };

    if (!store_read(flow->store, load_work, &work, err))
        return error_context(err, "look for a challenge");
    *ret_is_taken = work.is_taken;
    if (!work.is_taken)
        return true;
    /* In no transaction: it takes milliseconds. */
    judge(&work, opening);
    work.proof.trip = clock_now(flow->clock); /* from when the next one is asked for */
    if (!store_write(flow->store, verdict_work, &work, err))
        return error_context(err, "judge a proof of machine %" PRId64, work.proof.machine_id);
    bool is_over = work.proof.state != AUDIT_COMMITTED;
    *ret = (struct challenge_verdict){ .cells = is_over ? 0 : audit_cells_next(&work.proof) };
    (void)snprintf(ret->verdict, sizeof ret->verdict, "%s",
                   is_over ? audit_state_name(work.proof.state) : "more");
    if (!is_over)
        memcpy(ret->draw, work.proof.draw, sizeof ret->draw);
    *ret_is_taken = work.is_taken;
    return true;
}

struct list_work {
    int64_t machine_id;
    struct arena *arena;
    struct audit_record log;
    bool has;
};

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct list_work *work = context;
    struct audit_record *log = &work->log;
    struct machine_row row;

    if (!machine_load(db, work->machine_id, work->arena, &row, &work->has, err))
        return false;
    if (work->has)
        log->odd = row.standing.suspicion;
    return !work->has || machine_proof_list(db, work->machine_id, AUDIT_LIST_MAX, work->arena,
                                            &log->proofs, &log->count, err);
}

bool flow_audit_list(const struct flow *flow, int64_t machine_id, struct arena *arena,
                     struct audit_record *ret, bool *ret_has, struct error *err)
{
    struct list_work work = { .machine_id = machine_id, .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "proofs of machine %" PRId64, machine_id);
    *ret = work.log;
    *ret_has = work.has;
    return true;
}
