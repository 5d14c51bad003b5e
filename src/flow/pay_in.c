/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pay_in.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/autopay.h"
#include "flow/funds.h"
#include "flow/limits.h"
#include "flow/notice.h"
#include "market/billing.h"
#include "store/user.h"

enum { URL_MAX = 1024, MEMBERS_MAX = 1024, NAME_SIZE = 64 };

static struct money money_of(int64_t cents)
{
    return (struct money){ cents * BILLING_CENT };
}

/* The user's name at the provider, to be asked for. */
static bool send_customer(const struct pay *pay, const struct user_row *user, struct error *err)
{
    const struct stripe_customer customer = { pay->flow->pay->installation, user->email,
                                              user->fullname, user->id };
    struct psp_call bytes = stripe_customer(&customer);
    const struct pay_call call = { PAY_CUSTOMER, user->id, 1, NULL };

    return pay_call_renew(pay->db, &call, &bytes, pay->now, err);
}

static bool send_page(const struct pay *pay, const struct deposit_row *deposit,
                      const char *customer, struct error *err)
{
    const struct pay_settings *settings = pay->flow->pay;
    const char *url =
        arena_printf(pay->arena, "%s/billing/?deposit=%" PRId64, settings->site, deposit->id);

    if (url == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "an address that is too long");
    const struct stripe_page page = { settings->installation,
                                      customer,
                                      url,
                                      url,
                                      deposit->id,
                                      deposit->amount.nanodollars / BILLING_CENT };
    struct psp_call bytes = stripe_pay_page(&page);
    const struct pay_call call = { PAY_PAGE, deposit->id, 1, NULL };

    return pay_call_leave(pay->db, &call, &bytes, pay->now, err);
}

static bool send_card_page(const struct pay *pay, const struct card_page_row *waits,
                           const char *customer, struct error *err)
{
    const struct pay_settings *settings = pay->flow->pay;
    const char *url =
        arena_printf(pay->arena, "%s/billing/?card=%" PRId64, settings->site, waits->id);

    if (url == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "an address that is too long");
    const struct stripe_page page = { settings->installation, customer, url, url, waits->id, 0 };
    struct psp_call bytes = stripe_card_page(&page);
    const struct pay_call call = { PAY_CARD_PAGE, waits->id, 1, NULL };

    return pay_call_leave(pay->db, &call, &bytes, pay->now, err);
}

bool pay_in_send(const struct pay *pay, int64_t user_id, struct error *err)
{
    struct card_page_row waits;
    struct deposit_row *deposits;
    const char *customer;
    struct user_row user;
    size_t count;
    bool has, has_page;

    if (!user_load(pay->db, user_id, pay->arena, &user, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "there is no user %" PRId64, user_id);
    if (!customer_of(pay->db, "stripe", user_id, pay->arena, &customer, &has, err))
        return false;
    if (!has)
        return send_customer(pay, &user, err);
    if (!deposit_unsent(pay->db, user_id, "stripe", pay->arena, &deposits, &count, err) ||
        !card_page_newest(pay->db, user_id, (struct instant){ 0 }, pay->arena, &waits, &has_page,
                          err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!deposits[i].is_automatic && !send_page(pay, &deposits[i], customer, err))
            return false;
    return !has_page || waits.state != CARD_PAGE_MADE || send_card_page(pay, &waits, customer, err);
}

struct in_work {
    const struct flow *flow;
    const struct caller *caller;
    struct instant now;
    struct money amount;
    int64_t id;
    struct arena *arena;
    enum pay_in_outcome outcome;
    struct deposit_row deposit, *deposits;
    size_t count;
};

static bool make_work(struct db *db, void *context, struct error *err)
{
    struct in_work *work = context;
    const struct pay pay = { db, work->flow, work->now, work->arena };
    struct deposit_row wanted = { .user_id = work->caller->user_id,
                                  .provider = "stripe",
                                  .object_id = "",
                                  .amount = work->amount,
                                  .page = "",
                                  .url = "",
                                  .reason = "",
                                  .created = work->now };
    bool has;

    if (!user_lock_open(db, wanted.user_id, err) ||
        !deposit_open_page(db, &wanted, instant_add(work->now, -PAY_REUSE_SECONDS * US_PER_SECOND),
                           work->arena, &work->deposit, &has, err))
        return false;
    if (has)
        return true;
    if (!deposit_make(db, &wanted, err) || !pay_in_send(&pay, wanted.user_id, err))
        return false;
    work->deposit = wanted;
    return true;
}

bool flow_pay_in(const struct flow *flow, const struct caller *caller, struct money amount,
                 struct arena *arena, struct deposit_row *ret, enum pay_in_outcome *ret_outcome,
                 struct error *err)
{
    struct in_work work = { flow, caller, clock_now(flow->clock), amount, .arena = arena };

    *ret_outcome = PAY_IN_OFF;
    if (flow->pay == NULL || !flow->pay->has_stripe)
        return true;
    *ret_outcome = PAY_IN_BAD_AMOUNT;
    if (amount.nanodollars % BILLING_CENT != 0 || amount.nanodollars < PAY_CREDIT_MIN ||
        amount.nanodollars > PAY_CREDIT_MAX)
        return true;
    if (!store_write(flow->store, make_work, &work, err))
        return error_context(err, "make a deposit");
    *ret = work.deposit;
    *ret_outcome = PAY_IN_DONE;
    return true;
}

static bool show_work(struct db *db, void *context, struct error *err)
{
    struct in_work *work = context;
    bool has;

    if (!deposit_load(db, work->id, work->arena, &work->deposit, &has, err))
        return false;
    work->outcome =
        has && work->deposit.user_id == work->caller->user_id ? PAY_IN_DONE : PAY_IN_NONE;
    return true;
}

bool flow_pay_in_show(const struct flow *flow, const struct caller *caller, int64_t id,
                      struct arena *arena, struct deposit_row *ret,
                      enum pay_in_outcome *ret_outcome, struct error *err)
{
    struct in_work work = { .caller = caller, .id = id, .arena = arena };

    if (!store_read(flow->store, show_work, &work, err))
        return error_context(err, "show a deposit");
    *ret = work.deposit;
    *ret_outcome = work.outcome;
    return true;
}

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct in_work *work = context;

    return deposit_list(db, work->caller->user_id, PAY_DEPOSITS_MAX, work->arena, &work->deposits,
                        &work->count, err);
}

bool flow_pay_in_list(const struct flow *flow, const struct caller *caller, struct arena *arena,
                      struct deposit_row **ret, size_t *ret_count, struct error *err)
{
    struct in_work work = { .caller = caller, .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list deposits");
    *ret = work.deposits;
    *ret_count = work.count;
    return true;
}

/* The receipt, or why there is none. */
/* A card whose bank wants its owner to be there: they are told where they can be. */
static const char *template_for(const struct deposit_row *deposit, enum notification kind)
{
    return deposit->state == DEPOSIT_FAILED && deposit->is_automatic &&
                   strcmp(deposit->reason, "authentication_required") == 0
               ? "payment_asks"
               : notification_kind(kind)->slug;
}

static bool tell(const struct pay *pay, const struct deposit_row *deposit, struct error *err)
{
    bool has_arrived = deposit->state == DEPOSIT_ARRIVED;
    int64_t paid = deposit->amount.nanodollars;
    struct money least = { paid > PAY_CREDIT_MIN ? paid : PAY_CREDIT_MIN };
    enum notification kind = has_arrived ? NOTIFICATION_PAYMENT : NOTIFICATION_PAYMENT_FAILED;
    auto_buf struct buf body = buf_of(MEMBERS_MAX);
    struct encoder json = encoder_of(&body);
    char amount[MONEY_TEXT_SIZE], key[NAME_SIZE];

    encode_object(&json);
    encode_field_int(&json, "deposit", deposit->id);
    encode_field_text(&json, "amount", money_format(deposit->amount, amount));
    encode_field_text(&json, "reason", deposit->reason);
    encode_field_text(&json, "detail", money_format(least, amount));
    encode_end(&json);
    (void)snprintf(key, sizeof key, "deposit:%" PRId64 ":%s", deposit->id,
                   has_arrived ? "paid" : "failed");
    const struct notice_event event = { .user_id = deposit->user_id,
                                        .kind = kind,
                                        .template = template_for(deposit, kind),
                                        .key = key,
                                        .members = notice_members(&body) };
    return notice_tell(pay->db, &event, pay->now, err) &&
           db_notify(pay->db, TOPIC_USER, deposit->user_id, err);
}

/* The money is at the provider, less what it keeps. If the nightly look was there first, it lies in
 * suspense. */
static bool post(const struct pay *pay, const struct deposit_row *deposit,
                 const struct stripe_object *intent, struct error *err)
{
    const struct stripe_txn *txn = &intent->txns[0];
    char key[JOURNAL_KEY_SIZE];
    struct journal_credit credit = { .key = key,
                                     .renter_id = deposit->user_id,
                                     .ref_id = deposit->id,
                                     .ref_kind = JOURNAL_REF_DEPOSIT,
                                     .occurred = pay->now,
                                     .amount = deposit->amount,
                                     .from = LEDGER_STRIPE,
                                     .fee = money_of(txn->fee_cents) };
    const struct provider_txn_row row = { "stripe", txn->id, LEDGER_STRIPE,
                                          money_of(txn->cents - txn->fee_cents), pay->now };
    bool is_swept;

    (void)snprintf(key, sizeof key, "dep:%" PRId64, deposit->id);
    if (!provider_txn_exists(pay->db, "stripe", txn->id, &is_swept, err))
        return false;
    if (is_swept) {
        credit.from = LEDGER_SUSPENSE;
        credit.fee = (struct money){ 0 };
    }
    return funds_paid(pay->db, &credit, err) &&
           (is_swept || provider_txn_insert(pay->db, &row, key, err));
}

static bool arrive(const struct pay *pay, struct deposit_row *deposit,
                   const struct stripe_object *intent, enum pay_effect *ret, struct error *err)
{
    const struct stripe_txn *txn = &intent->txns[0];
    int64_t count;

    *ret = PAY_LATER;
    if (!intent->is_expanded)
        return true;
    *ret = PAY_STRANGE;
    if (deposit->state == DEPOSIT_ARRIVED && strcmp(deposit->object_id, intent->id) != 0)
        return true;
    *ret = PAY_DONE;
    if (deposit->state == DEPOSIT_ARRIVED)
        return true;
    *ret = PAY_STRANGE;
    if (money_compare(deposit->amount, money_of(intent->cents)) != 0 ||
        txn->cents != intent->cents || txn->fee_cents < 0 || txn->fee_cents >= txn->cents)
        return true;
    *ret = PAY_DONE;
    deposit->state = DEPOSIT_ARRIVED;
    deposit->object_id = intent->id;
    deposit->reason = "";
    deposit->settled = pay->now;
    if (!deposit_update(pay->db, deposit, &count, err))
        return false;
    return count == 1 ? deposit_number(pay->db, deposit->id, pay->now, err) &&
                            post(pay, deposit, intent, err) && tell(pay, deposit, err) &&
                            autopay_renew(pay, deposit->user_id, err)
                      : error_set(err, ERROR_CONFLICT, "a deposit arrived meanwhile");
}

static bool end(const struct pay *pay, struct deposit_row *deposit, enum deposit_state state,
                const char *reason, struct error *err)
{
    int64_t count;

    if (deposit->state != DEPOSIT_MADE && deposit->state != DEPOSIT_ON_ITS_WAY)
        return true;
    deposit->state = state;
    deposit->reason = reason;
    deposit->settled = pay->now;
    return deposit_update(pay->db, deposit, &count, err) &&
           (state != DEPOSIT_FAILED || tell(pay, deposit, err));
}

/* The deposit that an object is of, with its owner locked; NULL in `*ret_has` false. */
static bool load(const struct pay *pay, int64_t id, struct deposit_row *ret, bool *ret_has,
                 struct error *err)
{
    if (!deposit_load(pay->db, id, pay->arena, ret, ret_has, err))
        return false;
    if (!*ret_has || strcmp(ret->provider, "stripe") != 0) {
        *ret_has = false;
        return true;
    }
    return user_lock(pay->db, ret->user_id, err) &&
           deposit_load(pay->db, id, pay->arena, ret, ret_has, err);
}

bool pay_in_intent(const struct pay *pay, const struct stripe_object *intent, enum pay_effect *ret,
                   struct error *err)
{
    struct deposit_row deposit;
    bool has;

    *ret = PAY_DONE;
    if (intent->ref == 0 || strcmp(intent->installation, pay->flow->pay->installation) != 0)
        return true;
    if (!load(pay, intent->ref, &deposit, &has, err))
        return false;
    *ret = has && intent->status != STRIPE_UNKNOWN ? PAY_DONE : PAY_STRANGE;
    if (*ret == PAY_STRANGE)
        return true;
    switch (intent->status) {
    case STRIPE_DONE:
        return arrive(pay, &deposit, intent, ret, err);
    case STRIPE_ENDED:
        return end(pay, &deposit, DEPOSIT_CANCELLED, intent->reason, err);
    case STRIPE_FAILED:
        /* On a page somebody tries again, or another card. */
        return autopay_declined(pay, deposit.id, intent->id, intent->reason, "", err);
    case STRIPE_ASKS:
        return autopay_declined(pay, deposit.id, intent->id, "authentication_required", "", err);
    case STRIPE_WAITS:
    case STRIPE_UNKNOWN:
        return true;
    }
    return true;
}

bool pay_in_page(const struct pay *pay, const struct stripe_object *page, enum pay_effect *ret,
                 struct error *err)
{
    struct deposit_row deposit;
    bool has;

    *ret = PAY_DONE;
    if (page->ref == 0 || strcmp(page->installation, pay->flow->pay->installation) != 0)
        return true;
    if (page->is_setup)
        return page->status != STRIPE_ENDED ||
               card_page_set(pay->db, page->ref, CARD_PAGE_OVER, "", "", err);
    if (!load(pay, page->ref, &deposit, &has, err))
        return false;
    *ret = has && page->status != STRIPE_UNKNOWN ? PAY_DONE : PAY_STRANGE;
    if (*ret == PAY_STRANGE || page->status != STRIPE_ENDED)
        return true;
    return end(pay, &deposit, DEPOSIT_CANCELLED, "expired", err);
}

bool pay_in_fail(const struct pay *pay, int64_t deposit_id, enum deposit_state state,
                 const char *reason, struct error *err)
{
    struct deposit_row deposit;
    bool has;

    return load(pay, deposit_id, &deposit, &has, err) &&
           (!has || end(pay, &deposit, state, reason, err));
}

bool pay_in_fail_as(const struct pay *pay, int64_t deposit_id, const char *intent,
                    const char *reason, struct error *err)
{
    struct deposit_row deposit;
    bool has;

    if (!load(pay, deposit_id, &deposit, &has, err))
        return false;
    if (has && intent[0] != '\0')
        deposit.object_id = intent;
    return !has || end(pay, &deposit, DEPOSIT_FAILED, reason, err);
}
