/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/decide_due.h"

#include "flow/change.h"
#include "flow/limits.h"

enum { DUE_MAX = DECIDE_DUE_MAX > FUNDED_MAX ? DECIDE_DUE_MAX : FUNDED_MAX };

struct due_work {
    struct instant now;
    int64_t id;
    bool is_changed;
    size_t count;
    int64_t ids[DUE_MAX];
};

static bool find_machines(struct db *db, void *context, struct error *err)
{
    struct due_work *work = context;

    return machine_undecided(db, work->now, work->ids, DECIDE_DUE_MAX, &work->count, err);
}

static bool decide_work(struct db *db, void *context, struct error *err)
{
    struct due_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct change change;
    bool has;

    if (!change_begin(&change, db, work->id, work->now, &arena, &has, err))
        return false;
    if (!has || instant_compare(change.machine.decide, work->now) > 0)
        return true;
    /* Also of one that cannot be decided about now: its return will. */
    change.machine.decide = INSTANT_NEVER;
    change.cuts_offers = true;
    change.cause = "its time had come";
    return machine_set_decided(db, &change.machine, err) && change_end(&change, err);
}

bool flow_decide_due(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct due_work work = { .now = clock_now(flow->clock) };

    if (!store_read(flow->store, find_machines, &work, err))
        return error_context(err, "look for decisions that are due");
    for (size_t i = 0; i < work.count; i++) {
        work.id = work.ids[i];
        if (!store_write(flow->store, decide_work, &work, err))
            return error_context(err, "decide about machine %lld", (long long)work.id);
    }
    *ret_count = work.count;
    return true;
}

static bool find_unfunded(struct db *db, void *context, struct error *err)
{
    struct due_work *work = context;

    return contract_unfunded(db, work->id, work->ids, FUNDED_MAX, &work->count, err);
}

static bool fund_work(struct db *db, void *context, struct error *err)
{
    struct due_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row contract;
    struct change change;
    bool has, can_pay;

    work->is_changed = false;
    if (!contract_load(db, work->id, &arena, &contract, &has, err))
        return false;
    if (!has)
        return true;
    if (!change_begin(&change, db, contract.machine_id, work->now, &arena, &has, err) ||
        !contract_load(db, work->id, &arena, &contract, &has, err))
        return false;
    if (!has || contract.kind != KIND_BID || contract.reason != REASON_NO_CREDIT ||
        contract.state != RENTAL_STOPPED || instant_compare(contract.terms.end, work->now) <= 0)
        return true;
    if (!change_can_pay(&change, &contract, &can_pay, err))
        return false;
    if (!can_pay)
        return true;
    change.cause = "its owner has credit again";
    return change_contract(&change, &contract, RENTAL_BID_WAITS, "", &work->is_changed, err) &&
           change_user(&change, contract.owner_id, err) && change_end(&change, err);
}

bool flow_funded(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct due_work work = { .now = clock_now(flow->clock) };

    *ret_count = 0;
    /* All of them: many that cannot pay must not hide those behind them. */
    do {
        if (!store_read(flow->store, find_unfunded, &work, err))
            return error_context(err, "look for bids that can be paid for again");
        for (size_t i = 0; i < work.count; i++) {
            work.id = work.ids[i];
            if (!store_write(flow->store, fund_work, &work, err))
                return error_context(err, "let bid %lld wait again", (long long)work.id);
            *ret_count += work.is_changed;
        }
    } while (work.count == FUNDED_MAX);
    return true;
}
