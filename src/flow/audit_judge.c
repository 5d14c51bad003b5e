/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/audit_judge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "flow/audit_ask.h"
#include "flow/audit_trial.h"
#include "market/identity.h"
#include "market/timing.h"
#include "store/machine.h"
#include "sys/crypto.h"
#include "sys/proof_memory.h"

/* Of the rounds that ask whether memory is still there, more than these may not be late. */
enum { LATE_MAX = MEMORY_ROUNDS / 4 };

uint32_t audit_nonce(const uint8_t draw[static 32], int64_t number)
{
    uint8_t text[32 + sizeof number];
    uint32_t nonce;

    memcpy(text, draw, 32);
    memcpy(text + 32, &number, sizeof number);
    struct hash hash = crypto_sha256(text, sizeof text);
    memcpy(&nonce, hash.bytes, sizeof nonce);
    return nonce;
}

static struct proof_terms terms_of(const struct machine_proof_row *proof)
{
    struct proof_terms terms = { .n = (uint32_t)proof->n,
                                 .rounds = (uint32_t)proof->rounds,
                                 .is_live = proof->nonces > CHALLENGE_PINGS };

    memcpy(terms.seed, proof->seed, sizeof terms.seed);
    for (int64_t i = 0; terms.is_live && i < PROOF_NONCES; i++)
        terms.nonces[i] = audit_nonce(proof->draw, CHALLENGE_PINGS + i);
    return terms;
}

/* Which of the pairs come next. */
struct part {
    int64_t first, count;
};

static struct part next_part(const struct machine_proof_row *proof)
{
    struct proof_terms terms = terms_of(proof);
    int64_t fit = (int64_t)proof_pairs_in(&terms, CHALLENGE_PART_MAX);
    int64_t first = (proof->trips - proof->nonces) * fit, left = proof->openings - first;

    return (struct part){ first, left < 0 ? 0 : left < fit ? left : fit };
}

static bool is_product_right(const struct machine_proof_row *proof,
                             const struct audit_opening *opening, struct buf *sums)
{
    struct proof_terms terms = terms_of(proof);
    struct proof_pair pairs[CHALLENGE_OPENINGS_MAX];
    struct part part = next_part(proof);
    uint8_t weights[PROOF_SEED_SIZE];
    struct hash commitment;

    memcpy(commitment.bytes, proof->commitment, sizeof commitment.bytes);
    auto_proof_check struct proof_check *check = proof_check_open(&terms, &commitment);
    assert(proof->openings <= CHALLENGE_OPENINGS_MAX && part.count > 0);
    if (part.first > 0 && !proof_check_load(check, (const uint8_t *)sums->bytes, sums->length))
        return false;
    proof_draw(&terms, proof->draw, pairs, (size_t)proof->openings);
    crypto_random(weights, sizeof weights);
    if (proof_check_take(check, pairs + part.first, (size_t)part.count, weights, opening->bytes,
                         opening->length) != PROOF_GOOD)
        return false;
    if (part.first + part.count == proof->openings)
        return proof_check_end(check) == PROOF_GOOD;
    auto_free uint8_t *saved = malloc(proof_check_size(&terms));
    if (saved == NULL)
        abort(); /* As base/buf.h says. */
    proof_check_save(check, saved);
    sums->length = 0;
    buf_append(sums, (const char *)saved, proof_check_size(&terms));
    return true;
}

static bool is_memory_right(const struct machine_proof_row *proof,
                            const struct audit_opening *opening)
{
    struct memory_terms terms = { .pages = (uint64_t)proof->n, .layers = (uint32_t)proof->rounds };
    bool is_first = proof->trips == proof->nonces;
    size_t count = is_first ? MEMORY_CELLS : MEMORY_ROUND_CELLS;
    uint64_t cells[MEMORY_CELLS];
    struct hash commitment;

    memcpy(terms.seed, proof->seed, sizeof terms.seed);
    memcpy(commitment.bytes, proof->commitment, sizeof commitment.bytes);
    memory_draw(&terms, proof->draw, cells, count);
    return (is_first ? memory_verify_anew : memory_verify)(
               &terms, &commitment, cells, count, opening->bytes, opening->length) == PROOF_GOOD;
}

bool audit_is_right(const struct machine_proof_row *proof, const struct audit_opening *opening,
                    struct buf *sums)
{
    if (audit_kind_is_trial(proof->kind))
        return audit_trial_is_right(proof, opening);
    return proof->kind == AUDIT_MEMORY ? is_memory_right(proof, opening)
                                       : is_product_right(proof, opening, sums);
}

int64_t audit_cells_next(const struct machine_proof_row *proof)
{
    if (proof->kind == AUDIT_COMPUTE)
        return next_part(proof).count;
    bool has_more = proof->kind == AUDIT_MEMORY && proof->trips < proof->nonces + 1 + MEMORY_ROUNDS;
    return has_more ? MEMORY_ROUND_CELLS : 0;
}

/* The least of a month, this one included. */
static int64_t least_rtt(const struct machine_row *row, const struct machine_proof_row *proof)
{
    bool is_known =
        row->rtt_us > 0 && instant_until(row->rtt_at, proof->committed) < TIMING_RTT_WINDOW_US;

    if (!is_known)
        return proof->rtt_us;
    return proof->rtt_us > 0 && proof->rtt_us < row->rtt_us ? proof->rtt_us : row->rtt_us;
}

/* Too fast for its class, or its hardware. */
static bool see_speed(struct db *db, struct machine_proof_row *proof, struct error *err)
{
    int64_t count, fastest_ns;

    proof->round_ns = proof->net_us * 1000 / proof->rounds;
    if (!machine_proof_class(db, proof->model, proof->n, &count, &fastest_ns, err))
        return false;
    int64_t hardware_us = timing_model_floor_us(gpu_model(proof->model), proof->n, proof->rounds);
    int64_t class_us = fastest_ns * proof->rounds / 1000;
    if (proof->net_us < timing_floor_us(hardware_us, count, class_us))
        proof->seen |= AUDIT_TOO_FAST;
    return true;
}

/* Where the memory is, and whose it is. Who has tenants beside it may be late by them. */
static void see_memory(const struct machine_row *row, bool is_beside,
                       struct machine_proof_row *proof)
{
    const struct gpu_model *model = gpu_model(proof->model);
    int64_t bandwidth = row->bench.rates.of[DLPERF_BANDWIDTH], bytes = proof->n * MEMORY_PAGE_SIZE;
    struct identity measured =
        identity_measured(&row->bench.rates, bytes / (1 << 20) * 100 / AUDIT_MEMORY_PERCENT);

    if (bandwidth == 0)
        return;
    int64_t nominal_us = timing_memory_us(bytes, proof->rounds, bandwidth);
    if (!is_beside && (timing_is_elsewhere(proof->net_us, nominal_us) || proof->late > LATE_MAX))
        proof->seen |= AUDIT_ELSEWHERE;
    int64_t link_mbs = model != NULL ? identity_link_mbs_max(model) : 0;
    bool is_faster_link = link_mbs > 0 && row->bench.pcie_mbs > link_mbs / 3 * 4;
    if (model != NULL && (is_faster_link || identity_suspect(model, &measured) != NULL))
        proof->seen |= AUDIT_OTHER_MODEL;
}

bool audit_time(struct db *db, struct machine_proof_row *proof, struct arena *arena,
                struct error *err)
{
    struct machine_row row;
    bool has, is_beside;

    if (!machine_load(db, proof->machine_id, arena, &row, &has, err) ||
        !machine_proof_is_beside(db, proof->machine_id, proof->asked, &is_beside, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a proof without its machine");
    proof->net_us =
        timing_net_us(proof->sent, proof->committed, least_rtt(&row, proof), 1 + proof->nonces);
    if (proof->kind == AUDIT_COMPUTE)
        return see_speed(db, proof, err);
    if (audit_kind_is_trial(proof->kind))
        return audit_trial_time(db, &row, least_rtt(&row, proof), proof, arena, err);
    see_memory(&row, is_beside, proof);
    return true;
}

/* What the GPUs of a group did together beside what each did alone, when the last of them is done:
 * times for as many operations. `*ret_is_known` false: not yet, or it is not known of all. */
static bool compare_group(struct db *db, const struct machine_proof_row *proof, struct arena *arena,
                          bool *ret_is_known, bool *ret_is_shared, struct error *err)
{
    struct timing_pair pairs[GPUS_MAX];
    struct machine_proof_row *group, alone;
    size_t count;
    bool has;

    *ret_is_known = false;
    if (proof->company == AUDIT_ALONE || proof->kind != AUDIT_COMPUTE)
        return true;
    if (!machine_proof_group(db, proof->machine_id, proof->asked, arena, &group, &count, err))
        return false;
    for (size_t i = 0; i < count && i < GPUS_MAX; i++) {
        if ((group[i].state != AUDIT_GOOD && group[i].state != AUDIT_UNOPENED) ||
            group[i].round_ns == 0)
            return true;
        if (!machine_proof_last(db, proof->machine_id, group[i].gpu_uuid, AUDIT_ALONE, arena,
                                &alone, &has, err))
            return false;
        if (!has || alone.n != group[i].n || alone.round_ns == 0)
            return true;
        pairs[i] = (struct timing_pair){ alone.round_ns, group[i].round_ns };
    }
    *ret_is_known = true;
    *ret_is_shared = timing_is_shared(pairs, count < GPUS_MAX ? count : GPUS_MAX);
    return true;
}

/* All that were asked in that moment have answered, if wrongly: then it was not silent. */
static bool all_answered(struct db *db, const struct machine_proof_row *proof, struct arena *arena,
                         bool *ret, struct error *err)
{
    struct machine_proof_row *group;
    size_t count;

    if (!machine_proof_group(db, proof->machine_id, proof->asked, arena, &group, &count, err))
        return false;
    *ret = true;
    for (size_t i = 0; i < count; i++) {
        bool has_ended = group[i].state == AUDIT_GOOD || group[i].state == AUDIT_BAD ||
                         group[i].state == AUDIT_UNOPENED;
        *ret = *ret && has_ended;
    }
    return true;
}

/* What was shown beside a tenant is neither compared nor timed, and so cannot clear a machine of
 * what such a test has seen. Nor does a GPU that is free speak for one that is not: while another
 * has an odd or wrong answer, or none, that it has not mended, nothing is made up for. */
static void weigh_beside(const struct machine_proof_row *proof, bool has_unmended,
                         struct audit_answer *answer)
{
    answer->seen = proof->seen;
    answer->tested &= ~(int64_t)(AUDIT_SHARED | AUDIT_ELSEWHERE | AUDIT_UNLIKE);
    if (has_unmended)
        answer->tested = proof->seen;
}

static bool answer_of(struct db *db, const struct machine_proof_row *proof, struct arena *arena,
                      struct audit_answer *ret, struct error *err)
{
    bool is_known, is_shared = false, is_all;

    if (!compare_group(db, proof, arena, &is_known, &is_shared, err) ||
        !all_answered(db, proof, arena, &is_all, err))
        return false;
    *ret = (struct audit_answer){
        .is_good = proof->state != AUDIT_BAD,
        .tested = audit_tested(proof->kind) | (is_all ? audit_silent(proof->kind) : 0),
        .seen = proof->seen | (is_shared ? AUDIT_SHARED : 0),
    };
    if (is_known)
        ret->tested |= AUDIT_SHARED;
    return true;
}

/* What the machine is from now on, and when it is asked again. */
bool audit_end(struct db *db, const struct machine_proof_row *proof, struct instant now,
               struct arena *arena, struct error *err)
{
    struct audit_answer answer;
    struct machine_row row;
    uint64_t random;
    int64_t count;
    bool has, is_beside, has_unmended = false;

    if (!machine_lock(db, proof->machine_id, err) ||
        !machine_load(db, proof->machine_id, arena, &row, &has, err) ||
        !answer_of(db, proof, arena, &answer, err) ||
        !machine_proof_is_beside(db, proof->machine_id, proof->asked, &is_beside, err) ||
        (is_beside && !machine_proof_has_unmended(db, proof->machine_id, &has_unmended, err)))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a proof without its machine");
    if (proof->rtt_us > 0 && least_rtt(&row, proof) == proof->rtt_us) {
        row.rtt_us = proof->rtt_us;
        row.rtt_at = proof->committed;
    }
    if (proof->state == AUDIT_GOOD)
        audit_trial_shown(proof, &row.shown);
    row.standing.now = row.verification;
    if (is_beside)
        weigh_beside(proof, has_unmended, &answer);
    /* Who only committed has shown nothing that makes up for anything. */
    if ((proof->state == AUDIT_UNOPENED || has_unmended) && row.standing.debt > 0)
        row.standing.debt++;
    row.standing = audit_judge(row.standing, answer);
    crypto_random(&random, sizeof random);
    if (audit_is_pressing(row.standing) && !is_beside)
        row.audit_at = instant_add(now, audit_wait_us(random, true));
    return machine_set_audit(db, &row, err) &&
           (row.standing.now == row.verification ||
            machine_set_verification(db, row.id, row.standing.now, &count, err)) &&
           db_notify(db, TOPIC_MACHINE, row.id, err);
}
