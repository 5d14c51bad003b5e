/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pay_back.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/approval.h"
#include "flow/dispute.h"
#include "flow/funds.h"
#include "flow/limits.h"
#include "flow/notice.h"
#include "market/billing.h"
#include "market/payback.h"
#include "store/ledger.h"

enum { KEY_SIZE = 96, MEMBERS_MAX = 1024 };

static struct money money_of(int64_t cents)
{
    return (struct money){ cents * BILLING_CENT };
}

static bool post(const struct pay *pay, const struct journal *journal, int64_t user_id,
                 struct error *err)
{
    enum ledger_outcome outcome;

    if (!ledger_post(pay->db, journal, pay->now, &outcome, err))
        return false;
    if (outcome != LEDGER_POSTED)
        return error_set(err, ERROR_CORRUPT, "%s has been posted before", journal->key);
    return funds_set_t_zero(pay->db, user_id, pay->now, err) &&
           db_notify(pay->db, TOPIC_USER, user_id, err);
}

static bool tell(const struct pay *pay, enum notification kind, int64_t user_id, const char *key,
                 struct money amount, struct error *err)
{
    auto_buf struct buf body = buf_of(MEMBERS_MAX);
    struct encoder json = encoder_of(&body);
    char text[MONEY_TEXT_SIZE];

    encode_object(&json);
    encode_field_text(&json, "amount", money_format(amount, text));
    encode_end(&json);
    const struct notice_event event = { .user_id = user_id,
                                        .kind = kind,
                                        .template = notification_kind(kind)->slug,
                                        .key = key,
                                        .members = notice_members(&body) };
    return notice_tell(pay->db, &event, pay->now, err);
}

struct back_work {
    const struct flow *flow;
    const struct pay_back_request *request;
    struct instant now;
    enum pay_back_outcome outcome;
};

static bool seek_approval(const struct pay *pay, struct back_work *work, int64_t user_id,
                          struct error *err)
{
    char what[KEY_SIZE], body[32];
    enum approval_outcome outcome;
    struct approval_request request = { .body = body,
                                        .amount = work->request->amount,
                                        .operator_id = work->request->operator_id,
                                        .at = pay->now };

    (void)snprintf(what, sizeof what, "deposit:%" PRId64 ":%s", work->request->deposit_id,
                   work->request->ticket);
    (void)snprintf(body, sizeof body, "%" PRId64, work->request->amount.nanodollars);
    if (!pay_refund_since(pay->db, user_id, approval_day_before(pay->now), &request.lately, err) ||
        !approval_seek(pay->db, what, &request, &outcome, err))
        return false;
    if (outcome == APPROVAL_NOBODY)
        work->outcome = PAY_BACK_NOBODY;
    if (outcome == APPROVAL_ASKED || outcome == APPROVAL_WAITS)
        work->outcome = PAY_BACK_WAITS;
    return true;
}

/* Out of the credit, and into the outbox. */
static bool send(const struct pay *pay, const struct deposit_row *deposit,
                 const struct pay_refund_row *row, struct error *err)
{
    const struct payback refund = { row->id, row->user_id, row->amount, pay->now };
    const struct stripe_refund asked = { pay->flow->pay->installation, deposit->object_id, row->id,
                                         row->amount.nanodollars / BILLING_CENT };
    const struct pay_call call = { PAY_REFUND, row->id, 1, NULL };
    struct psp_call bytes = stripe_refund(&asked);
    struct journal journal;

    return pay_call_leave(pay->db, &call, &bytes, pay->now, err) &&
           payback_ask(&refund, &journal) == JOURNAL_BUILT &&
           post(pay, &journal, row->user_id, err);
}

static enum pay_back_outcome judge(const struct deposit_row *deposit, struct money amount,
                                   struct money before, struct money free)
{
    if (deposit->state != DEPOSIT_ARRIVED || strcmp(deposit->provider, "stripe") != 0)
        return PAY_BACK_NOT_PAID;
    if (amount.nanodollars > deposit->amount.nanodollars - before.nanodollars)
        return PAY_BACK_BAD_AMOUNT;
    return money_compare(amount, free) > 0 ? PAY_BACK_SPENT : PAY_BACK_DONE;
}

static bool refund_on(const struct pay *pay, struct back_work *work,
                      const struct deposit_row *deposit, struct error *err)
{
    struct pay_refund_row row = { .deposit_id = deposit->id,
                                  .user_id = deposit->user_id,
                                  .ticket = work->request->ticket,
                                  .amount = work->request->amount,
                                  .created = pay->now };
    struct renter_funds funds;
    struct money before;

    if (!ledger_load_funds(pay->db, deposit->user_id, &funds, err) ||
        !pay_refund_of_deposit(pay->db, deposit->id, &before, err))
        return false;
    work->outcome = judge(deposit, row.amount, before, funds.prepaid);
    if (work->outcome != PAY_BACK_DONE)
        return true;
    if (!seek_approval(pay, work, deposit->user_id, err) || work->outcome != PAY_BACK_DONE)
        return work->outcome != PAY_BACK_DONE;
    return pay_refund_insert(pay->db, &row, err) && send(pay, deposit, &row, err);
}

static bool back_work(struct db *db, void *context, struct error *err)
{
    struct back_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct pay pay = { db, work->flow, work->now, &arena };
    struct deposit_row deposit;
    bool has, is_used;

    work->outcome = PAY_BACK_NO_DEPOSIT;
    if (!deposit_load(db, work->request->deposit_id, &arena, &deposit, &has, err))
        return false;
    if (!has)
        return true;
    if (!user_lock(db, deposit.user_id, err) ||
        !pay_refund_used(db, work->request->ticket, &is_used, err))
        return false;
    work->outcome = PAY_BACK_BEFORE;
    return is_used || refund_on(&pay, work, &deposit, err);
}

bool flow_pay_back(const struct flow *flow, const struct pay_back_request *request,
                   enum pay_back_outcome *ret, struct error *err)
{
    struct back_work work = { flow, request, clock_now(flow->clock), PAY_BACK_OFF };
    size_t length = strlen(request->ticket);

    *ret = PAY_BACK_OFF;
    if (flow->pay == NULL)
        return true;
    *ret = PAY_BACK_BAD_TICKET;
    if (length == 0 || length > PAY_BACK_TICKET_MAX)
        return true;
    *ret = PAY_BACK_BAD_AMOUNT;
    if (request->amount.nanodollars <= 0 || request->amount.nanodollars % BILLING_CENT != 0)
        return true;
    if (!store_write(flow->store, back_work, &work, err))
        return error_context(err, "refund deposit %" PRId64, request->deposit_id);
    *ret = work.outcome;
    return true;
}

static bool end_refund(const struct pay *pay, struct pay_refund_row *row,
                       enum pay_refund_state state, const char *reason, struct error *err)
{
    const struct payback refund = { row->id, row->user_id, row->amount, pay->now };
    bool was_done = row->state == PAY_REFUND_DONE;
    struct renter_funds funds;
    struct journal journal;
    char key[KEY_SIZE];

    row->state = state;
    row->reason = reason;
    row->state_at = pay->now;
    (void)snprintf(key, sizeof key, "refund:%" PRId64, row->id);
    if (!pay_refund_update(pay->db, row, err))
        return false;
    if (state == PAY_REFUND_DONE)
        return payback_done(&refund, &journal) == JOURNAL_BUILT &&
               post(pay, &journal, row->user_id, err) &&
               tell(pay, NOTIFICATION_REFUNDED, row->user_id, key, row->amount, err);
    (void)snprintf(key, sizeof key, "refund:%" PRId64 ":failed", row->id);
    return ledger_load_funds(pay->db, row->user_id, &funds, err) &&
           payback_failed(&refund, was_done, &funds, &journal) == JOURNAL_BUILT &&
           post(pay, &journal, row->user_id, err) &&
           tell(pay, NOTIFICATION_REFUND_FAILED, row->user_id, key, row->amount, err);
}

/* The row, with its owner locked. */
static bool load_refund(const struct pay *pay, int64_t id, struct pay_refund_row *ret,
                        bool *ret_has, struct error *err)
{
    if (!pay_refund_load(pay->db, id, pay->arena, ret, ret_has, err) || !*ret_has)
        return !*ret_has;
    return user_lock(pay->db, ret->user_id, err) &&
           pay_refund_load(pay->db, id, pay->arena, ret, ret_has, err);
}

static bool refund_done(const struct pay *pay, struct pay_refund_row *row,
                        const struct stripe_object *refund, enum pay_effect *ret, struct error *err)
{
    const struct stripe_txn *txn = &refund->txns[0];
    char key[JOURNAL_KEY_SIZE];
    const struct provider_txn_row entry = { "stripe", txn->id, LEDGER_STRIPE, money_of(txn->cents),
                                            pay->now };
    bool is_known = false;

    *ret = txn->id[0] != '\0' ? PAY_DONE : PAY_LATER;
    if (*ret == PAY_LATER || row->state == PAY_REFUND_DONE || row->state == PAY_REFUND_FAILED)
        return true;
    if (!provider_txn_exists(pay->db, "stripe", txn->id, &is_known, err))
        return false;
    *ret = PAY_STRANGE;
    if (is_known || txn->cents != -refund->cents || txn->fee_cents != 0)
        return true;
    *ret = PAY_DONE;
    (void)snprintf(key, sizeof key, "ref:%" PRId64 ":done", row->id);
    return end_refund(pay, row, PAY_REFUND_DONE, "", err) &&
           provider_txn_insert(pay->db, &entry, key, err);
}

bool pay_back_refund(const struct pay *pay, const struct stripe_object *refund,
                     enum pay_effect *ret, struct error *err)
{
    struct pay_refund_row row;
    bool has;

    *ret = PAY_DONE;
    if (refund->ref == 0 || strcmp(refund->installation, pay->flow->pay->installation) != 0)
        return true; /* made by hand, at the provider: its entry waits in suspense */
    if (!load_refund(pay, refund->ref, &row, &has, err))
        return false;
    *ret = PAY_STRANGE;
    if (!has || refund->status == STRIPE_UNKNOWN ||
        money_compare(row.amount, money_of(refund->cents)) != 0 ||
        (row.object_id[0] != '\0' && strcmp(row.object_id, refund->id) != 0))
        return true;
    *ret = PAY_DONE;
    row.object_id = refund->id;
    if (refund->status == STRIPE_DONE)
        return refund_done(pay, &row, refund, ret, err);
    if (refund->status == STRIPE_FAILED || refund->status == STRIPE_ENDED)
        return row.state == PAY_REFUND_FAILED ||
               end_refund(pay, &row, PAY_REFUND_FAILED, refund->reason, err);
    if (row.state != PAY_REFUND_ASKED)
        return true;
    row.state = PAY_REFUND_SENT;
    row.state_at = pay->now;
    return pay_refund_update(pay->db, &row, err);
}

bool pay_back_refused(const struct pay *pay, int64_t refund_id, const char *reason,
                      struct error *err)
{
    struct pay_refund_row row;
    bool has;

    return load_refund(pay, refund_id, &row, &has, err) &&
           (!has || row.state != PAY_REFUND_ASKED ||
            end_refund(pay, &row, PAY_REFUND_FAILED, reason, err));
}

/* The network has taken the money: what there is of bought credit is frozen. */
static bool take(const struct pay *pay, struct dispute_row *row, const struct stripe_txn *txn,
                 struct error *err)
{
    const struct payback dispute = { row->id, row->user_id, row->amount, pay->now };
    const struct provider_txn_row entry = { "stripe", txn->id, LEDGER_STRIPE,
                                            money_of(txn->cents - txn->fee_cents), pay->now };
    struct renter_funds funds;
    struct journal journal;
    char key[KEY_SIZE];

    if (!ledger_load_funds(pay->db, row->user_id, &funds, err))
        return false;
    row->state = DISPUTE_TAKEN;
    row->frozen = money_compare(funds.prepaid, row->amount) < 0 ? funds.prepaid : row->amount;
    (void)snprintf(key, sizeof key, "dispute:%" PRId64, row->id);
    return payback_disputed(&dispute, money_of(txn->fee_cents), row->frozen, &journal) ==
               JOURNAL_BUILT &&
           post(pay, &journal, row->user_id, err) &&
           provider_txn_insert(pay->db, &entry, journal.key, err) &&
           dispute_update(pay->db, row, err) &&
           tell(pay, NOTIFICATION_DISPUTED, row->user_id, key, row->amount, err);
}

static bool end_dispute(const struct pay *pay, struct dispute_row *row, enum dispute_state state,
                        const struct stripe_txn *txn, struct error *err)
{
    const struct payback dispute = { row->id, row->user_id, row->amount, pay->now };
    const struct provider_txn_row entry = { "stripe", txn->id, LEDGER_STRIPE, money_of(txn->cents),
                                            pay->now };
    bool is_won = state == DISPUTE_WON;
    struct renter_funds funds;
    struct journal journal;
    char key[KEY_SIZE];

    if (!ledger_load_funds(pay->db, row->user_id, &funds, err))
        return false;
    (void)snprintf(key, sizeof key, "dispute:%" PRId64 ":%s", row->id, is_won ? "won" : "lost");
    enum journal_outcome built = is_won ? payback_won(&dispute, row->frozen, &funds, &journal)
                                        : payback_lost(&dispute, row->frozen, &funds, &journal);
    row->state = state;
    return built == JOURNAL_BUILT && post(pay, &journal, row->user_id, err) &&
           (!is_won || provider_txn_insert(pay->db, &entry, journal.key, err)) &&
           dispute_update(pay->db, row, err) && dispute_ended(pay, row, err) &&
           tell(pay, is_won ? NOTIFICATION_DISPUTE_WON : NOTIFICATION_DISPUTE_LOST, row->user_id,
                key, row->amount, err);
}

/* As far as it has come since it was last looked at. */
static bool follow(const struct pay *pay, struct dispute_row *row,
                   const struct stripe_object *dispute, enum pay_effect *ret, struct error *err)
{
    const struct stripe_txn *out = &dispute->txns[0], *back = &dispute->txns[1];
    bool is_out_known = false, is_back_known = false;

    if (out->id[0] == '\0' || row->state == DISPUTE_WON || row->state == DISPUTE_LOST)
        return true;
    if (!provider_txn_exists(pay->db, "stripe", out->id, &is_out_known, err) ||
        !provider_txn_exists(pay->db, "stripe", back->id, &is_back_known, err))
        return false;
    *ret = PAY_STRANGE;
    if (row->state == DISPUTE_SAID &&
        (is_out_known || out->cents != -dispute->cents || out->fee_cents < 0))
        return true;
    row->state_at = pay->now;
    *ret = PAY_DONE;
    if (row->state == DISPUTE_SAID && !take(pay, row, out, err))
        return false;
    if (dispute->status == STRIPE_FAILED)
        return end_dispute(pay, row, DISPUTE_LOST, back, err);
    if (dispute->status != STRIPE_DONE)
        return true;
    *ret = back->id[0] == '\0' ? PAY_LATER : PAY_STRANGE;
    if (back->id[0] == '\0' || is_back_known || back->cents != dispute->cents ||
        back->fee_cents != 0)
        return true;
    *ret = PAY_DONE;
    return end_dispute(pay, row, DISPUTE_WON, back, err);
}

bool pay_back_dispute(const struct pay *pay, const struct stripe_object *dispute,
                      enum pay_effect *ret, struct error *err)
{
    struct deposit_row deposit;
    struct dispute_row row = { .provider = "stripe",
                               .object_id = dispute->id,
                               .amount = money_of(dispute->cents),
                               .reason = dispute->reason,
                               .created = pay->now };
    bool has, is_known;

    /* A dispute carries no metadata of ours: its payment says whose it is. */
    *ret = PAY_DONE;
    if (!deposit_find(pay->db, "stripe", dispute->intent, pay->arena, &deposit, &has, err))
        return false;
    if (!has || dispute->cents <= 0)
        return true;
    if (!user_lock(pay->db, deposit.user_id, err) ||
        !dispute_find(pay->db, "stripe", dispute->id, pay->arena, &row, &is_known, err))
        return false;
    row.deposit_id = deposit.id;
    row.user_id = deposit.user_id;
    if (!is_known && !dispute_insert(pay->db, &row, err))
        return false;
    *ret = dispute->status == STRIPE_UNKNOWN ? PAY_STRANGE : PAY_DONE;
    return *ret == PAY_STRANGE ||
           (dispute_heard(pay, &row, dispute, err) && follow(pay, &row, dispute, ret, err));
}
