/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/prepay.h"

#include <assert.h>
#include <stdio.h>

#include "flow/change.h"
#include "flow/each_due.h"
#include "flow/limits.h"
#include "flow/post_usage.h"
#include "flow/reservation.h"
#include "flow/transfer.h"
#include "flow/usage.h"
#include "store/event.h"
#include "store/ledger.h"
#include "store/user.h"

struct prepay_work {
    const struct caller *caller;
    int64_t contract_id;
    struct money amount;
    struct instant now;
    struct prepay_reply reply;
};

int64_t prepay_plan_months(size_t plan)
{
    static const int64_t months[PREPAY_PLANS] = { 1, 3, 6 };

    assert(plan < PREPAY_PLANS);
    return months[plan];
}

static struct reserved_list list_of(const struct contract_row *contract,
                                    const struct reservation_row *reservation)
{
    bool is_new = reservation->id == 0;

    return (struct reserved_list){
        .gpu_hour = is_new ? contract->terms.gpu_hour : reservation->gpu_hour,
        .disk_month = contract->terms.disk_month,
        .disk_gb = contract->share.disk_gb,
    };
}

static int64_t hours_left(const struct contract_row *contract, struct instant now)
{
    int64_t left_us = instant_until(now, contract->terms.end);

    return left_us > 0 ? left_us / US_PER_HOUR : 0;
}

static struct money plus(struct money a, struct money b)
{
    struct money sum;

    return money_add(a, b, &sum) ? sum : (struct money){ INT64_MAX };
}

static struct money beyond(struct money whole, struct money part)
{
    int64_t left = whole.nanodollars - part.nanodollars;

    return (struct money){ left > 0 ? left : 0 };
}

/* The hours from which on the discount is at least that. */
static int64_t hours_for(int64_t discount_ppm)
{
    int64_t low = 0, high = RESERVED_HOURS_MAX;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (reserved_discount_ppm(middle, RESERVED_PPM) >= discount_ppm)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* What the deposit would be, with what is `left` of the one before. */
static enum prepay_outcome judge(const struct prepay_work *work,
                                 const struct contract_row *contract,
                                 const struct reservation_row *before, struct money left,
                                 struct prepay_reply *reply)
{
    const struct reserved_list list = list_of(contract, before);
    struct money most, all = plus(left, work->amount);

    switch (reserved_plan(&list, all, hours_left(contract, work->now), contract->discount_max_ppm,
                          &reply->plan, &most)) {
    case RESERVED_FREE:
        return PREPAY_FREE;
    case RESERVED_TOO_LITTLE:
        return PREPAY_TOO_LITTLE;
    case RESERVED_TOO_MUCH:
        reply->most = beyond(most, left);
        return PREPAY_TOO_MUCH;
    case RESERVED_OK:
        break;
    }
    if (before->id == 0 || reply->plan.discount_ppm >= before->discount_ppm)
        return PREPAY_DONE;
    reply->least =
        beyond(reserved_cost(&list, hours_for(before->discount_ppm), before->discount_ppm), left);
    return PREPAY_LOWERS;
}

/* All that was used until now, at the prices until now. */
static bool settle(struct change *change, struct contract_row *contract, struct error *err)
{
    struct interval_row interval;
    bool runs;

    if (!contract_is_metered(contract))
        return true;
    if (!interval_load(change->db, contract->id, change->arena, &interval, &runs, err))
        return false;
    if (runs)
        return change_split_interval(change, contract, err);
    struct usage usage = { .now = change->now,
                           .disk_until = usage_disk_of(&change->machine, contract, change->now) };
    return usage_post(change->db, &usage, contract, err);
}

static bool post_payment(struct change *change, const struct contract_row *contract,
                         const struct reservation_row *reservation, struct money amount,
                         struct error *err)
{
    char key[JOURNAL_KEY_SIZE];
    const struct reserved_event event = { .key = key,
                                          .contract_id = contract->id,
                                          .renter_id = contract->owner_id,
                                          .host_id = contract->host_id,
                                          .occurred = change->now };
    enum ledger_outcome outcome;
    struct journal journal;

    (void)snprintf(key, sizeof key, "res:%lld:%lld", (long long)reservation->id,
                   (long long)reservation->payments);
    if (reserved_journal_pay(&event, amount, &journal) != JOURNAL_BUILT)
        return error_set(err, ERROR_CORRUPT, "a payment of nothing");
    if (!ledger_post(change->db, &journal, change->now, &outcome, err))
        return false;
    return outcome == LEDGER_POSTED ||
           error_set(err, ERROR_CORRUPT, "a payment that was posted before: %s", key);
}

/* The meters go on at the lowered prices. */
static bool lower(struct change *change, struct contract_row *contract,
                  const struct reservation_row *reservation, struct meters *meters,
                  struct error *err)
{
    struct money gpu = reserved_rate(reservation->gpu_hour, reservation->discount_ppm);
    struct money disk = reserved_rate(reservation->disk_month, reservation->discount_ppm);

    if ((money_compare(meters->of[COMPONENT_GPU - 1].rate, gpu) != 0 &&
         !meters_reprice(change->db, meters, COMPONENT_GPU, gpu, change->now, err)) ||
        (money_compare(meters->of[COMPONENT_DISK - 1].rate, disk) != 0 &&
         !meters_reprice(change->db, meters, COMPONENT_DISK, disk, change->now, err)) ||
        !meters_save(change->db, meters, err))
        return error_context(err, "reprice contract %lld", (long long)contract->id);
    contract->kind = KIND_RESERVED;
    contract->discount_ppm = reservation->discount_ppm;
    contract->terms.gpu_hour = gpu;
    return reservation_mark(change->db, contract, err);
}

static bool tell(struct change *change, const struct contract_row *contract,
                 const struct prepay_work *work, struct error *err)
{
    char amount[MONEY_TEXT_SIZE];
    const struct event_row event = {
        .contract_id = contract->id,
        .at = change->now,
        .state = contract->state,
        .detail =
            arena_printf(change->arena,
                         "Its renter paid $%s ahead: the deposit covers %lld hours, with a "
                         "discount of %lld.%02lld %%.",
                         money_format(work->amount, amount), (long long)work->reply.plan.hours,
                         (long long)(work->reply.plan.discount_ppm / 10000),
                         (long long)(work->reply.plan.discount_ppm / 100 % 100)),
    };

    if (event.detail == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for what happened");
    return event_insert(change->db, &event, err);
}

static bool take(struct change *change, struct contract_row *contract,
                 const struct prepay_work *work, struct reservation_row *reservation,
                 struct error *err)
{
    bool is_new = reservation->id == 0;
    struct meters meters;

    if (!meters_load(change->db, contract->id, &meters, err))
        return false;
    if (is_new)
        *reservation = (struct reservation_row){
            .contract_id = contract->id,
            .owner_id = contract->owner_id,
            .begun = change->now,
            .gpu_hour = contract->terms.gpu_hour,
            .disk_month = contract->terms.disk_month,
            .gpu_from = meters.of[COMPONENT_GPU - 1].total,
            .disk_from = meters.of[COMPONENT_DISK - 1].total,
        };
    reservation->discount_ppm = work->reply.plan.discount_ppm;
    reservation->hours = work->reply.plan.hours;
    reservation->paid = plus(reservation->paid, work->amount);
    reservation->payments++;
    reservation->last_paid = work->amount;
    reservation->last_paid_at = reservation->ends = change->now;
    return (is_new ? reservation_insert(change->db, reservation, err)
                   : reservation_update(change->db, reservation, err)) &&
           post_payment(change, contract, reservation, work->amount, err) &&
           lower(change, contract, reservation, &meters, err) &&
           reservation_plan_look(change->db, contract, &meters, change->now, err) &&
           tell(change, contract, work, err) && change_user(change, contract->owner_id, err) &&
           db_notify(change->db, TOPIC_CONTRACT, contract->id, err) &&
           db_notify(change->db, TOPIC_MACHINE, contract->machine_id, err);
}

/* Whether this very payment was made a moment ago. */
static bool is_again(const struct prepay_work *work, const struct contract_row *contract,
                     const struct reservation_row *before, struct money left,
                     struct prepay_reply *reply)
{
    const struct reserved_list list = list_of(contract, before);
    struct money most;

    if (before->id == 0 || money_compare(before->last_paid, work->amount) != 0 ||
        instant_until(before->last_paid_at, work->now) >= PREPAY_AGAIN_SECONDS * US_PER_SECOND)
        return false;
    /* As it was answered, but for what has been used in the seconds since. */
    if (reserved_plan(&list, left, RESERVED_HOURS_MAX, contract->discount_max_ppm, &reply->plan,
                      &most) != RESERVED_OK)
        reply->plan = (struct reserved_plan){ .hours = before->hours };
    reply->plan.discount_ppm = before->discount_ppm;
    return true;
}

/* What is in the deposit now, posted or not. */
static bool load_deposit(struct change *change, const struct contract_row *contract,
                         struct reservation_row *reservation, struct money *ret_left,
                         struct error *err)
{
    struct deposit_view view = { .is_reserved = false };

    *reservation = (struct reservation_row){ .id = 0 };
    *ret_left = (struct money){ 0 };
    if (contract->kind != KIND_RESERVED)
        return true;
    if (!reservation_of(change->db, contract, reservation, err) ||
        !prepay_measure(change->db, contract, change->now, &view, err))
        return false;
    *ret_left = view.left;
    return true;
}

static bool may_pay(struct change *change, const struct prepay_work *work,
                    const struct contract_row *contract, bool *ret_may, struct error *err)
{
    return user_lock(change->db, contract->owner_id, err) &&
           transfer_may(change->db, contract->owner_id, work->amount, change->now, ret_may, err);
}

static bool prepay(struct change *change, struct prepay_work *work, struct contract_row *contract,
                   struct error *err)
{
    struct prepay_reply *reply = &work->reply;
    struct reservation_row reservation;
    struct money left;
    bool may;

    work->now = change->now;
    reply->outcome = PREPAY_IS_BID;
    if (contract->kind != KIND_ON_DEMAND && contract->kind != KIND_RESERVED)
        return true;
    if (!load_deposit(change, contract, &reservation, &left, err))
        return false;
    reply->outcome = PREPAY_DONE;
    if (is_again(work, contract, &reservation, left, reply))
        return true;
    reply->outcome = judge(work, contract, &reservation, left, reply);
    if (reply->outcome != PREPAY_DONE)
        return true;
    if (!may_pay(change, work, contract, &may, err))
        return false;
    if (!may) {
        reply->outcome = PREPAY_NO_CREDIT;
        return true;
    }
    /* The deposit may end with this posting: then it is a new one that is paid into. */
    if (!settle(change, contract, err) || !load_deposit(change, contract, &reservation, &left, err))
        return false;
    reply->outcome = judge(work, contract, &reservation, left, reply);
    return (reply->outcome != PREPAY_DONE || take(change, contract, work, &reservation, err)) &&
           change_end(change, err);
}

static bool prepay_work(struct db *db, void *context, struct error *err)
{
    struct prepay_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    int64_t owner_id = work->caller->user_id;
    struct contract_row contract;
    struct change change;
    bool has;

    work->reply = (struct prepay_reply){ .outcome = PREPAY_NO_INSTANCE };
    if (!contract_load_owned(db, owner_id, work->contract_id, &arena, &contract, &has, err))
        return false;
    if (!has)
        return true;
    return change_begin(&change, db, contract.machine_id, work->now, &arena, &has, err) &&
           contract_load_owned(db, owner_id, work->contract_id, &arena, &contract, &has, err) &&
           (!has || prepay(&change, work, &contract, err));
}

bool flow_prepay(const struct flow *flow, const struct caller *caller, int64_t contract_id,
                 struct money amount, struct prepay_reply *ret, struct error *err)
{
    struct prepay_work work = { .caller = caller,
                                .contract_id = contract_id,
                                .amount = amount,
                                .now = clock_now(flow->clock) };

    *ret = (struct prepay_reply){ .outcome = PREPAY_BAD_AMOUNT };
    if (amount.nanodollars <= 0)
        return true;
    if (!store_write(flow->store, prepay_work, &work, err))
        return error_context(err, "pay ahead for instance %lld", (long long)contract_id);
    *ret = work.reply;
    return true;
}

/* What has run up and is not posted: at the price, and at what was taken off it. */
static bool add_unposted(struct db *db, const struct contract_row *contract,
                         const struct reservation_row *reservation, struct instant now,
                         struct deposit_view *view, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct credit left = credit_open(view->left, (struct money){ 0 }, now);
    struct credit given = credit_open((struct money){ 0 }, (struct money){ 0 }, now);
    struct burn_row *burns;
    size_t count;

    if (!burn_list_of(db, contract->id, &arena, &burns, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct burn_row *burn = &burns[i];
        struct money list = burn->meter.component == COMPONENT_GPU ? reservation->gpu_hour
                                                                   : reservation->disk_month;

        if (!burn->is_reserved)
            continue;
        usage_add(&left, burn, burn->end);
        burn->meter.rate.nanodollars = list.nanodollars - burn->meter.rate.nanodollars;
        burn->meter.remainder = 0;
        usage_add(&given, burn, burn->end);
    }
    view->left = beyond(credit_available(&left, now), (struct money){ 0 });
    view->given = plus(view->given, (struct money){ -credit_available(&given, now).nanodollars });
    return true;
}

bool prepay_measure(struct db *db, const struct contract_row *contract, struct instant now,
                    struct deposit_view *ret, struct error *err)
{
    struct reservation_row reservation;
    struct money given[2];
    struct meters meters;

    if (!reservation_of(db, contract, &reservation, err) ||
        !reservation_left(db, contract, &ret->left, err) ||
        !meters_load(db, contract->id, &meters, err) ||
        !reservation_given(db, &reservation, &meters, given, err))
        return false;
    ret->is_reserved = true;
    ret->hours = reservation.hours;
    ret->discount_ppm = reservation.discount_ppm;
    ret->given = plus(given[0], given[1]);
    if (!add_unposted(db, contract, &reservation, now, ret, err))
        return false;
    ret->back = beyond(ret->left, ret->given);
    return true;
}

static bool add_plans(struct db *db, const struct contract_row *contract, struct instant now,
                      struct deposit_view *ret, struct error *err)
{
    struct reservation_row reservation = { .id = 0 };

    if (contract->kind == KIND_RESERVED && !reservation_of(db, contract, &reservation, err))
        return false;
    const struct reserved_list list = list_of(contract, &reservation);
    for (size_t i = 0; i < PREPAY_PLANS; i++) {
        int64_t hours = prepay_plan_months(i) * RESERVED_MONTH_HOURS;
        int64_t discount_ppm = reserved_discount_ppm(hours, contract->discount_max_ppm);
        bool fits = hours <= hours_left(contract, now) && discount_ppm >= ret->discount_ppm &&
                    (contract->kind == KIND_ON_DEMAND || contract->kind == KIND_RESERVED);

        ret->plans[i].months = prepay_plan_months(i);
        ret->plans[i].discount_ppm = discount_ppm;
        ret->plans[i].amount = fits ? beyond(reserved_cost(&list, hours, discount_ppm), ret->left)
                                    : (struct money){ 0 };
    }
    return true;
}

struct view_work {
    const struct caller *caller;
    int64_t contract_id;
    struct instant now;
    struct deposit_view view;
    bool has;
};

static bool view_work(struct db *db, void *context, struct error *err)
{
    struct view_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row contract;

    work->view = (struct deposit_view){ .is_reserved = false };
    if (!contract_load_owned(db, work->caller->user_id, work->contract_id, &arena, &contract,
                             &work->has, err))
        return false;
    if (!work->has)
        return true;
    work->view.max_ppm = reserved_most_ppm(contract.discount_max_ppm);
    return (contract.kind != KIND_RESERVED ||
            prepay_measure(db, &contract, work->now, &work->view, err)) &&
           add_plans(db, &contract, work->now, &work->view, err);
}

bool flow_deposit_view(const struct flow *flow, const struct caller *caller, int64_t contract_id,
                       struct deposit_view *ret, bool *ret_has, struct error *err)
{
    struct view_work work = { .caller = caller,
                              .contract_id = contract_id,
                              .now = clock_now(flow->clock) };

    *ret_has = false;
    if (caller->instance_id != 0 && caller->instance_id != contract_id)
        return true;
    if (!store_read(flow->store, view_work, &work, err))
        return error_context(err, "the deposit of instance %lld", (long long)contract_id);
    *ret = work.view;
    *ret_has = work.has;
    return true;
}

static bool look_after(struct db *db, int64_t id, struct instant now, bool *ret_is_done,
                       struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row contract;
    struct change change;
    bool has;

    if (!change_begin_contract(&change, db, id, now, &arena, &contract, &has, err))
        return false;
    *ret_is_done = has && contract.kind == KIND_RESERVED;
    /* Posting says when to look again, or ends it. */
    return !*ret_is_done || (post_usage_of(&change, id, err) && change_end(&change, err));
}

bool flow_reservations(const struct flow *flow, size_t *ret_count, struct error *err)
{
    *ret_count = 0;
    if (!usage_is_settled(clock_now(flow->clock)))
        return true;
    static const struct due_job job = { .seeks = "deposits that are used up",
                                        .deed = "look after the deposit of contract",
                                        .find = reservation_due,
                                        .deal = look_after,
                                        .max = RESERVATIONS_DUE_MAX };

    return each_due(flow, &job, ret_count, err);
}
