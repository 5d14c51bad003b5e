/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/review.h"

#include "store/payment.h"

struct disputes_work {
    const struct dispute_filter *filter;
    struct arena *arena;
    struct dispute_row *rows;
    size_t count;
};

static bool disputes_work(struct db *db, void *context, struct error *err)
{
    struct disputes_work *work = context;

    return dispute_list(db, work->filter, work->arena, &work->rows, &work->count, err);
}

bool flow_dispute_list(const struct flow *flow, const struct dispute_filter *filter,
                       struct arena *arena, struct dispute_row **ret, size_t *ret_count,
                       struct error *err)
{
    struct disputes_work work = { .filter = filter, .arena = arena };

    if (!store_read(flow->store, disputes_work, &work, err))
        return error_context(err, "list disputes");
    *ret = work.rows;
    *ret_count = work.count;
    return true;
}

struct troubles_work {
    int64_t before;
    size_t max;
    struct arena *arena;
    struct machine_proof_row *rows;
    size_t count;
};

static bool troubles_work(struct db *db, void *context, struct error *err)
{
    struct troubles_work *work = context;

    return machine_proof_troubles(db, work->before, work->max, work->arena, &work->rows,
                                  &work->count, err);
}

bool flow_proof_troubles(const struct flow *flow, int64_t before, size_t max, struct arena *arena,
                         struct machine_proof_row **ret, size_t *ret_count, struct error *err)
{
    struct troubles_work work = { .before = before, .max = max, .arena = arena };

    if (!store_read(flow->store, troubles_work, &work, err))
        return error_context(err, "list proofs that went wrong");
    *ret = work.rows;
    *ret_count = work.count;
    return true;
}

static bool read_backup(struct db *db, void *context, struct error *err)
{
    return setting_time(db, BACKUP_SETTING, context, err);
}

bool flow_backup_time(const struct flow *flow, struct instant *ret, struct error *err)
{
    return store_read(flow->store, read_backup, ret, err) ||
           error_context(err, "look when the books were copied");
}

static bool write_backup(struct db *db, void *context, struct error *err)
{
    return setting_set_time(db, BACKUP_SETTING, *(const struct instant *)context, err);
}

bool flow_backup_done(const struct flow *flow, struct error *err)
{
    struct instant now = clock_now(flow->clock);

    return store_write(flow->store, write_backup, &now, err) ||
           error_context(err, "note that the books were copied");
}
