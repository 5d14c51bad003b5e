/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pay_out_move.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/notice.h"
#include "flow/provider.h"
#include "market/billing.h"
#include "store/ledger.h"
#include "store/user.h"

enum { KEY_SIZE = 64, MEMBERS_MAX = 1024 };

static int64_t cents_of(const struct payout_row *payout)
{
    return payout->amount.nanodollars / BILLING_CENT;
}

static bool post(const struct pay *pay, const struct journal *journal, struct error *err)
{
    enum ledger_outcome outcome;

    return ledger_post(pay->db, journal, pay->now, &outcome, err) &&
           (outcome == LEDGER_POSTED ||
            error_set(err, ERROR_CORRUPT, "%s has been posted before", journal->key));
}

/* Nobody asks again for what was sent by hand: it is owed at once. */
static const char *template_of(const struct payout_row *payout, enum notification kind)
{
    bool is_back =
        kind == NOTIFICATION_PAYOUT_FAILED && pay_provider_named(payout->provider)->is_by_hand;

    return is_back ? "payout_back" : notification_kind(kind)->slug;
}

bool pay_out_tell(const struct pay *pay, const struct payout_row *payout, enum notification kind,
                  struct error *err)
{
    auto_buf struct buf body = buf_of(MEMBERS_MAX);
    struct encoder json = encoder_of(&body);
    char amount[MONEY_TEXT_SIZE], key[KEY_SIZE];

    encode_object(&json);
    encode_field_text(&json, "amount", money_format(payout->amount, amount));
    encode_field_text(&json, "reason", payout->reason);
    encode_end(&json);
    /* The same twice over is said once in each state. */
    (void)snprintf(key, sizeof key, "payout:%" PRId64 ":%d:%d", payout->id, (int)kind,
                   (int)payout->state);
    const struct notice_event event = { .user_id = payout->host_id,
                                        .kind = kind,
                                        .template = template_of(payout, kind),
                                        .key = key,
                                        .members = notice_members(&body) };
    return notice_tell(pay->db, &event, pay->now, err);
}

bool pay_out_go(const struct pay *pay, struct payout_row *payout, const struct pay_out_step *step,
                struct error *err)
{
    const struct payout_move move = { payout->id, payout->host_id, payout->amount,
                                      step->from, pay->now,        step->fee };
    enum payout_state before = payout->state;
    struct journal journal;

    if (payout_go(&move, before, step->to, &journal) == JOURNAL_BUILT && !post(pay, &journal, err))
        return false;
    payout->state = step->to;
    payout->state_at = pay->now;
    return payout_update(pay->db, payout, before, err) &&
           db_notify(pay->db, TOPIC_USER, payout->host_id, err);
}

/* From the host's account at the provider. */
static bool go(const struct pay *pay, struct payout_row *payout, enum payout_state to,
               struct error *err)
{
    const struct pay_out_step step = { to, LEDGER_STRIPE_CONNECTED, { 0 } };

    return pay_out_go(pay, payout, &step, err);
}

/* The house's money to the host's account, or back; and the entry of our balance. */
static bool move_house(const struct pay *pay, const struct payout_row *payout, bool is_back,
                       const struct stripe_txn *txn, struct error *err)
{
    struct ledger_key ours = { .code = LEDGER_STRIPE };
    struct ledger_key theirs = { LEDGER_STRIPE_CONNECTED, payout->host_id, 0 };
    char key[JOURNAL_KEY_SIZE];
    const struct leg leg = { is_back ? ours : theirs, is_back ? theirs : ours, payout->amount,
                             LEG_TRANSFER };
    const struct journal_moves moves = { key,        JOURNAL_PAYOUT, JOURNAL_REF_PAYOUT,
                                         payout->id, pay->now,       &leg,
                                         1 };
    const struct provider_txn_row row = {
        "stripe", txn->id, LEDGER_STRIPE, { txn->cents * BILLING_CENT }, pay->now
    };
    struct journal journal;

    (void)snprintf(key, sizeof key, "po:%" PRId64 ":%s", payout->id,
                   is_back ? "moved_back" : "moved");
    return journal_moves(&moves, &journal) == JOURNAL_BUILT && post(pay, &journal, err) &&
           provider_txn_insert(pay->db, &row, key, err);
}

bool pay_out_start_transfer(const struct pay *pay, const struct payout_row *payout,
                            const struct payout_method_row *method, struct error *err)
{
    char date[BILLING_DATE_SIZE], group[KEY_SIZE];

    (void)snprintf(group, sizeof group, "payrun_%s",
                   billing_date_format(billing_day(instant_add(payout->cut, 1)), date));
    const struct payout_route_row route = { payout->id, method->account, "", "", 0, { 0 }, 0 };
    const struct stripe_transfer transfer = { pay->flow->pay->installation, method->account, group,
                                              payout->id, cents_of(payout) };
    const struct pay_call call = { PAY_TRANSFER, payout->id, 1, NULL };
    struct psp_call bytes = stripe_transfer(&transfer);

    return pay_call_leave(pay->db, &call, &bytes,
                          instant_max(pay->now, instant_add(payout->cut, PAY_OUT_SUBMIT_US)),
                          err) &&
           payout_route_put(pay->db, &route, err);
}

bool pay_out_load(const struct pay *pay, int64_t id, struct payout_row *ret,
                  struct payout_route_row *ret_route, bool *ret_has, struct error *err)
{
    bool has_route;

    if (!payout_load(pay->db, id, pay->arena, ret, ret_has, err) || !*ret_has)
        return !*ret_has;
    if (!user_lock(pay->db, ret->host_id, err) ||
        !payout_load(pay->db, id, pay->arena, ret, ret_has, err) ||
        !payout_route_load(pay->db, id, pay->arena, ret_route, &has_route, err))
        return false;
    *ret_has = *ret_has && has_route;
    return true;
}

/* On to the bank: try number `route->tries` + 1. */
static bool send_payout(const struct pay *pay, const struct payout_row *payout,
                        struct payout_route_row *route, struct instant when, struct error *err)
{
    struct psp_call bytes = stripe_payout(cents_of(payout));

    route->tries++;
    const struct pay_call call = { PAY_PAYOUT, payout->id, route->tries, route->account };
    return pay_call_leave(pay->db, &call, &bytes, when, err) &&
           payout_route_put(pay->db, route, err);
}

bool pay_out_transfer(const struct pay *pay, const struct stripe_object *transfer,
                      enum pay_effect *ret, struct error *err)
{
    const struct stripe_txn *txn = &transfer->txns[0];
    struct payout_route_row route;
    struct payout_row payout;
    bool has, is_swept;

    *ret = PAY_DONE;
    if (transfer->ref == 0 || strcmp(transfer->installation, pay->flow->pay->installation) != 0)
        return true;
    if (!pay_out_load(pay, transfer->ref, &payout, &route, &has, err))
        return false;
    *ret = !has ? PAY_STRANGE : txn->id[0] == '\0' ? PAY_LATER : PAY_DONE;
    if (*ret != PAY_DONE || strcmp(route.transfer, transfer->id) == 0)
        return true;
    if (!provider_txn_exists(pay->db, "stripe", txn->id, &is_swept, err))
        return false;
    *ret = PAY_STRANGE;
    if (is_swept || route.transfer[0] != '\0' || payout.state != PAYOUT_CREATED ||
        transfer->cents != cents_of(&payout) || txn->cents != -transfer->cents)
        return true;
    *ret = PAY_DONE;
    route.transfer = transfer->id;
    payout.reference = transfer->id;
    payout.reason = "";
    return move_house(pay, &payout, false, txn, err) && go(pay, &payout, PAYOUT_SUBMITTED, err) &&
           send_payout(pay, &payout, &route, pay->now, err);
}

/* Take it back: the bank has not taken it for two weeks, or took it and gave it back. */
static bool reverse(const struct pay *pay, const struct payout_row *payout,
                    const struct payout_route_row *route, struct error *err)
{
    const struct pay_call call = { PAY_REVERSAL, payout->id, 1, NULL };
    struct psp_call bytes = stripe_reversal(route->transfer, cents_of(payout));

    return pay_call_leave(pay->db, &call, &bytes, pay->now, err);
}

/* The bank did not take it: tomorrow again, since the host may mend what is wrong. */
static bool refused_by_bank(const struct pay *pay, struct payout_row *payout,
                            struct payout_route_row *route, const char *reason, struct error *err)
{
    if (route->failed.microseconds == 0)
        route->failed = pay->now;
    bool is_over = instant_until(route->failed, pay->now) >= PAY_OUT_GIVE_UP_US;
    bool is_first = payout->reason[0] == '\0';

    payout->reason = reason[0] != '\0' ? reason : "refused";
    if (!payout_update(pay->db, payout, payout->state, err) ||
        (is_first && !pay_out_tell(pay, payout, NOTIFICATION_PAYOUT_FAILED, err)))
        return false;
    return is_over ? payout_route_put(pay->db, route, err) && reverse(pay, payout, route, err)
                   : send_payout(pay, payout, route, instant_add(pay->now, PAY_OUT_RETRY_US), err);
}

static bool follow(const struct pay *pay, struct payout_row *payout, struct payout_route_row *route,
                   const struct stripe_object *object, struct error *err)
{
    bool is_over = !payout_is_open(payout->state);

    if (object->status == STRIPE_DONE && !is_over) {
        payout->reason = "";
        return go(pay, payout, PAYOUT_PAID, err) &&
               pay_out_tell(pay, payout, NOTIFICATION_PAYOUT_PAID, err);
    }
    if (object->status == STRIPE_FAILED && payout->state == PAYOUT_PAID) {
        payout->reason = object->reason;
        return go(pay, payout, PAYOUT_RETURNED, err) &&
               pay_out_tell(pay, payout, NOTIFICATION_PAYOUT_FAILED, err) &&
               reverse(pay, payout, route, err);
    }
    if (object->status != STRIPE_FAILED || is_over)
        return true;
    /* This try is over: its name says nothing about the next. */
    route->object_id = "";
    return refused_by_bank(pay, payout, route, object->reason, err);
}

bool pay_out_payout(const struct pay *pay, int64_t payout_id, const char *account,
                    const struct stripe_object *object, enum pay_effect *ret, struct error *err)
{
    struct payout_route_row route;
    struct payout_row payout;
    bool has;

    *ret = PAY_DONE;
    if (payout_id == 0) {
        if (!payout_route_find(pay->db, account, object->id, pay->arena, &route, &has, err))
            return false;
        if (!has)
            return true; /* of a try that is over, or not one of ours */
        payout_id = route.payout_id;
    }
    if (!pay_out_load(pay, payout_id, &payout, &route, &has, err))
        return false;
    *ret = PAY_STRANGE;
    if (!has || object->status == STRIPE_UNKNOWN || object->cents != cents_of(&payout))
        return true;
    *ret = PAY_DONE;
    if (route.object_id[0] != '\0' && strcmp(route.object_id, object->id) != 0)
        return true;
    if (payout.state == PAYOUT_SUBMITTED) {
        payout.reference = object->id;
        if (!go(pay, &payout, PAYOUT_IN_TRANSIT, err))
            return false;
    }
    route.object_id = object->id;
    return payout_route_put(pay->db, &route, err) && follow(pay, &payout, &route, object, err);
}

bool pay_out_reversal(const struct pay *pay, int64_t payout_id,
                      const struct stripe_object *reversal, enum pay_effect *ret, struct error *err)
{
    const struct stripe_txn *txn = &reversal->txns[0];
    struct payout_route_row route;
    struct payout_row payout;
    bool has, is_known;

    if (!pay_out_load(pay, payout_id, &payout, &route, &has, err) ||
        !provider_txn_exists(pay->db, "stripe", txn->id, &is_known, err))
        return false;
    *ret = has && txn->id[0] != '\0' && txn->cents == cents_of(&payout) ? PAY_DONE : PAY_STRANGE;
    if (*ret == PAY_STRANGE || is_known)
        return true;
    return (!payout_is_open(payout.state) || go(pay, &payout, PAYOUT_FAILED, err)) &&
           move_house(pay, &payout, true, txn, err);
}

/* Another key for the same bytes, later: what was refused for good is done with. */
static bool transfer_again(const struct pay *pay, const struct payout_row *payout,
                           const struct pay_call *call, const struct payout_route_row *route,
                           struct error *err)
{
    char date[BILLING_DATE_SIZE], group[KEY_SIZE];
    struct pay_call next = *call;

    (void)snprintf(group, sizeof group, "payrun_%s",
                   billing_date_format(billing_day(instant_add(payout->cut, 1)), date));
    const struct stripe_transfer transfer = { pay->flow->pay->installation, route->account, group,
                                              payout->id, cents_of(payout) };
    struct psp_call bytes = stripe_transfer(&transfer);

    next.group++;
    next.account = NULL;
    return pay_call_leave(pay->db, &next, &bytes, instant_add(pay->now, PAY_OUT_SHORT_US), err);
}

bool pay_out_refused(const struct pay *pay, const struct pay_call *call, const char *reason,
                     struct error *err)
{
    struct payout_route_row route;
    struct payout_row payout;
    bool has;

    if (!pay_out_load(pay, call->ref, &payout, &route, &has, err))
        return false;
    if (!has || !payout_is_open(payout.state))
        return true;
    if (call->purpose == PAY_PAYOUT)
        return call->group != route.tries || refused_by_bank(pay, &payout, &route, reason, err);
    if (call->purpose != PAY_TRANSFER || payout.state != PAYOUT_CREATED)
        return true; /* a reversal that is refused waits for a person */
    payout.reason = reason;
    if (strcmp(reason, "balance_insufficient") == 0)
        return payout_update(pay->db, &payout, payout.state, err) &&
               transfer_again(pay, &payout, call, &route, err);
    return go(pay, &payout, PAYOUT_FAILED, err) &&
           pay_out_tell(pay, &payout, NOTIFICATION_PAYOUT_FAILED, err);
}
