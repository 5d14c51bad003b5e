/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/autopay.h"

#include <inttypes.h>
#include <string.h>

#include "flow/funds.h"
#include "flow/limits.h"
#include "market/autopay.h"
#include "market/billing.h"
#include "store/ledger.h"
#include "store/user.h"

struct autopay_work {
    const struct flow *flow;
    const struct caller *caller;
    struct instant now;
    struct autopay_row row;
    bool keeps_topup; /* where it is on */
    int64_t user_id;
    int64_t ids[AUTOPAY_BATCH_MAX];
    size_t count;
};

static bool show_work(struct db *db, void *context, struct error *err)
{
    struct autopay_work *work = context;

    return autopay_load(db, work->caller->user_id, &work->row, err);
}

bool flow_autopay_show(const struct flow *flow, const struct caller *caller,
                       struct autopay_row *ret, struct error *err)
{
    struct autopay_work work = { .caller = caller };

    if (!store_read(flow->store, show_work, &work, err))
        return error_context(err, "show automatic payments");
    *ret = work.row;
    return true;
}

static struct money larger(struct money a, struct money b)
{
    return a.nanodollars > b.nanodollars ? a : b;
}

static bool set_work(struct db *db, void *context, struct error *err)
{
    struct autopay_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct autopay_row row;

    if (!user_lock_open(db, work->caller->user_id, err) ||
        !autopay_load(db, work->caller->user_id, &row, err))
        return false;
    if (!work->keeps_topup)
        row.topup = work->row.topup;
    else if (work->row.threshold.nanodollars == 0)
        row.topup = (struct money){ 0 };
    else if (row.topup.nanodollars == 0)
        row.topup = larger(work->row.threshold, (struct money){ PAY_CREDIT_MIN });
    row.threshold = work->row.threshold;
    row.tries = 0;
    row.next = work->now;
    return autopay_put(db, &row, err) && funds_tell_hosts(db, work->caller->user_id, &arena, err);
}

static bool is_setting(struct money amount)
{
    return amount.nanodollars >= 0 && amount.nanodollars <= AUTOPAY_SETTING_MAX &&
           amount.nanodollars % BILLING_CENT == 0;
}

bool flow_autopay_set(const struct flow *flow, const struct caller *caller, struct money threshold,
                      struct money topup, bool *ret_is_good, struct error *err)
{
    struct autopay_work work = { .caller = caller,
                                 .now = clock_now(flow->clock),
                                 .row = { .threshold = threshold, .topup = topup } };

    *ret_is_good = is_setting(threshold) && is_setting(topup) &&
                   (topup.nanodollars == 0 || topup.nanodollars >= PAY_CREDIT_MIN);
    return !*ret_is_good || store_write(flow->store, set_work, &work, err) ||
           error_context(err, "set automatic payments");
}

bool flow_autopay_below(const struct flow *flow, const struct caller *caller,
                        struct money threshold, bool *ret_is_good, struct error *err)
{
    struct autopay_work work = { .caller = caller,
                                 .now = clock_now(flow->clock),
                                 .row = { .threshold = threshold },
                                 .keeps_topup = true };

    *ret_is_good = is_setting(threshold);
    return !*ret_is_good || store_write(flow->store, set_work, &work, err) ||
           error_context(err, "set automatic payments");
}

/* Of several cards the newest. */
static bool newest_card(const struct pay *pay, int64_t user_id, const char **ret, bool *ret_has,
                        struct error *err)
{
    struct card_row *cards;
    size_t count;

    if (!card_list(pay->db, user_id, pay->arena, &cards, &count, err))
        return false;
    *ret_has = count > 0;
    *ret = count > 0 ? cards[count - 1].object_id : "";
    return true;
}

static bool charge(const struct pay *pay, int64_t user_id, struct money amount, struct error *err)
{
    struct deposit_row deposit = { .user_id = user_id,
                                   .provider = "stripe",
                                   .amount = amount,
                                   .is_automatic = true,
                                   .created = pay->now };
    const char *customer, *card;
    bool has_customer, has_card;

    if (!customer_of(pay->db, "stripe", user_id, pay->arena, &customer, &has_customer, err) ||
        !newest_card(pay, user_id, &card, &has_card, err))
        return false;
    if (!has_customer || !has_card)
        return true;
    if (!deposit_make(pay->db, &deposit, err))
        return false;
    const struct stripe_charge asked = {
        pay->flow->pay->installation,     customer, card, "Berth credit", deposit.id,
        amount.nanodollars / BILLING_CENT
    };
    const struct pay_call call = { PAY_CHARGE, deposit.id, 1, NULL };
    struct psp_call bytes = stripe_charge(&asked);

    return pay_call_leave(pay->db, &call, &bytes, pay->now, err);
}

static bool facts_of(const struct pay *pay, const struct autopay_row *row, struct autopay *ret,
                     struct error *err)
{
    struct renter_funds funds;
    struct credit credit;
    struct user_row user;
    struct instant first;
    bool has;

    *ret = (struct autopay){
        .threshold = row->threshold, .topup = row->topup, .debt_day = row->debt_day, .now = pay->now
    };
    if (!user_load(pay->db, row->user_id, pay->arena, &user, &has, err) ||
        !ledger_load_funds(pay->db, row->user_id, &funds, err) ||
        !funds_credit(pay->db, &user, pay->now, pay->arena, &credit, err) ||
        !autopay_history(pay->db, row->user_id, instant_add(pay->now, -BILLING_DAY_US),
                         &ret->lately, &first, err))
        return false;
    ret->debt = funds.receivable;
    ret->available = credit_available(&credit, pay->now);
    ret->has_history = instant_compare(first, INSTANT_NEVER) < 0 &&
                       instant_until(first, pay->now) >= AUTOPAY_HISTORY_US;
    return true;
}

static bool charge_work(struct db *db, void *context, struct error *err)
{
    const struct autopay_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct pay pay = { db, work->flow, work->now, &arena };
    struct autopay_row row;
    struct autopay facts;

    if (!user_lock(db, work->user_id, err) || !autopay_load(db, work->user_id, &row, err))
        return false;
    if (instant_compare(row.next, work->now) > 0)
        return true; /* another server was here */
    if (!facts_of(&pay, &row, &facts, err))
        return false;
    struct money amount = autopay_amount(&facts);
    /* Looked at again when something may have changed. */
    row.next = instant_add(work->now, AUTOPAY_LOOK_SECONDS * US_PER_SECOND);
    if (amount.nanodollars > 0 && facts.debt.nanodollars > 0)
        row.debt_day = autopay_day(work->now);
    return autopay_put(db, &row, err) &&
           (amount.nanodollars == 0 || charge(&pay, work->user_id, amount, err));
}

static bool find_work(struct db *db, void *context, struct error *err)
{
    struct autopay_work *work = context;

    return autopay_due(db, work->now, (struct money){ AUTOPAY_MIN }, work->ids, AUTOPAY_BATCH_MAX,
                       &work->count, err);
}

bool flow_autopay(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct autopay_work work = { .flow = flow, .now = clock_now(flow->clock) };

    *ret_count = 0;
    if (flow->pay == NULL || !flow->pay->has_stripe)
        return true;
    if (!store_read(flow->store, find_work, &work, err))
        return error_context(err, "look for cards to charge");
    for (size_t i = 0; i < work.count; i++) {
        work.user_id = work.ids[i];
        if (!store_write(flow->store, charge_work, &work, err))
            return error_context(err, "charge the card of user %" PRId64, work.user_id);
    }
    *ret_count = work.count;
    return true;
}

bool autopay_declined(const struct pay *pay, int64_t deposit_id, const char *intent,
                      const char *reason, const char *advice, struct error *err)
{
    struct deposit_row deposit;
    struct autopay_row row;
    bool has;

    if (!deposit_load(pay->db, deposit_id, pay->arena, &deposit, &has, err))
        return false;
    if (!has || !deposit.is_automatic || deposit.state != DEPOSIT_MADE)
        return true;
    if (!user_lock(pay->db, deposit.user_id, err) ||
        !autopay_load(pay->db, deposit.user_id, &row, err))
        return false;
    /* A card whose owner must be there is for a page, where they are. */
    bool is_final =
        strcmp(reason, "authentication_required") == 0 || stripe_decline_is_final(reason, advice);
    row.tries++;
    row.next = autopay_next(row.tries, is_final, pay->now);
    return autopay_put(pay->db, &row, err) &&
           funds_tell_hosts(pay->db, deposit.user_id, pay->arena, err) &&
           pay_in_fail_as(pay, deposit_id, intent, reason, err);
}

bool autopay_renew(const struct pay *pay, int64_t user_id, struct error *err)
{
    struct autopay_row row;

    if (!autopay_load(pay->db, user_id, &row, err))
        return false;
    if (row.tries == 0)
        return true;
    row.tries = 0;
    row.next = pay->now;
    return autopay_put(pay->db, &row, err);
}
