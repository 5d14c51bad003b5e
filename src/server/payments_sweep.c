/* SPDX-License-Identifier: Apache-2.0 */
#include "server/payments_sweep.h"

#include <string.h>

#include "base/json.h"
#include "flow/pay_out.h"
#include "proto/stripe_event.h"

enum { EVENT_TEXT_FLAGS = JSON_COMPACT, OPEN_MAX = 20000, OPEN_ARENA_MAX = 32 << 20 };

/* What we asked to be told of (docs/payments.md has the same list for the endpoint). */
static const char *const types[] = {
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "setup_intent.succeeded",
    "payment_method.detached",
    "payment_method.automatically_updated",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
};

struct sweep {
    const struct payments_asker *asker;
    struct instant now;
    bool has_failed;
    size_t found; /* that nobody had told us of */
};

static bool take_event(void *context, const json_t *item)
{
    struct sweep *sweep = context;
    const struct flow *flow = sweep->asker->options->flow;
    auto_free char *text = json_dumps(item, EVENT_TEXT_FLAGS);
    struct stripe_event event;
    struct error err;
    bool is_new;

    if (text == NULL || !stripe_event_read(item, &event, &err) ||
        event.is_live != flow->pay->is_live)
        return true;
    const struct psp_event_row row = { "stripe",      event.id, event.type, event.object_id,
                                       event.account, text,     0 };
    sweep->has_failed = !flow_pay_event(flow, &row, &is_new, &err);
    if (sweep->has_failed)
        log_failure(flow->log, "event not written down", &err);
    else
        sweep->found += is_new;
    return !sweep->has_failed;
}

static bool read_txn(const json_t *item, struct pay_txn *ret)
{
    const struct json_bounds cents = { -1000000000000, 1000000000000 };
    struct error none;

    return json_need_text(item, "id", STRIPE_ID_MAX, &ret->id, &none) && stripe_is_id(ret->id) &&
           json_need_text(item, "type", STRIPE_ID_MAX, &ret->type, &none) &&
           json_need_int(item, "amount", cents, &ret->cents, &none) &&
           json_need_int(item, "fee", cents, &ret->fee_cents, &none) &&
           json_need_int(item, "created", (struct json_bounds){ 0, INT64_C(1) << 40 },
                         &ret->created_s, &none);
}

/* What it came of is looked at first: that may put it where it belongs. */
static bool take_txn(void *context, const json_t *item)
{
    struct sweep *sweep = context;
    const struct flow *flow = sweep->asker->options->flow;
    const char *source = json_string_value(json_member(item, "source"));
    struct pay_txn txn;
    struct error err;
    bool is_new;

    if (!read_txn(item, &txn)) {
        payments_alarm(sweep->asker, "an entry of the balance that cannot be read", "");
        return true;
    }
    if (txn.created_s + PAYMENTS_SETTLED_SECONDS > sweep->now.microseconds / US_PER_SECOND)
        return true;
    enum pay_effect effect = source != NULL ? payments_look(sweep->asker, source, "") : PAY_DONE;
    if (effect == PAY_LATER)
        sweep->has_failed = true;
    else if (!flow_pay_txn(flow, &txn, &is_new, &err))
        sweep->has_failed = true;
    else
        sweep->found += is_new;
    return !sweep->has_failed;
}

/* Events about hosts come by another endpoint, which may not be set up: what is under way is asked
 * for. */
static bool look_at_payouts(const struct payments_asker *asker)
{
    auto_arena struct arena arena = arena_of(OPEN_ARENA_MAX);
    const struct flow *flow = asker->options->flow;
    struct pay_out_open *rows;
    struct error err;
    size_t count;

    if (!flow_pay_out_open(flow, OPEN_MAX, &arena, &rows, &count, &err)) {
        log_failure(flow->log, "payouts not looked at", &err);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        bool is_payout = rows[i].object_id[0] != '\0';

        if (payments_look(asker, is_payout ? rows[i].object_id : rows[i].account,
                          is_payout ? rows[i].account : "") == PAY_LATER)
            return false;
    }
    return true;
}

bool payments_sweep(const struct payments_asker *asker)
{
    const struct flow *flow = asker->options->flow;
    struct sweep sweep = { .asker = asker, .now = clock_now(flow->clock) };
    struct stripe_list list = { .kind = STRIPE_LIST_EVENTS,
                                .since_s = sweep.now.microseconds / US_PER_SECOND -
                                           PAYMENTS_SWEEP_BACK_SECONDS };

    for (size_t i = 0; i < sizeof types / sizeof types[0] && !sweep.has_failed; i++) {
        list.name = types[i];
        if (!payments_each(asker, list, "", take_event, &sweep))
            return false;
    }
    list.kind = STRIPE_LIST_MONEY;
    if (sweep.has_failed || !look_at_payouts(asker) ||
        !payments_each(asker, list, "", take_txn, &sweep) || sweep.has_failed)
        return false;
    log_write(flow->log, LOG_INFO, "payments: looked at a week", "%zu were new", sweep.found);
    return true;
}
