/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/audit_silence.h"

#include <inttypes.h>

#include "flow/hardware.h"
#include "flow/limits.h"
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

static bool is_held_against(struct db *db, const struct machine_row *row, struct instant now,
                            struct arena *arena, bool *ret, struct error *err)
{
    struct hardware *hardware;
    bool has_answered;

    *ret = false;
    if (!row->is_online || row->removed.microseconds != 0)
        return true;
    if (!hardware_load(db, row, now, arena, &hardware, err) ||
        !machine_proof_has_good(db, row->id, &has_answered, err))
        return false;
    *ret = has_answered && hardware_is_idle(hardware);
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
    int64_t count, kinds[AUDIT_KINDS], silent = 0;
    struct machine_row row;
    size_t kind_count;
    bool has, counts;

    if (!machine_lock(db, work->machine_id, err) ||
        !machine_load(db, work->machine_id, &arena, &row, &has, err) ||
        !machine_proof_late_kinds(db, work->machine_id, work->before, kinds, AUDIT_KINDS,
                                  &kind_count, err) ||
        !machine_proof_expire(db, work->machine_id, work->before, work->now, &count, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a proof without its machine");
    if (count == 0) /* an answer came meanwhile, or another server was here */
        return true;
    if (!is_held_against(db, &row, work->now, &arena, &counts, err))
        return false;
    for (size_t i = 0; i < kind_count; i++)
        silent |= audit_silent((enum audit_kind)kinds[i]);
    return !counts || judge(db, &row, silent, work->now, err);
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
