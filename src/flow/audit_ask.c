/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/audit_ask.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/agent_build.h"
#include "flow/audit_silence.h"
#include "flow/audit_trial.h"
#include "flow/hardware.h"
#include "flow/limits.h"
#include "market/timing.h"
#include "proto/challenge.h"
#include "store/machine_proof.h"
#include "store/machine_standing.h"
#include "sys/crypto.h"
#include "sys/proof_memory.h"

/* It is asked later where it is at something. */
#define AUDIT_BUSY_US (60 * US_PER_SECOND)

/* One machine that is asked. */
struct ask_work {
    struct instant now;
    const struct audit_terms *terms; /* NULL: as is right for the machine */
    bool is_census;
    bool is_pressing; /* of the machine that is asked: something is odd */
    int64_t machine_id;
    size_t count;
    int64_t ids[AUDIT_BATCH_MAX];
};

static uint64_t draw(uint64_t limit)
{
    uint64_t random;

    crypto_random(&random, sizeof random);
    return random % limit;
}

static bool find_work(struct db *db, void *context, struct error *err)
{
    struct ask_work *work = context;

    return machine_audits_due(db, work->now, work->ids, AUDIT_BATCH_MAX, &work->count, err);
}

/* Those of its GPUs that nobody holds; `of` has one that stands for a machine without any. */
struct free_gpus {
    bool is_whole; /* all there is of the machine */
    int64_t count, first;
    bool of[GPUS_MAX];
};

static struct free_gpus free_of(const struct hardware *hardware)
{
    const struct machine_facts *facts = &hardware->facts;
    struct free_gpus found = { .is_whole = hardware_is_idle(hardware), .first = -1 };

    for (int64_t i = 0; i < facts->gpu_count || i == 0; i++) {
        found.of[i] = found.is_whole || hardware_is_free(hardware, facts->gpus[i].uuid);
        if (found.of[i] && found.first < 0)
            found.first = i;
        found.count += found.of[i];
    }
    return found;
}

/* Beside somebody's instance only agents are asked that leave that one alone, and only GPUs: disk
 * and network are the tenant's too. */
static bool may_ask(const struct ask_work *work, const struct machine_facts *facts,
                    const struct free_gpus *free_gpus)
{
    bool is_trial = work->terms != NULL && audit_kind_is_trial(work->terms->kind);

    return free_gpus->is_whole ||
           (free_gpus->count > 0 && !is_trial && facts->challenge_level >= CHALLENGE_BESIDE);
}

/* What all GPUs of a machine are asked in one moment, and which of them. */
struct question {
    struct audit_terms terms;
    enum audit_company company;
    int64_t openings, only; /* a GPU's number; -1: all that are free */
};

/* The largest matrices that its agent can answer for, and its GPU has room for. */
static int64_t largest_n(const struct machine_facts *facts, const struct gpu_facts *gpu)
{
    int64_t n = AUDIT_N;

    while (facts->challenge_level > 0 && n < AUDIT_N_MAX &&
           4 * (2 * n) * (2 * n) <= gpu->memory_mb << 20)
        n *= 2;
    return n;
}

/* The size and the rounds that take about TIMING_NOMINAL_US on that GPU, once it is known how fast
 * it is: in a live proof a nonce goes into almost each round, so there are some. */
static bool choose_size(struct db *db, const struct machine_row *row,
                        const struct machine_facts *facts, int64_t first, struct arena *arena,
                        struct audit_terms *terms, struct error *err)
{
    const struct gpu_facts *gpu = &facts->gpus[first];
    const struct timing_sizes sizes = { AUDIT_N, largest_n(facts, gpu), PROOF_NONCES + 1 };
    struct machine_proof_row last;
    bool has;

    if (!machine_proof_last(db, row->id, gpu->uuid, MACHINE_PROOF_ANY, arena, &last, &has, err))
        return false;
    if (has && last.net_us > 0 && last.n >= AUDIT_N) {
        int64_t round_us = last.net_us / last.rounds;

        terms->n = timing_n(sizes, last.n, round_us);
        for (int64_t n = last.n; n < terms->n; n *= 2)
            round_us *= 8;
        for (int64_t n = last.n; n > terms->n; n /= 2)
            round_us /= 8;
        terms->rounds = timing_rounds(round_us);
    }
    if (terms->rounds <= PROOF_NONCES)
        terms->rounds = PROOF_NONCES + 1;
    return true;
}

/* More of it is looked at where something was odd. */
static int64_t openings_of(const struct ask_work *work, const struct machine_facts *facts)
{
    return work->is_pressing && facts->challenge_level > 0 ? CHALLENGE_OPENINGS_MAX
                                                           : CHALLENGE_OPENINGS;
}

/* Nine tenths of what it says to have, and a little: what a driver keeps for itself is not asked
 * for. */
static int64_t pages_of(const struct gpu_facts *gpu)
{
    int64_t pages =
        gpu->memory_mb * AUDIT_MEMORY_PERCENT / 100 * (1 << 20) / MEMORY_PAGE_SIZE / 2 * 2;

    return pages < 2 ? 2 : pages > (int64_t)MEMORY_PAGES_MAX ? (int64_t)MEMORY_PAGES_MAX : pages;
}

/* A question of compute to all in three of four cases, so that what they do together is known; to
 * one alone in some of them, so that there is something to compare it with. Beside an instance
 * nothing is compared, so all that are free are asked at once. */
static bool choose(struct db *db, const struct ask_work *work, const struct machine_row *row,
                   const struct hardware *hardware, const struct free_gpus *free_gpus,
                   struct arena *arena, struct question *ret, struct error *err)
{
    int64_t count = hardware->facts.gpu_count;
    struct question question = {
        .terms = { AUDIT_COMPUTE, AUDIT_N, AUDIT_ROUNDS, true },
        .company = count > 1 ? AUDIT_TOGETHER : AUDIT_ALONE,
        .openings = openings_of(work, &hardware->facts),
        .only = -1,
    };

    if (!work->is_census && work->terms == NULL && free_gpus->is_whole) {
        bool is_trial;

        if (!audit_trial_choose(db, row, &hardware->facts, work->now, arena, &question.terms,
                                &is_trial, err))
            return false;
        if (is_trial || count == 0) {
            *ret = (struct question){ question.terms, AUDIT_ALONE, is_trial ? 1 : 0, 0 };
            return true;
        }
    }
    if (work->is_census) {
        question.company = AUDIT_CENSUS;
        if (!work->is_pressing && draw(100) >= AUDIT_CENSUS_OPENED_PERCENT)
            question.openings = 0;
    } else if (work->terms != NULL) {
        question.terms = *work->terms;
        if (audit_kind_is_trial(question.terms.kind))
            question = (struct question){ *work->terms, AUDIT_ALONE, 1, 0 };
    } else if (row->bench.rates.of[DLPERF_BANDWIDTH] > 0 && draw(4) == 0) {
        question.terms.kind = AUDIT_MEMORY;
        question.terms.rounds = MEMORY_LAYERS;
    } else if (count > 1 && free_gpus->is_whole && draw(2) == 0) {
        question.company = AUDIT_ALONE;
        question.only = (int64_t)draw((uint64_t)count);
    }
    if (question.terms.kind == AUDIT_MEMORY)
        question.openings = MEMORY_CELLS;
    *ret = question;
    return work->terms != NULL || ret->terms.kind == AUDIT_MEMORY ||
           choose_size(db, row, &hardware->facts, free_gpus->first, arena, &ret->terms, err);
}

static bool insert_one(struct db *db, const struct ask_work *work, const struct question *question,
                       const struct gpu_facts *gpu, int64_t *ret_id, struct error *err)
{
    bool is_memory = question->terms.kind == AUDIT_MEMORY;
    bool is_trial = audit_kind_is_trial(question->terms.kind);
    struct machine_proof_row proof = {
        .machine_id = work->machine_id,
        .gpu_uuid = is_trial ? "" : gpu->uuid,
        .model = is_trial ? "" : gpu->name,
        .kind = question->terms.kind,
        .company = question->company,
        .n = is_memory && question->terms.n == AUDIT_N ? pages_of(gpu) : question->terms.n,
        .rounds = question->terms.rounds,
        .nonces = CHALLENGE_PINGS + (question->terms.is_live && !is_memory ? PROOF_NONCES : 0),
        .openings = question->openings,
        .state = AUDIT_ASKED,
        .asked = work->now,
    };

    crypto_random(proof.seed, sizeof proof.seed);
    crypto_random(proof.draw, sizeof proof.draw);
    crypto_random(proof.token_hash, sizeof proof.token_hash); /* no token yet */
    return machine_proof_insert(db, &proof, ret_id, err);
}

/* Those that are asked: all of the machine's GPUs that are free, or one; or the machine, as if it
 * were one. */
static bool insert_all(struct db *db, const struct ask_work *work, const struct question *question,
                       const struct machine_facts *facts, const struct free_gpus *free_gpus,
                       int64_t *ret_id, struct error *err)
{
    int64_t count = facts->gpu_count > 0 ? facts->gpu_count : 1;

    for (int64_t i = 0; i < count; i++) {
        if (free_gpus->of[i] && (question->only < 0 || question->only == i) &&
            !insert_one(db, work, question, &facts->gpus[i], ret_id, err))
            return false;
    }
    return true;
}

static bool ask_work(struct db *db, void *context, struct error *err)
{
    struct ask_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct machine_row row;
    struct hardware *hardware;
    struct free_gpus free_gpus;
    struct question question;
    enum agent_build_state build;
    bool has, has_open, is_asked;

    if (!machine_lock(db, work->machine_id, err) ||
        !machine_load(db, work->machine_id, &arena, &row, &has, err))
        return false;
    if (!has || !row.is_online ||
        (!work->is_census && instant_compare(row.audit_at, work->now) > 0))
        return true;
    /* One question at a time: an agent that is at one may leave another. */
    if (!machine_proof_has_open(db, row.id, &has_open, err))
        return false;
    if (has_open && !work->is_census) {
        row.audit_at = instant_add(work->now, AUDIT_BUSY_US);
        return machine_set_audit(db, &row, err);
    }
    if (!hardware_load(db, &row, work->now, &arena, &hardware, err) ||
        !agent_build_judge(db, &hardware->facts, &build, err))
        return false;
    work->is_pressing = audit_is_pressing(row.standing) || build == AGENT_BUILD_UNKNOWN;
    free_gpus = free_of(hardware);
    /* Beside an instance there is no hurry: it may be there for months. */
    if (!work->is_census)
        row.audit_at = instant_add(
            work->now, audit_wait_us(draw(UINT64_MAX), work->is_pressing && free_gpus.is_whole));
    /* A GPU that works for somebody would do badly, and its tenant too. */
    is_asked = !row.is_simulated && may_ask(work, &hardware->facts, &free_gpus);
    if (is_asked && !choose(db, work, &row, hardware, &free_gpus, &arena, &question, err))
        return false;
    is_asked = is_asked && (hardware->facts.gpu_count > 0 || question.openings > 0);
    if (is_asked &&
        !insert_all(db, work, &question, &hardware->facts, &free_gpus, &row.audit_id, err))
        return false;
    /* A trial is beside the questions that go on. */
    if (is_asked && audit_kind_is_trial(question.terms.kind))
        row.audit_at = instant_add(work->now, audit_wait_us(draw(UINT64_MAX), true));
    return machine_set_audit(db, &row, err) && (!is_asked || machine_bump(db, row.id, err));
}

static bool ask(const struct flow *flow, const struct audit_terms *terms, size_t *ret_count,
                struct error *err)
{
    struct ask_work work = { .now = clock_now(flow->clock), .terms = terms };

    if (!audit_silence(flow, work.now, err))
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

bool flow_audit_ask_with(const struct flow *flow, struct audit_terms terms, size_t *ret_count,
                         struct error *err)
{
    return ask(flow, &terms, ret_count, err);
}

bool flow_audit_ask(const struct flow *flow, size_t *ret_count, struct error *err)
{
    return ask(flow, NULL, ret_count, err);
}

bool audit_ask_soon(struct db *db, int64_t machine_id, struct instant now, struct error *err)
{
    return machine_audit_sooner(db, machine_id,
                                instant_add(now, audit_wait_us(draw(UINT64_MAX), true)), err);
}

/* The census */

struct census_work {
    struct instant now;
    bool is_due;
};

static bool census_work(struct db *db, void *context, struct error *err)
{
    struct census_work *work = context;
    struct census census;
    int64_t count = 0;
    bool has;

    work->is_due = false;
    if (!census_next(db, &census, &has, err))
        return false;
    if (has && instant_compare(census.at, work->now) > 0)
        return true;
    if (has && !census_set_done(db, census.id, &count, err))
        return false;
    work->is_due = count == 1;
    /* At some moment of the span after this one. */
    int64_t today = work->now.microseconds / AUDIT_CENSUS_US;
    struct instant next = { (today + 1) * AUDIT_CENSUS_US + (int64_t)draw(AUDIT_CENSUS_US) };
    return census_plan(db, next, err);
}

static bool find_all_work(struct db *db, void *context, struct error *err)
{
    struct ask_work *work = context;

    return machine_audits_idle(db, work->machine_id, work->ids, AUDIT_BATCH_MAX, &work->count, err);
}

bool flow_audit_census(const struct flow *flow, struct error *err)
{
    struct ask_work work = { .now = clock_now(flow->clock), .is_census = true };
    struct census_work census = { .now = work.now };

    if (!store_write(flow->store, census_work, &census, err))
        return error_context(err, "look whether a census is due");
    if (!census.is_due)
        return true;
    do {
        if (!store_read(flow->store, find_all_work, &work, err))
            return error_context(err, "look for machines to count");
        for (size_t i = 0; i < work.count; i++) {
            work.machine_id = work.ids[i];
            if (!store_write(flow->store, ask_work, &work, err))
                return error_context(err, "count machine %" PRId64, work.machine_id);
        }
    } while (work.count == AUDIT_BATCH_MAX);
    return true;
}
