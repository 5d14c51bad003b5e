/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/audit_silence.h"

#include <inttypes.h>

#include "flow/hardware.h"
#include "flow/limits.h"
#include "proto/challenge.h"
#include "store/machine_proof.h"
#include "sys/crypto.h"

struct silence_work {
    struct instant now, before;
    size_t count;
    int64_t ids[AUDIT_SILENT_MAX];
    int64_t machine_id; /* the one at hand */
};

static bool find_work(struct db *db, void *context, struct error *err)
{
    struct silence_work *work = context;

    return machine_proof_late(db, work->before, work->ids, AUDIT_SILENT_MAX, &work->count, err);
}

/* audit_silent() of what it had no reason to leave: of who has answered before, and for GPUs that
 * nobody had meanwhile; of an agent that ends all proofs when one of them is rented, for none. */
static bool find_silent(struct db *db, const struct silence_work *work,
                        const struct machine_row *row, struct arena *arena, int64_t *ret,
                        struct error *err)
{
    struct machine_facts *facts = arena_alloc(arena, 1, sizeof *facts);
    int64_t kinds[AUDIT_KINDS];
    bool has_answered;
    size_t count;

    *ret = 0;
    if (!row->is_online || row->removed.microseconds != 0)
        return true;
    if (facts == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a machine");
    if (!hardware_facts(row->facts, facts, err) ||
        !machine_proof_has_good(db, row->id, &has_answered, err) ||
        !machine_proof_late_kinds(db, row->id, work->before,
                                  facts->challenge_level >= CHALLENGE_BESIDE, kinds, AUDIT_KINDS,
                                  &count, err))
        return false;
    for (size_t i = 0; i < count && has_answered; i++)
        *ret |= audit_silent((enum audit_kind)kinds[i]);
    return true;
}

/* However many of its GPUs were asked, it was silent once. */
static bool judge(struct db *db, struct machine_row *row, int64_t silent, struct instant now,
                  struct error *err)
{
    uint64_t random;
    int64_t count;

    row->standing.now = row->verification;
    row->standing = audit_judge_silence(row->standing, silent);
    crypto_random(&random, sizeof random);
    struct instant soon = instant_add(now, audit_wait_us(random, true));
    if (instant_compare(soon, row->audit_at) < 0)
        row->audit_at = soon;
    return machine_set_audit(db, row, err) &&
           (row->standing.now == row->verification ||
            machine_set_verification(db, row->id, row->standing.now, &count, err)) &&
           db_notify(db, TOPIC_MACHINE, row->id, err);
}

static bool silence_work(struct db *db, void *context, struct error *err)
{
    const struct silence_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct machine_row row;
    int64_t count, silent;
    bool has;

    if (!machine_lock(db, work->machine_id, err) ||
        !machine_load(db, work->machine_id, &arena, &row, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a proof without its machine");
    /* None: an answer came meanwhile, or another server was here. */
    return find_silent(db, work, &row, &arena, &silent, err) &&
           machine_proof_expire(db, work->machine_id, work->before, work->now, &count, err) &&
           (silent == 0 || judge(db, &row, silent, work->now, err));
}

bool audit_silence(const struct flow *flow, struct instant now, struct error *err)
{
    struct silence_work work = { .now = now, .before = instant_add(now, -AUDIT_PATIENCE_US) };

    if (!store_read(flow->store, find_work, &work, err))
        return error_context(err, "look for machines that were silent");
    for (size_t i = 0; i < work.count; i++) {
        work.machine_id = work.ids[i];
        if (!store_write(flow->store, silence_work, &work, err))
            return error_context(err, "the silence of machine %" PRId64, work.machine_id);
    }
    return true;
}
