/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/no_credit.h"

#include "flow/change.h"
#include "flow/funds.h"
#include "flow/limits.h"
#include "flow/usage.h"
#include "flow/warn_credit.h"
#include "store/user.h"

struct no_credit_work {
    struct instant now;
    int64_t user_id;
    size_t count;
    int64_t ids[NO_CREDIT_MAX];
};

static bool find_work(struct db *db, void *context, struct error *err)
{
    struct no_credit_work *work = context;

    return user_due(db, work->now, work->ids, NO_CREDIT_MAX, &work->count, err);
}

/* The prediction was made for what then ran; since then the host may have gone away, and somebody
 * may have paid. */
static bool is_over(struct db *db, const struct user_row *user, struct instant now,
                    struct arena *arena, bool *ret_is_over, struct error *err)
{
    struct instant zero;

    if (!funds_zero(db, user, now, arena, &zero, err))
        return false;
    *ret_is_over = instant_compare(zero, now) <= 0;
    return true;
}

/* Time is charged up to the account's t_zero, so that stands until the last one is stopped. */
static bool stop_one(struct db *db, const struct no_credit_work *work, int64_t machine_id,
                     int64_t contract_id, struct arena *arena, struct error *err)
{
    struct contract_row contract;
    struct change change;
    bool has, has_changed;

    if (!change_begin(&change, db, machine_id, work->now, arena, &has, err))
        return false;
    change.user_left = work->user_id;
    return contract_load(db, contract_id, arena, &contract, &has, err) &&
           change_contract(&change, &contract, RENTAL_CREDIT_ENDED, "", &has_changed, err) &&
           change_user(&change, work->user_id, err) && change_end(&change, err);
}

/* Machines before accounts, and each kind by rising id: whoever takes several locks takes them in
 * that order. */
static bool lock_all(struct db *db, int64_t user_id, struct arena *arena, struct error *err)
{
    int64_t *machines;
    size_t count;

    if (!contract_machines_of(db, user_id, arena, &machines, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!machine_lock(db, machines[i], err))
            return false;
    return user_lock(db, user_id, err);
}

static bool stop_work(struct db *db, void *context, struct error *err)
{
    struct no_credit_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row *contracts;
    struct user_row user;
    bool has, over;
    size_t count;

    if (!lock_all(db, work->user_id, &arena, err) ||
        !user_load(db, work->user_id, &arena, &user, &has, err))
        return false;
    if (!has || instant_compare(user.t_zero, work->now) > 0)
        return true;
    if (!is_over(db, &user, work->now, &arena, &over, err))
        return false;
    if (!over)
        return funds_set_t_zero_summed(db, work->user_id, work->now, err);
    if (!contract_list_owned(db, work->user_id, &arena, &contracts, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (contracts[i].kind != KIND_RESERVED &&
            rental_arrow(contracts[i].state, RENTAL_CREDIT_ENDED) != NULL &&
            !stop_one(db, work, contracts[i].machine_id, contracts[i].id, &arena, err))
            return false;
    return warn_credit_ended(db, work->user_id, user.t_zero, work->now, err) &&
           funds_set_t_zero(db, work->user_id, work->now, err);
}

bool flow_no_credit(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct no_credit_work work = { .now = clock_now(flow->clock) };

    if (!store_read(flow->store, find_work, &work, err))
        return error_context(err, "look for accounts without credit");
    for (size_t i = 0; i < work.count; i++) {
        work.user_id = work.ids[i];
        if (!store_write(flow->store, stop_work, &work, err))
            return error_context(err, "stop the instances of user %lld", (long long)work.user_id);
    }
    *ret_count = work.count;
    return true;
}
