/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/parked.h"

#include "flow/change.h"
#include "flow/funds.h"
#include "flow/limits.h"
#include "flow/usage.h"
#include "store/reservation.h"
#include "store/user.h"

struct parked_work {
    struct instant now;
    struct arena *arena;
    struct parked_row *list;
    size_t count;

    int64_t id;
    bool is_charged; /* else dropped */
    struct parked_row row;
    enum parked_outcome outcome;
};

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct parked_work *work = context;

    return parked_list(db, PARKED_PAGE_MAX, work->arena, &work->list, &work->count, err);
}

bool flow_parked_list(const struct flow *flow, struct arena *arena, struct parked_row **ret,
                      size_t *ret_count, struct error *err)
{
    struct parked_work work = { .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list time that waits");
    *ret = work.list;
    *ret_count = work.count;
    return true;
}

/* Both below 2^63: the product fits. */
struct money parked_worth(const struct parked_row *row)
{
    numerator worth = (numerator)row->gpu_us * row->gpu_hour.nanodollars / METER_GPU_DENOMINATOR;

    return (struct money){ worth > INT64_MAX ? INT64_MAX : (int64_t)worth };
}

/* What is reserved is charged as far as its deposit goes. */
static bool deposit_credit(struct change *change, const struct contract_row *contract,
                           struct credit *ret, struct error *err)
{
    struct money left;

    if (!reservation_left(change->db, contract, &left, err))
        return false;
    *ret = credit_open(left, (struct money){ 0 }, change->now);
    return true;
}

/* GPU time never takes a renter into debt, however late it is charged. */
static bool charge(struct change *change, struct contract_row *contract, struct parked_row *row,
                   struct error *err)
{
    struct user_row user;
    struct credit credit;
    bool has;

    if (!user_lock(change->db, contract->owner_id, err) ||
        !user_load(change->db, contract->owner_id, change->arena, &user, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a contract without its owner");
    if (contract->kind == KIND_RESERVED
            ? !deposit_credit(change, contract, &credit, err)
            : !funds_credit(change->db, &user, change->now, change->arena, &credit, err))
        return false;

    int64_t affordable_us = credit_affords_us(&credit, contract->terms.gpu_hour);
    row->charged_us = row->gpu_us < affordable_us ? row->gpu_us : affordable_us;
    struct usage usage = { .now = change->now,
                           .gpu_from = change->now, /* it is of the day on which it is charged */
                           .gpu_us = row->charged_us,
                           .disk_until = usage_disk_of(&change->machine, contract, change->now),
                           .is_decided = true };

    if (!usage_post(change->db, &usage, contract, err))
        return false;
    return change_user(change, contract->owner_id, err);
}

static bool decide_work(struct db *db, void *context, struct error *err)
{
    struct parked_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row contract;
    struct change change;
    bool has;

    work->outcome = PARKED_NOT_FOUND;
    if (!parked_load(db, work->id, &arena, &work->row, &has, err))
        return false;
    if (!has)
        return true;
    if (!change_begin_contract(&change, db, work->row.contract_id, work->now, &arena, &contract,
                               &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "time of no contract");
    /* Under the machine's lock: another operator may have been first. */
    if (!parked_load(db, work->id, &arena, &work->row, &has, err))
        return false;
    work->outcome = PARKED_WAS_DECIDED;
    if (work->row.state != PARKED_WAITS)
        return true;
    work->outcome = PARKED_TOO_LATE;
    if (work->is_charged && contract.destroyed.microseconds != 0)
        return true;
    work->outcome = PARKED_DONE;
    work->row.state = work->is_charged ? PARKED_CHARGED : PARKED_DROPPED;
    work->row.decided = change.now;
    return (!work->is_charged || charge(&change, &contract, &work->row, err)) &&
           parked_decide(db, &work->row, err) && change_end(&change, err);
}

static bool decide(const struct flow *flow, struct parked_work *work, struct parked_row *ret,
                   enum parked_outcome *ret_outcome, struct error *err)
{
    work->now = clock_now(flow->clock);
    if (!store_write(flow->store, decide_work, work, err))
        return error_context(err, "decide on time that waits");
    *ret = work->row;
    *ret_outcome = work->outcome;
    return true;
}

bool flow_parked_charge(const struct flow *flow, int64_t id, struct parked_row *ret,
                        enum parked_outcome *ret_outcome, struct error *err)
{
    return decide(flow, &(struct parked_work){ .id = id, .is_charged = true }, ret, ret_outcome,
                  err);
}

bool flow_parked_drop(const struct flow *flow, int64_t id, struct parked_row *ret,
                      enum parked_outcome *ret_outcome, struct error *err)
{
    return decide(flow, &(struct parked_work){ .id = id }, ret, ret_outcome, err);
}
