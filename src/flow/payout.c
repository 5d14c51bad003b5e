/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/payout.h"

#include <string.h>

#include "flow/limits.h"
#include "flow/pay_out_move.h"
#include "flow/provider.h"
#include "market/billing.h"
#include "store/ledger.h"
#include "store/user.h"

struct payout_work {
    const struct flow *flow;
    const struct payout_request *request;
    struct instant now;
    enum payout_outcome outcome;
    enum payout_state state;

    const struct payout_filter *filter;
    struct arena *arena;
    struct payout_row *payouts;
    size_t count;
};

static bool post_move(struct db *db, const struct payout_work *work,
                      const struct payout_row *payout, struct error *err)
{
    struct payout_move move = { .payout_id = payout->id,
                                .host_id = payout->host_id,
                                .amount = payout->amount,
                                .from = LEDGER_BANK,
                                .at = work->now };
    struct journal journal;
    enum ledger_outcome outcome;

    if (payout_go(&move, payout->state, work->request->to, &journal) != JOURNAL_BUILT)
        return true;
    if (!ledger_post(db, &journal, work->now, &outcome, err))
        return false;
    return outcome == LEDGER_POSTED ||
           error_set(err, ERROR_CORRUPT, "%s has been posted before", journal.key);
}

/* Its host hears that it arrived, or did not; on its way is what it knows. */
static bool tell(struct db *db, const struct payout_work *work, const struct payout_row *payout,
                 struct arena *arena, struct error *err)
{
    const struct pay pay = { db, work->flow, work->now, arena };

    return payout_is_open(payout->state) ||
           pay_out_tell(&pay, payout,
                        payout->state == PAYOUT_PAID ? NOTIFICATION_PAYOUT_PAID
                                                     : NOTIFICATION_PAYOUT_FAILED,
                        err);
}

static bool move_work(struct db *db, void *context, struct error *err)
{
    struct payout_work *work = context;
    const struct payout_request *request = work->request;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct payout_row payout;
    bool has;

    work->outcome = PAYOUT_NOT_FOUND;
    if (!payout_load(db, request->payout_id, &arena, &payout, &has, err))
        return false;
    if (!has)
        return true;
    enum payout_state before = payout.state;
    bool is_same =
        request->reference[0] == '\0' || strcmp(request->reference, payout.reference) == 0;
    work->state = before;
    work->outcome = before == request->to && is_same ? PAYOUT_WAS_DONE : PAYOUT_NO_WAY;
    /* What a provider sees to is moved by what it says (flow/pay_out.h). */
    if (!payout_may(before, request->to) || !pay_provider_named(payout.provider)->is_by_hand)
        return true;
    if (!user_lock(db, payout.host_id, err) || !post_move(db, work, &payout, err))
        return false;
    payout.state = request->to;
    payout.state_at = work->now;
    if (request->reference[0] != '\0')
        payout.reference = request->reference;
    payout.reason = request->reason;
    work->outcome = PAYOUT_DONE;
    work->state = payout.state;
    return payout_update(db, &payout, before, err) && tell(db, work, &payout, &arena, err) &&
           db_notify(db, TOPIC_USER, payout.host_id, err);
}

bool flow_payout_move(const struct flow *flow, const struct payout_request *request,
                      enum payout_outcome *ret, enum payout_state *ret_state, struct error *err)
{
    struct payout_work work = { .flow = flow, .request = request, .now = clock_now(flow->clock) };

    *ret = PAYOUT_TOO_LONG;
    if (strlen(request->reference) > PAYOUT_TEXT_MAX || strlen(request->reason) > PAYOUT_TEXT_MAX)
        return true;
    if (!store_write(flow->store, move_work, &work, err))
        return error_context(err, "move payout %lld", (long long)request->payout_id);
    *ret = work.outcome;
    *ret_state = work.state;
    return true;
}

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct payout_work *work = context;

    return payout_list(db, work->filter, work->arena, &work->payouts, &work->count, err);
}

bool flow_payout_list(const struct flow *flow, const struct payout_filter *filter,
                      struct arena *arena, struct payout_row **ret, size_t *ret_count,
                      struct error *err)
{
    struct payout_work work = { .filter = filter, .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list payouts");
    *ret = work.payouts;
    *ret_count = work.count;
    return true;
}

bool payout_is_late(const struct payout_row *payout, struct instant now)
{
    return payout_is_open(payout->state) &&
           instant_until(payout->cut, now) > BILLING_PAID_WITHIN_US;
}
