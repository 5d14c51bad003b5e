/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rewrap.h"

struct rewrap_work {
    const struct vault *vault;
    int64_t master_id; /* under which they are */
    struct data_key_row rows[REWRAP_BATCH_MAX];
    size_t count;
};

static bool rewrap_work(struct db *db, void *context, struct error *err)
{
    struct rewrap_work *work = context;

    if (!data_key_list(db, work->master_id, work->rows, REWRAP_BATCH_MAX, &work->count, err))
        return false;
    for (size_t i = 0; i < work->count; i++) {
        if (!vault_key_rewrap(work->vault, &work->rows[i], err) ||
            !data_key_replace(db, &work->rows[i], work->master_id, err))
            return false;
    }
    return true;
}

bool flow_rewrap(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct rewrap_work work = { .vault = flow->vault };

    *ret_count = 0;
    for (size_t i = 0; flow->vault != NULL && i < flow->vault->other_count; i++) {
        work.master_id = flow->vault->others[i].id;
        if (!store_write(flow->store, rewrap_work, &work, err))
            return error_context(err, "seal keys under the present master key");
        *ret_count = work.count > *ret_count ? work.count : *ret_count;
    }
    return true;
}

struct count_work {
    int64_t master_id, count, all;
};

static bool count_work(struct db *db, void *context, struct error *err)
{
    struct count_work *work = context;

    return data_key_count(db, work->master_id, &work->count, &work->all, err);
}

bool flow_rewrap_count(const struct flow *flow, int64_t master_id, int64_t *ret_count,
                       int64_t *ret_all, struct error *err)
{
    struct count_work work = { .master_id = master_id };

    if (!store_read(flow->store, count_work, &work, err))
        return error_context(err, "count keys of accounts");
    *ret_count = work.count;
    *ret_all = work.all;
    return true;
}
