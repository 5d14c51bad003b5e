/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/seal.h"

#include "store/audit.h"
#include "store/ledger.h"
#include "store/seal.h"

struct seal_work {
    struct instant now;
    struct seal previous;
    int64_t last; /* up to where journals may be sealed */
    size_t count;
};

static bool look_work(struct db *db, void *context, struct error *err)
{
    struct seal_work *work = context;

    return seal_load_newest(db, &work->previous, err) && ledger_newest(db, &work->last, err);
}

static bool find_work(struct db *db, void *context, struct error *err)
{
    struct seal_work *work = context;
    struct instant until = instant_add(work->now, -SEAL_AGE_SECONDS * US_PER_SECOND);

    return seal_find_settled(db, work->previous.last_journal, until, &work->last, err);
}

static bool add_journals(struct seal_work *work, struct audit_stream *journals,
                         struct audit_stream *legs, struct seal_batch *batch, struct error *err)
{
    const struct audit_row *row;

    while (batch->journal_count < SEAL_BATCH_MAX) {
        struct journal journal = { .leg_count = 0 };
        size_t leg_count;

        if (!audit_see(journals, &row, err))
            return false;
        if (row == NULL || row->at[0] > work->last)
            return true;
        audit_journal(row, &journal);
        if (!audit_take_legs(legs, row->at[0], &journal, &leg_count, err))
            return false;
        struct seal_entry entry = { row->at[0], { row->at[3] }, row->hash, &journal };
        seal_batch_add(batch, &entry);
        audit_take(journals);
    }
    return true;
}

static bool seal_work(struct db *db, void *context, struct error *err)
{
    struct seal_work *work = context;
    struct seal previous;

    work->count = 0;
    if (!seal_load_newest(db, &previous, err))
        return false;
    if (previous.number != work->previous.number)
        return true; /* another server was faster */
    struct seal_batch batch = { .last_journal = previous.last_journal };
    auto_audit struct audit_stream journals =
        audit_open_after(db, AUDIT_JOURNALS, previous.last_journal);
    auto_audit struct audit_stream legs = audit_open_after(db, AUDIT_LEGS, previous.last_journal);
    if (!add_journals(work, &journals, &legs, &batch, err))
        return false;
    if (batch.journal_count == 0)
        return true;
    struct seal seal = seal_close(&previous, &batch);
    work->count = (size_t)batch.journal_count;
    return seal_insert(db, &seal, work->now, err);
}

bool flow_seal(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct seal_work work = { .now = clock_now(flow->clock) };

    if (!store_read(flow->store, look_work, &work, err))
        return error_context(err, "seal");
    if (work.last > work.previous.last_journal && !store_write(flow->store, find_work, &work, err))
        return error_context(err, "seal");
    if (work.last > work.previous.last_journal && !store_write(flow->store, seal_work, &work, err))
        return error_context(err, "seal");
    *ret_count = work.count;
    return true;
}
