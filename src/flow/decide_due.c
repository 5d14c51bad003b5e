/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/decide_due.h"

#include "flow/change.h"
#include "flow/each_due.h"
#include "flow/limits.h"

bool decide_due_machine(struct db *db, int64_t id, struct instant now, bool *ret_is_done,
                        struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct change change;
    bool has;

    if (!change_begin(&change, db, id, now, &arena, &has, err))
        return false;
    /* Another decision may have set another time while we looked. */
    if (!has || instant_compare(change.machine.decide, now) > 0)
        return true;
    /* Also of one that cannot be decided about now: its return will. */
    change.machine.decide = INSTANT_NEVER;
    change.cuts_offers = true;
    change.cause = "its time had come";
    *ret_is_done = true;
    return machine_set_decided(db, &change.machine, err) && change_end(&change, err);
}

bool flow_decide_due(const struct flow *flow, size_t *ret_count, struct error *err)
{
    static const struct due_job job = { .seeks = "decisions that are due",
                                        .deed = "decide about machine",
                                        .find = machine_undecided,
                                        .deal = decide_due_machine,
                                        .max = DECIDE_DUE_MAX };

    return each_due(flow, &job, ret_count, err);
}

bool decide_due_bid(struct db *db, int64_t id, struct instant now, bool *ret_is_done,
                    struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row contract;
    struct change change;
    bool has, can_pay;

    if (!change_begin_contract(&change, db, id, now, &arena, &contract, &has, err))
        return false;
    if (!has || contract.kind != KIND_BID || contract.reason != REASON_NO_CREDIT ||
        contract.state != RENTAL_STOPPED || instant_compare(contract.terms.end, now) <= 0)
        return true;
    const struct contract_row *const one = &contract;
    if (!change_can_pay(&change, &one, 1, &can_pay, err))
        return false;
    if (!can_pay)
        return true;
    change.cause = "its owner has credit again";
    if (!change_contract(&change, &contract, RENTAL_BID_WAITS, "", ret_is_done, err) ||
        !change_user(&change, contract.owner_id, err) || !change_end(&change, err) ||
        !contract_load(db, id, &arena, &contract, &has, err))
        return false;
    return contract.reason != REASON_NO_CREDIT ||
           error_set(err, ERROR_FORBIDDEN, "it cannot be paid for beside those that start with it");
}

bool flow_funded(const struct flow *flow, size_t *ret_count, struct error *err)
{
    /* All of them: many that cannot pay must not hide those behind them. */
    static const struct due_job job = { .seeks = "bids that can be paid for again",
                                        .deed = "bring back bid",
                                        .walk = contract_unfunded,
                                        .deal = decide_due_bid,
                                        .lets_be = ERROR_FORBIDDEN,
                                        .max = FUNDED_MAX };

    return each_due(flow, &job, ret_count, err);
}
