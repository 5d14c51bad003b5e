/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pay_paypal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/limits.h"
#include "flow/pay_out_move.h"
#include "market/billing.h"

enum { LOOKS_DOUBLED_MAX = 10, TXN_SIZE = 64 };

struct paypal_work {
    const struct flow *flow;
    struct instant now;
    const struct outbox_item *item;
    const char *object_id;
    const struct paypal_failure *failure;
    const struct paypal_item_seen *items;
    const struct paypal_batch_seen *seen;
    const struct psp_event_row *event;
    int64_t batch_id;
    size_t count, strange;
    struct arena *arena;
    struct payout_batch_row *rows;
    bool is_new;
};

static struct paypal_work work_of(const struct flow *flow)
{
    return (struct paypal_work){ .flow = flow, .now = clock_now(flow->clock) };
}

static struct pay pay_of(struct db *db, const struct paypal_work *work, struct arena *arena)
{
    return (struct pay){ db, work->flow, work->now, arena };
}

bool pay_paypal_start(const struct pay *pay, const struct payout_row *payout,
                      const struct payout_method_row *method, struct error *err)
{
    const struct payout_route_row route = { payout->id, method->account, "", "", 0, { 0 }, 0 };
    return payout_route_put(pay->db, &route, err);
}

/* Into another state; what PayPal moved for it is one entry of our balance there. */
static bool go(const struct pay *pay, struct payout_row *payout, enum payout_state to,
               const struct paypal_item_seen *item, struct error *err)
{
    const struct pay_out_step step = { to, LEDGER_PAYPAL, { item->fee_cents * BILLING_CENT } };
    bool was_paid = payout->state == PAYOUT_PAID;
    char key[JOURNAL_KEY_SIZE], txn[TXN_SIZE];
    struct provider_txn_row row = { "paypal", txn, LEDGER_PAYPAL, payout->amount, pay->now };

    (void)snprintf(key, sizeof key, "po:%" PRId64 ":%s", payout->id, payout_state_name(to));
    (void)snprintf(txn, sizeof txn, "%.30s%s", item->txn[0] != '\0' ? item->txn : item->id,
                   was_paid ? ":back" : "");
    if (!pay_out_go(pay, payout, &step, err))
        return false;
    if (to == PAYOUT_PAID)
        row.amount.nanodollars = -row.amount.nanodollars - step.fee.nanodollars;
    return (to != PAYOUT_PAID && !was_paid) || provider_txn_insert(pay->db, &row, key, err);
}

static bool come_back(const struct pay *pay, struct payout_row *payout, enum payout_state to,
                      const struct paypal_item_seen *item, struct error *err)
{
    payout->reason = item->reason[0] != '\0' ? item->reason : item->status_text;
    return go(pay, payout, to, item, err) &&
           pay_out_tell(pay, payout, NOTIFICATION_PAYOUT_FAILED, err);
}

/* It is on its way, and nobody knows more; unclaimed, the host should know. */
static bool wait_for(const struct pay *pay, struct payout_row *payout, const char *reason,
                     const struct paypal_item_seen *item, struct error *err)
{
    bool is_new = strcmp(payout->reason, reason) != 0;

    payout->reason = reason;
    if (payout->state != PAYOUT_IN_TRANSIT
            ? !go(pay, payout, PAYOUT_IN_TRANSIT, item, err)
            : is_new && !payout_update(pay->db, payout, payout->state, err))
        return false;
    return !is_new || reason[0] == '\0' ||
           pay_out_tell(pay, payout, NOTIFICATION_PAYOUT_FAILED, err);
}

/* What the status asks for, if it was not done before. False in `*ret_fits`: nobody acts on it. */
static bool follow(const struct pay *pay, struct payout_row *payout,
                   const struct paypal_item_seen *item, bool *ret_fits, struct error *err)
{
    bool is_open = payout_is_open(payout->state), is_paid = payout->state == PAYOUT_PAID;

    *ret_fits = true;
    switch (item->status) {
    case PAYPAL_ITEM_WAITS:
        return !is_open || wait_for(pay, payout, "", item, err);
    case PAYPAL_ITEM_UNCLAIMED:
        return !is_open || wait_for(pay, payout, "unclaimed", item, err);
    case PAYPAL_ITEM_PAID:
        if (!is_open)
            break;
        payout->reason = "";
        return go(pay, payout, PAYOUT_PAID, item, err) &&
               pay_out_tell(pay, payout, NOTIFICATION_PAYOUT_PAID, err);
    case PAYPAL_ITEM_FAILED:
        return !is_open || come_back(pay, payout, PAYOUT_FAILED, item, err);
    case PAYPAL_ITEM_RETURNED:
        return (!is_open && !is_paid) || come_back(pay, payout, PAYOUT_RETURNED, item, err);
    case PAYPAL_ITEM_REVERSED:
        /* Both are in our balance there, though nobody saw it paid. */
        if (is_open && !go(pay, payout, PAYOUT_PAID, item, err))
            return false;
        return (!is_open && !is_paid) || come_back(pay, payout, PAYOUT_RETURNED, item, err);
    case PAYPAL_ITEM_UNKNOWN:
        *ret_fits = false;
        return true;
    }
    /* Given back to us by one who says now that it was paid: there is no such arrow. */
    *ret_fits = is_paid;
    return true;
}

static bool take_item(const struct pay *pay, int64_t batch_id, const struct paypal_item_seen *item,
                      bool *ret_fits, struct error *err)
{
    struct payout_route_row route;
    struct payout_row payout;
    bool has;

    *ret_fits = false;
    if (!pay_out_load(pay, item->payout_id, &payout, &route, &has, err))
        return false;
    if (!has || route.batch_id != batch_id)
        return true;
    if (item->cents * BILLING_CENT != payout.amount.nanodollars)
        return true;
    if (strcmp(route.object_id, item->id) != 0) {
        /* One payout is one item. */
        if (route.object_id[0] != '\0')
            return true;
        route.object_id = item->id;
        payout.reference = item->id;
        if (!payout_route_put(pay->db, &route, err) ||
            !payout_update(pay->db, &payout, payout.state, err))
            return false;
    }
    if (payout.state == PAYOUT_CREATED && !go(pay, &payout, PAYOUT_SUBMITTED, item, err))
        return false;
    return follow(pay, &payout, item, ret_fits, err);
}

static bool items_work(struct db *db, void *context, struct error *err)
{
    struct paypal_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct pay pay = pay_of(db, work, &arena);

    work->strange = 0;
    for (size_t i = 0; i < work->count; i++) {
        bool fits = false;

        if (!take_item(&pay, work->batch_id, &work->items[i], &fits, err))
            return false;
        work->strange += !fits;
    }
    return true;
}

bool flow_paypal_items(const struct flow *flow, int64_t batch_id,
                       const struct paypal_item_seen *items, size_t count, size_t *ret_strange,
                       struct error *err)
{
    struct paypal_work work = work_of(flow);

    work.batch_id = batch_id;
    work.items = items;
    work.count = count;
    if (!store_write(flow->store, items_work, &work, err))
        return error_context(err, "take items of batch %" PRId64, batch_id);
    *ret_strange = work.strange;
    return true;
}

static bool leave_batch(const struct pay *pay, const struct payout_batch_item *rows, size_t count,
                        struct error *err)
{
    struct payout_batch_row batch = {
        .provider = "paypal", .object_id = "", .state = PAYOUT_BATCH_SENT, .made = pay->now
    };
    struct paypal_item *items = arena_alloc(pay->arena, count, sizeof *items);

    if (items == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "too many payouts");
    if (!payout_batch_insert(pay->db, &batch, &batch.id, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct payout_batch_move move = { rows[i].payout_id, 0, batch.id, { 0 } };

        items[i] =
            (struct paypal_item){ rows[i].payout_id, rows[i].amount.nanodollars / BILLING_CENT,
                                  rows[i].account };
        if (!payout_batch_put(pay->db, &move, err))
            return false;
    }
    const struct paypal_batch made = { pay->flow->pay->installation, batch.id, items, count };
    const struct pay_call call = { PAY_BATCH, batch.id, 1, NULL };
    struct psp_call bytes = paypal_create(&made);
    return pay_call_leave(pay->db, &call, &bytes, pay->now, err);
}

static bool gather_work(struct db *db, void *context, struct error *err)
{
    struct paypal_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct pay pay = pay_of(db, work, &arena);
    struct payout_batch_item *rows;

    return payout_batch_waiting(db, "paypal", instant_add(work->now, -PAY_OUT_SUBMIT_US), work->now,
                                PAYPAL_ITEMS_MAX, &arena, &rows, &work->count, err) &&
           (work->count == 0 || leave_batch(&pay, rows, work->count, err));
}

bool flow_paypal_gather(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct paypal_work work = work_of(flow);

    *ret_count = 0;
    if (flow->pay == NULL || !flow->pay->has_paypal)
        return true;
    if (!store_write(flow->store, gather_work, &work, err))
        return error_context(err, "gather payouts for PayPal");
    *ret_count = work.count;
    return true;
}

/* The batch of a call. */
static bool load_batch(struct db *db, const struct paypal_work *work, struct arena *arena,
                       struct payout_batch_row *ret, bool *ret_has, struct error *err)
{
    struct pay_call call;

    *ret_has = pay_call_read(work->item, &call) && call.purpose == PAY_BATCH;
    return !*ret_has || payout_batch_load(db, call.ref, arena, ret, ret_has, err);
}

static bool taken_work(struct db *db, void *context, struct error *err)
{
    const struct paypal_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct pay pay = pay_of(db, work, &arena);
    const struct paypal_item_seen nothing = { .txn = "" };
    struct payout_batch_item *rows;
    struct payout_batch_row batch;
    size_t count;
    bool has;

    if (!load_batch(db, work, &arena, &batch, &has, err))
        return false;
    if (!has || batch.state != PAYOUT_BATCH_SENT)
        return true;
    batch.object_id = work->object_id;
    batch.state = PAYOUT_BATCH_TAKEN;
    batch.next = instant_add(work->now, PAY_PAYPAL_LOOK_US);
    if (!payout_batch_update(db, &batch, err) ||
        !payout_batch_items(db, batch.id, &arena, &rows, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct payout_route_row route;
        struct payout_row payout;

        if (!pay_out_load(&pay, rows[i].payout_id, &payout, &route, &has, err))
            return false;
        payout.reference = work->object_id;
        if (has && payout.state == PAYOUT_CREATED &&
            !go(&pay, &payout, PAYOUT_SUBMITTED, &nothing, err))
            return false;
    }
    return true;
}

bool flow_paypal_taken(const struct flow *flow, const struct outbox_item *item,
                       const char *object_id, struct error *err)
{
    struct paypal_work work = work_of(flow);

    work.item = item;
    work.object_id = object_id;
    return store_write(flow->store, taken_work, &work, err) ||
           error_context(err, "take the answer to %s", item->key);
}

static bool is_short(const char *reason)
{
    return strcmp(reason, "INSUFFICIENT_FUNDS") == 0;
}

static bool is_bad(const struct paypal_failure *failure, size_t index)
{
    for (size_t i = 0; i < failure->bad_count; i++)
        if (failure->bad[i] == index)
            return true;
    return failure->bad_count == 0 && !is_short(failure->name);
}

/* Out of its batch, to go with another one later; or it comes to nothing. */
static bool let_go(const struct pay *pay, int64_t batch_id, const struct payout_batch_item *row,
                   bool is_over, const char *reason, struct error *err)
{
    const struct paypal_item_seen seen = { .txn = "", .reason = reason };
    const struct payout_batch_move move = { row->payout_id, batch_id, 0,
                                            instant_add(pay->now, PAY_OUT_SHORT_US) };
    struct payout_route_row route;
    struct payout_row payout;
    bool has;

    if (!pay_out_load(pay, row->payout_id, &payout, &route, &has, err))
        return false;
    if (!has || !payout_is_open(payout.state) || route.object_id[0] != '\0')
        return true;
    if (is_over)
        return come_back(pay, &payout, PAYOUT_FAILED, &seen, err);
    payout.reason = reason;
    return payout_update(pay->db, &payout, payout.state, err) &&
           payout_batch_put(pay->db, &move, err);
}

static bool refuse_batch(const struct pay *pay, struct payout_batch_row *batch,
                         const struct paypal_failure *failure, struct error *err)
{
    struct payout_batch_item *rows;
    size_t count;

    batch->state = PAYOUT_BATCH_OVER;
    if (!payout_batch_update(pay->db, batch, err) ||
        !payout_batch_items(pay->db, batch->id, pay->arena, &rows, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!let_go(pay, batch->id, &rows[i], is_bad(failure, i), failure->name, err))
            return false;
    return true;
}

static bool refused_work(struct db *db, void *context, struct error *err)
{
    const struct paypal_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct pay pay = pay_of(db, work, &arena);
    struct payout_batch_row batch;
    bool has;

    if (!load_batch(db, work, &arena, &batch, &has, err))
        return false;
    return !has || batch.state != PAYOUT_BATCH_SENT ||
           refuse_batch(&pay, &batch, work->failure, err);
}

bool flow_paypal_refused(const struct flow *flow, const struct outbox_item *item,
                         const struct paypal_failure *failure, struct error *err)
{
    struct paypal_work work = work_of(flow);

    work.item = item;
    work.failure = failure;
    return store_write(flow->store, refused_work, &work, err) ||
           error_context(err, "take the refusal of %s", item->key);
}

static bool due_work(struct db *db, void *context, struct error *err)
{
    struct paypal_work *work = context;

    return payout_batch_due(db, "paypal", work->now, work->count, work->arena, &work->rows,
                            &work->count, err);
}

bool flow_paypal_due(const struct flow *flow, size_t max, struct arena *arena,
                     struct payout_batch_row **ret, size_t *ret_count, struct error *err)
{
    struct paypal_work work = work_of(flow);

    work.count = max;
    work.arena = arena;
    if (!store_read(flow->store, due_work, &work, err))
        return error_context(err, "look for batches of payouts");
    *ret = work.rows;
    *ret_count = work.count;
    return true;
}

static bool looked_work(struct db *db, void *context, struct error *err)
{
    const struct paypal_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct pay pay = pay_of(db, work, &arena);
    const struct paypal_failure denied = { .name = work->seen->reason[0] != '\0'
                                                       ? work->seen->reason
                                                       : "DENIED" };
    int64_t wait_us = PAY_PAYPAL_LOOK_US;
    struct payout_batch_row batch;
    bool has;

    if (!payout_batch_load(db, work->batch_id, &arena, &batch, &has, err))
        return false;
    if (!has || batch.state != PAYOUT_BATCH_TAKEN)
        return true;
    if (work->seen->status == PAYPAL_BATCH_DENIED)
        return refuse_batch(&pay, &batch, &denied, err);
    for (int64_t i = 0; i < batch.looks && i < LOOKS_DOUBLED_MAX; i++)
        wait_us *= 2;
    batch.looks++;
    batch.next = instant_add(work->now, wait_us);
    if (instant_until(batch.made, work->now) >= PAY_PAYPAL_OVER_US)
        batch.state = PAYOUT_BATCH_OVER;
    return payout_batch_update(db, &batch, err);
}

bool flow_paypal_looked(const struct flow *flow, int64_t batch_id,
                        const struct paypal_batch_seen *seen, struct error *err)
{
    struct paypal_work work = work_of(flow);

    work.batch_id = batch_id;
    work.seen = seen;
    return store_write(flow->store, looked_work, &work, err) ||
           error_context(err, "note a look at batch %" PRId64, batch_id);
}

static bool event_work(struct db *db, void *context, struct error *err)
{
    struct paypal_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct payout_batch_row batch;
    bool has;

    work->is_new = false;
    if (!payout_batch_find(db, "paypal", work->event->object_id, &arena, &batch, &has, err))
        return false;
    return !has || batch.state != PAYOUT_BATCH_TAKEN ||
           (psp_event_insert(db, work->event, work->now, &work->is_new, err) &&
            (!work->is_new || db_notify(db, TOPIC_OUTBOX, 0, err)));
}

bool flow_paypal_event(const struct flow *flow, const struct psp_event_row *event, bool *ret_is_new,
                       struct error *err)
{
    struct paypal_work work = work_of(flow);

    work.event = event;
    if (!store_write(flow->store, event_work, &work, err))
        return error_context(err, "keep an event of PayPal's");
    *ret_is_new = work.is_new;
    return true;
}

static bool now_work(struct db *db, void *context, struct error *err)
{
    const struct paypal_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct payout_batch_row batch;
    bool has;

    if (!payout_batch_find(db, "paypal", work->object_id, &arena, &batch, &has, err))
        return false;
    if (!has || batch.state != PAYOUT_BATCH_TAKEN)
        return true;
    batch.next = work->now;
    return payout_batch_update(db, &batch, err);
}

bool flow_paypal_look_now(const struct flow *flow, const char *object_id, struct error *err)
{
    struct paypal_work work = work_of(flow);

    work.object_id = object_id;
    return store_write(flow->store, now_work, &work, err) ||
           error_context(err, "look at batch %s", object_id);
}
