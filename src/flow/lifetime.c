/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/lifetime.h"

#include "flow/change.h"
#include "flow/limits.h"

struct lifetime_work {
    struct instant now;
    int64_t id;
    size_t count;
    int64_t ids[LIFETIME_MAX];
};

static bool find_work(struct db *db, void *context, struct error *err)
{
    struct lifetime_work *work = context;

    return contract_overdue(db, work->now, work->ids, LIFETIME_MAX, &work->count, err);
}

static bool stop_work(struct db *db, void *context, struct error *err)
{
    struct lifetime_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    char end[INSTANT_TEXT_SIZE];
    struct contract_row contract;
    struct change change;
    bool has, has_changed;

    if (!contract_load(db, work->id, &arena, &contract, &has, err))
        return false;
    if (!has)
        return true;
    if (!change_begin(&change, db, contract.machine_id, work->now, &arena, &has, err) ||
        !contract_load(db, work->id, &arena, &contract, &has, err))
        return false;
    /* The host may have extended it while we looked. */
    if (!has || instant_compare(work->now, contract.terms.end) < 0)
        return true;
    return change_contract(&change, &contract, RENTAL_LIFETIME_ENDED,
                           instant_format(contract.terms.end, end), &has_changed, err) &&
           change_user(&change, contract.owner_id, err) && change_end(&change, err);
}

bool flow_lifetime(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct lifetime_work work = { .now = clock_now(flow->clock) };

    if (!store_read(flow->store, find_work, &work, err))
        return error_context(err, "look for contracts that are over");
    for (size_t i = 0; i < work.count; i++) {
        work.id = work.ids[i];
        if (!store_write(flow->store, stop_work, &work, err))
            return error_context(err, "end contract %lld", (long long)work.id);
    }
    *ret_count = work.count;
    return true;
}
