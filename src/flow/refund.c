/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/refund.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/approval.h"
#include "flow/limits.h"
#include "flow/post_usage.h"
#include "market/billing.h"
#include "market/refund.h"
#include "store/ledger.h"
#include "store/meters.h"
#include "store/refund.h"
#include "store/usage_line.h"
#include "store/user.h"

/* What goes back of one price. */
struct part {
    struct usage_rate rate;
    struct meter_charge back;
};

struct refund_work {
    const struct refund_request *request;
    struct instant now;
    struct refund_reply reply;

    /* Filled anew by every run of the transaction. */
    struct contract_row contract;
    struct meters meters;
    struct refund_event event;
    char key[JOURNAL_KEY_SIZE];
    struct part *parts;
    size_t part_count;
};

/* Renter and host by rising id, as everybody locks. */
static bool lock_both(struct db *db, int64_t a, int64_t b, struct error *err)
{
    return user_lock(db, a < b ? a : b, err) && user_lock(db, a < b ? b : a, err);
}

/* What was used at one price goes back through the meter. */
static bool take_back(struct refund_work *work, const struct usage_rate *rate, int64_t used,
                      struct error *err)
{
    struct meter *meter = &work->meters.of[work->request->component - 1];
    struct meter_charge *sum = &work->event.back, back;
    struct refund refund = { rate->rate, rate->quantity, used };

    if (refund_meter(meter, &refund, meter, &back) != REFUND_OK)
        return error_set(err, ERROR_CORRUPT, "lines of contract %" PRId64 " beyond its meter",
                         work->request->contract_id);
    work->parts[work->part_count++] = (struct part){ { rate->rate, rate->quantity, used }, back };
    sum->gross.nanodollars += back.gross.nanodollars;
    sum->host.nanodollars += back.host.nanodollars;
    sum->fee.nanodollars += back.fee.nanodollars;
    return true;
}

/* The evidence, a row for each price. */
static bool write_down(struct db *db, const struct refund_work *work, struct error *err)
{
    const struct refund_request *request = work->request;

    for (size_t i = 0; i < work->part_count; i++) {
        const struct part *part = &work->parts[i];
        char ticket[REFUND_TICKET_MAX + 24];
        struct refund_row row = { .ticket = ticket,
                                  .contract_id = request->contract_id,
                                  .component = request->component,
                                  .refund = { part->rate.rate, part->rate.quantity,
                                              part->rate.used },
                                  .gross = part->back.gross,
                                  .host = part->back.host,
                                  .at = work->now };

        (void)snprintf(ticket, sizeof ticket, "%s/%zu", request->ticket, i + 1);
        if (!refund_insert(db, &row, err))
            return false;
    }
    return true;
}

/* The dearest first, until so much is taken back. */
static bool take_all_back(struct db *db, struct refund_work *work, struct arena *arena,
                          bool *ret_is_enough, struct error *err)
{
    int64_t left = work->request->used;
    struct usage_rate *rates;
    size_t count;

    if (!usage_line_rates(db, work->request->contract_id, work->request->component, arena, &rates,
                          &count, err))
        return false;
    work->parts = arena_alloc(arena, count, sizeof *work->parts);
    if (work->parts == NULL)
        return error_set(err, ERROR_CORRUPT, "no room for so many prices");
    for (size_t i = 0; i < count && left > 0; i++) {
        int64_t used = rates[i].used < left ? rates[i].used : left;

        if (used > 0 && !take_back(work, &rates[i], used, err))
            return false;
        left -= used > 0 && left != INT64_MAX ? used : 0;
    }
    *ret_is_enough = left == 0 || (left == INT64_MAX && work->part_count > 0);
    return true;
}

/* What came out of the host's accrued earnings is spread over the prices, the dearest first. */
static bool add_lines(struct db *db, const struct refund_work *work, struct money accrued,
                      struct error *err)
{
    const struct contract_row *contract = &work->contract;

    for (size_t i = 0; i < work->part_count; i++) {
        const struct part *part = &work->parts[i];
        struct money share =
            money_compare(part->back.host, accrued) < 0 ? part->back.host : accrued;
        struct usage_line line = { .contract_id = contract->id,
                                   .owner_id = contract->owner_id,
                                   .host_id = contract->host_id,
                                   .machine_id = contract->machine_id,
                                   .day = billing_day(instant_add(work->now, 1)),
                                   .component = work->request->component,
                                   .kind = USAGE_REFUNDED,
                                   .rate = part->rate.rate,
                                   .quantity = part->rate.quantity,
                                   .used = part->rate.used,
                                   .gross = { -part->back.gross.nanodollars },
                                   .host = { -part->back.host.nanodollars },
                                   .accrued = { -share.nanodollars },
                                   .from = work->now,
                                   .until = work->now };

        accrued.nanodollars -= share.nanodollars;
        if (!usage_line_add(db, &line, err))
            return false;
    }
    return true;
}

static bool post(struct db *db, struct refund_work *work, struct error *err)
{
    struct renter_funds funds;
    struct journal journal;
    struct money accrued = { 0 };
    enum ledger_outcome outcome;
    int64_t week = billing_day(instant_add(billing_cut(work->now), 1));

    if (!ledger_load_funds(db, work->contract.owner_id, &funds, err) ||
        !refund_paid_bought(db, work->contract.id, work->request->component,
                            &work->event.paid_bought, err) ||
        !usage_line_accrued(db, work->contract.host_id, week, &work->event.pending, err))
        return false;
    if (refund_journal(&work->event, &funds, &journal, &accrued) == JOURNAL_BUILT) {
        if (!ledger_post(db, &journal, work->now, &outcome, err))
            return false;
        if (outcome != LEDGER_POSTED)
            return error_set(err, ERROR_CORRUPT, "%s has been posted before", work->key);
    }
    return write_down(db, work, err) && add_lines(db, work, accrued, err) &&
           meters_save(db, &work->meters, err);
}

/* Much of it takes two operators: else it is not done yet. */
static bool approve(struct db *db, struct refund_work *work, struct error *err)
{
    char body[32];
    enum approval_outcome outcome;
    struct approval_request request = { .body = body,
                                        .amount = work->event.back.gross,
                                        .operator_id = work->request->operator_id,
                                        .at = work->now };

    (void)snprintf(body, sizeof body, "%" PRId64, work->request->used);
    if (!refund_sum(db, work->contract.owner_id, approval_day_before(work->now), &request.lately,
                    err) ||
        !approval_seek(db, work->key, &request, &outcome, err))
        return false;
    if (outcome == APPROVAL_NOBODY)
        work->reply.outcome = REFUND_NOBODY;
    if (outcome == APPROVAL_ASKED || outcome == APPROVAL_WAITS)
        work->reply.outcome = REFUND_WAITS;
    return true;
}

/* Everything used is posted first, so that the meter can turn round; then what was, is taken back.
 */
static bool refund_on(struct db *db, struct refund_work *work, struct change *change,
                      struct error *err)
{
    bool has, is_enough;

    if (!lock_both(db, work->contract.owner_id, work->contract.host_id, err) ||
        !post_usage_of(change, work->contract.id, err) ||
        !meters_load(db, work->contract.id, &work->meters, err) ||
        !contract_load(db, work->contract.id, change->arena, &work->contract, &has, err) ||
        !take_all_back(db, work, change->arena, &is_enough, err))
        return false;
    if (!is_enough)
        return error_set(err, ERROR_OUT_OF_RANGE, "that is more than was charged");
    work->reply = (struct refund_reply){ REFUNDED, work->event.back.gross };
    if (work->event.back.gross.nanodollars > 0 && !approve(db, work, err))
        return false;
    return (work->reply.outcome != REFUNDED || post(db, work, err)) &&
           change_user(change, work->contract.owner_id, err) && change_end(change, err);
}

static bool refund_work(struct db *db, void *context, struct error *err)
{
    struct refund_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct journal before;
    struct change change;
    struct instant posted;
    bool has;

    work->reply = (struct refund_reply){ .outcome = REFUND_NO_CONTRACT };
    work->part_count = 0;
    if (!contract_load(db, work->request->contract_id, &arena, &work->contract, &has, err))
        return false;
    if (!has || !contract_is_metered(&work->contract))
        return true;
    work->event = (struct refund_event){ .key = work->key,
                                         .contract_id = work->contract.id,
                                         .renter_id = work->contract.owner_id,
                                         .host_id = work->contract.host_id,
                                         .component = work->request->component,
                                         .occurred = work->now };
    if (!change_begin(&change, db, work->contract.machine_id, work->now, &arena, &has, err) ||
        !ledger_load_journal(db, work->key, &before, &posted, &has, err))
        return false;
    work->reply.outcome = REFUNDED_BEFORE;
    return has || refund_on(db, work, &change, err);
}

bool flow_refund(const struct flow *flow, const struct refund_request *request,
                 struct refund_reply *ret, struct error *err)
{
    struct refund_work work = { .request = request, .now = clock_now(flow->clock) };
    size_t length = strlen(request->ticket);

    *ret = (struct refund_reply){ .outcome = REFUND_BAD_TICKET };
    if (length == 0 || length > REFUND_TICKET_MAX)
        return true;
    ret->outcome = REFUND_BAD_AMOUNT;
    if (request->used <= 0)
        return true;
    (void)snprintf(work.key, sizeof work.key, "cor:%" PRId64 ":%d:%s", request->contract_id,
                   (int)request->component, request->ticket);
    if (!store_write(flow->store, refund_work, &work, err)) {
        /* Nothing was written: the transaction is gone. */
        if (err->code == ERROR_OUT_OF_RANGE)
            return true;
        return error_context(err, "refund contract %" PRId64, request->contract_id);
    }
    *ret = work.reply;
    return true;
}
