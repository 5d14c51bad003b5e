/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pay.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/autopay.h"
#include "flow/dispute.h"
#include "flow/limits.h"
#include "flow/pay_back.h"
#include "flow/pay_card.h"
#include "flow/pay_in.h"
#include "flow/pay_out.h"
#include "market/billing.h"
#include "store/ledger.h"

enum { FRESH_BYTES = 12, REASON_MAX = 200 };

struct pay_work {
    const struct flow *flow;
    struct instant now;
    const struct outbox_item *item;
    const struct stripe_object *object;
    const struct stripe_failure *failure;
    const char *customer, *account;
    size_t count;
    const struct pay_txn *txn;
    const struct psp_event_row *event;
    char *installation;
    const char *fresh;
    enum pay_effect effect;
    bool is_new;
};

static struct pay_work work_of(const struct flow *flow)
{
    return (struct pay_work){ .flow = flow, .now = clock_now(flow->clock) };
}

static struct pay pay_of(struct db *db, const struct pay_work *work, struct arena *arena)
{
    return (struct pay){ db, work->flow, work->now, arena };
}

static bool name_work(struct db *db, void *context, struct error *err)
{
    struct pay_work *work = context;

    return installation_name(db, work->fresh, work->installation, err);
}

bool flow_installation(struct store *store, char ret[static INSTALLATION_SIZE], struct error *err)
{
    char fresh[HEX_SIZE(FRESH_BYTES)];
    uint8_t random[FRESH_BYTES];
    struct pay_work work = { .installation = ret, .fresh = fresh };

    crypto_random(random, sizeof random);
    (void)hex_format(random, sizeof random, fresh);
    return store_write(store, name_work, &work, err) || error_context(err, "name the installation");
}

/* The page is there, and the user may go to it. */
static bool set_page(const struct pay *pay, int64_t deposit_id, const struct stripe_object *page,
                     struct error *err)
{
    struct deposit_row deposit;
    int64_t count;
    bool has;

    if (!deposit_load(pay->db, deposit_id, pay->arena, &deposit, &has, err))
        return false;
    if (!has || deposit.page[0] != '\0')
        return true;
    deposit.page = page->id;
    deposit.url = page->url;
    return deposit_update(pay->db, &deposit, &count, err) &&
           db_notify(pay->db, TOPIC_USER, deposit.user_id, err);
}

static bool take_answer(const struct pay *pay, const struct pay_call *call,
                        const struct stripe_object *object, enum pay_effect *ret, struct error *err)
{
    static const enum stripe_kind kinds[PAY_PURPOSE_COUNT] = {
        [PAY_CUSTOMER] = STRIPE_CUSTOMER,     [PAY_PAGE] = STRIPE_PAGE_OBJECT,
        [PAY_CARD_PAGE] = STRIPE_PAGE_OBJECT, [PAY_REFUND] = STRIPE_REFUND,
        [PAY_ACCOUNT] = STRIPE_ACCOUNT,       [PAY_LINK] = STRIPE_LINK,
        [PAY_TRANSFER] = STRIPE_TRANSFER,     [PAY_PAYOUT] = STRIPE_PAYOUT,
        [PAY_REVERSAL] = STRIPE_REVERSAL,     [PAY_CHARGE] = STRIPE_INTENT,
        [PAY_EVIDENCE] = STRIPE_DISPUTE,
    };

    *ret = object->kind == kinds[call->purpose] ? PAY_DONE : PAY_STRANGE;
    if (*ret == PAY_STRANGE)
        return true;
    switch (call->purpose) {
    case PAY_CUSTOMER:
        return user_lock(pay->db, call->ref, err) &&
               customer_set(pay->db, "stripe", call->ref, object->id, err) &&
               pay_in_send(pay, call->ref, err);
    case PAY_PAGE:
        return set_page(pay, call->ref, object, err);
    case PAY_CARD_PAGE:
        return card_page_set(pay->db, call->ref, CARD_PAGE_OPEN, object->id, object->url, err);
    case PAY_CHARGE:
        return pay_in_intent(pay, object, ret, err);
    case PAY_REFUND:
        return pay_back_refund(pay, object, ret, err);
    case PAY_ACCOUNT:
        return pay_out_account(pay, call->ref, object, ret, err);
    case PAY_LINK:
        return pay_out_linked(pay, call->ref, call->group, object->url, err);
    case PAY_TRANSFER:
        return pay_out_transfer(pay, object, ret, err);
    case PAY_PAYOUT:
        return pay_out_payout(pay, call->ref, call->account, object, ret, err);
    case PAY_REVERSAL:
        return pay_out_reversal(pay, call->ref, object, ret, err);
    case PAY_EVIDENCE:
        return dispute_taken(pay, call->ref, err) && pay_back_dispute(pay, object, ret, err);
    case PAY_BATCH: /* flow/pay_paypal.h */
    case PAY_PURPOSE_COUNT:
        break;
    }
    return true;
}

static bool answer_work(struct db *db, void *context, struct error *err)
{
    struct pay_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct pay pay = pay_of(db, work, &arena);
    struct pay_call call;

    work->effect = PAY_STRANGE;
    return !pay_call_read(work->item, &call) ||
           take_answer(&pay, &call, work->object, &work->effect, err);
}

bool flow_pay_answer(const struct flow *flow, const struct outbox_item *item,
                     const struct stripe_object *object, enum pay_effect *ret, struct error *err)
{
    struct pay_work work = work_of(flow);

    work.item = item;
    work.object = object;
    if (!store_write(flow->store, answer_work, &work, err))
        return error_context(err, "take the answer to %s", item->key);
    *ret = work.effect;
    return true;
}

/* Nobody will name the user to the provider: what waits for it comes to nothing. */
static bool fail_all(const struct pay *pay, int64_t user_id, const char *reason, struct error *err)
{
    struct deposit_row *deposits;
    size_t count;

    if (!deposit_unsent(pay->db, user_id, "stripe", pay->arena, &deposits, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!pay_in_fail(pay, deposits[i].id, DEPOSIT_FAILED, reason, err))
            return false;
    return true;
}

static bool refused_work(struct db *db, void *context, struct error *err)
{
    const struct pay_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct pay pay = pay_of(db, work, &arena);
    const struct stripe_failure *failure = work->failure;
    const char *reason = failure->decline_code[0] != '\0' ? failure->decline_code
                         : failure->code[0] != '\0'       ? failure->code
                                                          : failure->type;
    struct pay_call call;

    if (!pay_call_read(work->item, &call))
        return true;
    switch (call.purpose) {
    case PAY_CUSTOMER:
        return fail_all(&pay, call.ref, reason, err);
    case PAY_PAGE:
        return pay_in_fail(&pay, call.ref, DEPOSIT_FAILED, reason, err);
    case PAY_CARD_PAGE:
        return card_page_set(db, call.ref, CARD_PAGE_OVER, "", "", err);
    case PAY_CHARGE:
        return autopay_declined(&pay, call.ref, failure->intent, reason, failure->advice, err);
    case PAY_REFUND:
        return pay_back_refused(&pay, call.ref, reason, err);
    case PAY_TRANSFER:
    case PAY_PAYOUT:
    case PAY_REVERSAL:
        return pay_out_refused(&pay, &call, reason, err);
    case PAY_EVIDENCE:
        return dispute_refused(&pay, call.ref, reason, err);
    case PAY_ACCOUNT:
    case PAY_LINK: /* the host asks again */
    case PAY_BATCH:
    case PAY_PURPOSE_COUNT:
        break;
    }
    return true;
}

bool flow_pay_refused(const struct flow *flow, const struct outbox_item *item,
                      const struct stripe_failure *failure, struct error *err)
{
    struct pay_work work = work_of(flow);

    work.item = item;
    work.failure = failure;
    return store_write(flow->store, refused_work, &work, err) ||
           error_context(err, "take the refusal of %s", item->key);
}

static bool again_work(struct db *db, void *context, struct error *err)
{
    struct pay_work *work = context;
    struct psp_call bytes = { work->item->method, buf_of(STRIPE_PATH_MAX),
                              buf_of(STRIPE_EVIDENCE_BODY_MAX) };
    struct pay_call call;

    work->is_new = pay_call_read(work->item, &call) && call.group < PAY_GROUPS_MAX;
    if (!work->is_new)
        return true;
    call.group++;
    buf_append(&bytes.path, work->item->path, strlen(work->item->path));
    buf_append(&bytes.body, work->item->body, strlen(work->item->body));
    return pay_call_leave(db, &call, &bytes, work->now, err);
}

bool flow_pay_again(const struct flow *flow, const struct outbox_item *item, bool *ret_is_left,
                    struct error *err)
{
    struct pay_work work = work_of(flow);

    work.item = item;
    if (!store_write(flow->store, again_work, &work, err))
        return error_context(err, "make %s anew", item->key);
    *ret_is_left = work.is_new;
    return true;
}

static bool object_work(struct db *db, void *context, struct error *err)
{
    struct pay_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct pay pay = pay_of(db, work, &arena);

    work->effect = PAY_DONE;
    switch (work->object->kind) {
    case STRIPE_INTENT:
        return pay_in_intent(&pay, work->object, &work->effect, err);
    case STRIPE_PAGE_OBJECT:
        return pay_in_page(&pay, work->object, &work->effect, err);
    case STRIPE_REFUND:
        return pay_back_refund(&pay, work->object, &work->effect, err);
    case STRIPE_ACCOUNT:
        return pay_out_account(&pay, work->object->ref, work->object, &work->effect, err);
    case STRIPE_TRANSFER:
        return pay_out_transfer(&pay, work->object, &work->effect, err);
    case STRIPE_PAYOUT:
        return pay_out_payout(&pay, 0, work->account, work->object, &work->effect, err);
    case STRIPE_DISPUTE:
        return pay_back_dispute(&pay, work->object, &work->effect, err);
    case STRIPE_OTHER:
    case STRIPE_CUSTOMER:
    case STRIPE_SETUP:
    case STRIPE_CARD:
    case STRIPE_LINK:
    case STRIPE_REVERSAL:
        break;
    }
    return true;
}

bool flow_pay_object(const struct flow *flow, const struct stripe_object *object,
                     const char *account, enum pay_effect *ret, struct error *err)
{
    struct pay_work work = work_of(flow);

    work.account = account;
    work.object = object;
    if (!store_write(flow->store, object_work, &work, err))
        return error_context(err, "take %s", object->id);
    *ret = work.effect;
    return true;
}

static bool cards_work(struct db *db, void *context, struct error *err)
{
    const struct pay_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct pay pay = pay_of(db, work, &arena);

    return pay_card_take(&pay, work->customer, work->object, work->count, err);
}

bool flow_pay_cards(const struct flow *flow, const char *customer,
                    const struct stripe_object *cards, size_t count, struct error *err)
{
    struct pay_work work = work_of(flow);

    work.customer = customer;
    work.object = cards;
    work.count = count;
    return store_write(flow->store, cards_work, &work, err) ||
           error_context(err, "take the cards of %s", customer);
}

/* What the provider charges us by itself is known for what it is, and so is what it sends to our
 * bank; the rest waits in suspense. */
static enum ledger_code other_side(const char *type)
{
    if (strcmp(type, "stripe_fee") == 0)
        return LEDGER_PROVIDER_FEES;
    if (strcmp(type, "payout") == 0 || strcmp(type, "payout_cancel") == 0 ||
        strcmp(type, "payout_failure") == 0 || strcmp(type, "topup") == 0)
        return LEDGER_BANK;
    return LEDGER_SUSPENSE;
}

static bool post_txn(struct db *db, const struct pay_work *work, struct error *err)
{
    const struct pay_txn *txn = work->txn;
    struct ledger_key ours = { .code = LEDGER_STRIPE }, fees = { .code = LEDGER_PROVIDER_FEES };
    struct ledger_key other = { .code = other_side(txn->type) };
    int64_t cents = txn->cents > 0 ? txn->cents : -txn->cents;
    int64_t fee = txn->fee_cents > 0 ? txn->fee_cents : -txn->fee_cents;
    char key[JOURNAL_KEY_SIZE];
    const struct leg legs[] = {
        { txn->cents > 0 ? ours : other,
          txn->cents > 0 ? other : ours,
          { cents * BILLING_CENT },
          LEG_TRANSFER },
        { txn->fee_cents > 0 ? fees : ours,
          txn->fee_cents > 0 ? ours : fees,
          { fee * BILLING_CENT },
          LEG_PROVIDER_FEE },
    };
    const struct journal_moves moves = { key, JOURNAL_PROVIDER, JOURNAL_REF_USER,
                                         0,   work->now,        legs,
                                         2 };
    const struct provider_txn_row row = { "stripe",
                                          txn->id,
                                          LEDGER_STRIPE,
                                          { (txn->cents - txn->fee_cents) * BILLING_CENT },
                                          { txn->created_s * US_PER_SECOND } };
    struct journal journal;
    enum ledger_outcome outcome;

    (void)snprintf(key, sizeof key, "psp:stripe:%.64s", txn->id);
    if (journal_moves(&moves, &journal) != JOURNAL_BUILT || row.amount.nanodollars == 0)
        return true; /* nothing moved */
    return ledger_post(db, &journal, work->now, &outcome, err) &&
           provider_txn_insert(db, &row, key, err);
}

static bool txn_work(struct db *db, void *context, struct error *err)
{
    struct pay_work *work = context;
    bool has;

    if (!provider_txn_exists(db, "stripe", work->txn->id, &has, err))
        return false;
    work->is_new = !has;
    return has || post_txn(db, work, err);
}

bool flow_pay_txn(const struct flow *flow, const struct pay_txn *txn, bool *ret_is_new,
                  struct error *err)
{
    struct pay_work work = work_of(flow);

    work.txn = txn;
    if (!store_write(flow->store, txn_work, &work, err))
        return error_context(err, "take the transaction %s", txn->id);
    *ret_is_new = work.is_new;
    return true;
}

static bool event_work(struct db *db, void *context, struct error *err)
{
    struct pay_work *work = context;

    /* Whoever waits for things to do at the provider has one more. */
    return psp_event_insert(db, work->event, work->now, &work->is_new, err) &&
           (!work->is_new || db_notify(db, TOPIC_OUTBOX, 0, err));
}

bool flow_pay_event(const struct flow *flow, const struct psp_event_row *event, bool *ret_is_new,
                    struct error *err)
{
    struct pay_work work = work_of(flow);

    work.event = event;
    if (!store_write(flow->store, event_work, &work, err))
        return false;
    *ret_is_new = work.is_new;
    return true;
}

static bool sweep_work(struct db *db, void *context, struct error *err)
{
    (void)context;
    return setting_set_time(db, PAY_SWEPT, (struct instant){ 0 }, err) &&
           db_notify(db, TOPIC_OUTBOX, 0, err);
}

bool flow_pay_sweep(const struct flow *flow, struct error *err)
{
    return store_write(flow->store, sweep_work, NULL, err) ||
           error_context(err, "ask for a look at everything");
}
