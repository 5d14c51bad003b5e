/* SPDX-License-Identifier: Apache-2.0 */
/* Buying credit, saved cards, and what providers tell us (docs/payments.md). */
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "flow/autopay.h"
#include "flow/pay_card.h"
#include "proto/stripe_event.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { REPLY_MAX = 256 * 1024, WAIT_MS = 10000, WAIT_STEP_MS = 25 };

/* Refuse for every outcome but PAY_IN_DONE; true where it refused. */
static bool refuse(struct call *call, enum pay_in_outcome outcome)
{
    switch (outcome) {
    case PAY_IN_DONE:
        return false;
    case PAY_IN_OFF:
        reply_refuse(call, 409, "payments_off", "This market takes no cards: ask its operator.");
        return true;
    case PAY_IN_BAD_AMOUNT:
        reply_refuse(call, 400, "invalid_args", "amount is $5 to $10,000, in whole cents.");
        return true;
    case PAY_IN_NONE:
        reply_refuse(call, 404, "no_such_payment", "There is no such thing on this account.");
        return true;
    }
    return true;
}

static const char *state_name(const struct deposit_row *deposit)
{
    static const char *const names[] = {
        [DEPOSIT_MADE] = "open",           [DEPOSIT_ON_ITS_WAY] = "on_its_way",
        [DEPOSIT_ARRIVED] = "paid",        [DEPOSIT_FAILED] = "failed",
        [DEPOSIT_CANCELLED] = "cancelled",
    };

    return names[deposit->state];
}

static void encode_deposit(struct encoder *json, const struct deposit_row *deposit)
{
    bool is_open = deposit->state == DEPOSIT_MADE;

    encode_object(json);
    encode_field_int(json, "id", deposit->id);
    encode_field_money(json, "amount", deposit->amount);
    encode_field_text(json, "state", state_name(deposit));
    encode_field_text(json, "provider", deposit->provider);
    encode_field_bool(json, "automatic", deposit->is_automatic);
    field_known_text(json, "url", is_open ? deposit->url : "");
    field_known_text(json, "reason", deposit->reason);
    field_known_text(json, "receipt", deposit->receipt);
    field_time(json, "created_at", deposit->created);
    field_time(json, "settled_at", deposit->settled);
    encode_end(json);
}

static void reply_deposit(struct call *call, const struct deposit_row *deposit)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_key(&json, "deposit");
    encode_deposit(&json, deposit);
    encode_end(&json);
    reply_json(call, &body);
}

static void pause_a_moment(void)
{
    (void)nanosleep(&(struct timespec){ .tv_nsec = WAIT_STEP_MS * 1000000L }, NULL);
}

/* The provider makes the page while the caller waits: as a rule within a second. */
void handle_deposit_create(struct call *call)
{
    const struct flow *flow = &call->app->flow;
    struct money amount = { 0 };
    struct deposit_row deposit;
    enum pay_in_outcome outcome;
    struct error err;

    if (!json_need_money(call->body, "amount", &amount, &err))
        return reply_error(call, &err);
    if (!flow_pay_in(flow, &call->caller, amount, call->request->arena, &deposit, &outcome, &err))
        return reply_error(call, &err);
    if (refuse(call, outcome))
        return;
    for (int waited = 0;
         waited < WAIT_MS && deposit.url[0] == '\0' && deposit.state == DEPOSIT_MADE;
         waited += WAIT_STEP_MS) {
        pause_a_moment();
        if (!flow_pay_in_show(flow, &call->caller, deposit.id, call->request->arena, &deposit,
                              &outcome, &err))
            return reply_error(call, &err);
    }
    reply_deposit(call, &deposit);
}

void handle_deposit_show(struct call *call)
{
    struct deposit_row deposit;
    enum pay_in_outcome outcome;
    struct error err;

    if (!flow_pay_in_show(&call->app->flow, &call->caller, call->params[0].id, call->request->arena,
                          &deposit, &outcome, &err))
        return reply_error(call, &err);
    if (!refuse(call, outcome))
        reply_deposit(call, &deposit);
}

void handle_deposits_list(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct deposit_row *rows;
    struct error err;
    size_t count;

    if (!flow_pay_in_list(&call->app->flow, &call->caller, call->request->arena, &rows, &count,
                          &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_field_bool(&json, "payments", call->app->pay.has_stripe);
    encode_key(&json, "deposits");
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        encode_deposit(&json, &rows[i]);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_card_create(struct call *call)
{
    const struct flow *flow = &call->app->flow;
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    enum pay_in_outcome outcome;
    struct card_page_row page;
    struct error err;

    for (int waited = 0; waited < WAIT_MS; waited += WAIT_STEP_MS) {
        if (!flow_pay_card_page(flow, &call->caller, call->request->arena, &page, &outcome, &err))
            return reply_error(call, &err);
        if (outcome != PAY_IN_DONE || page.url[0] != '\0')
            break;
        pause_a_moment();
    }
    if (refuse(call, outcome))
        return;
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    field_known_text(&json, "url", page.url);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_cards_list(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct card_row *rows;
    struct error err;
    size_t count;

    if (!flow_pay_card_list(&call->app->flow, &call->caller, call->request->arena, &rows, &count,
                            &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_key(&json, "cards");
    encode_array(&json);
    for (size_t i = 0; i < count; i++) {
        encode_object(&json);
        encode_field_int(&json, "id", rows[i].id);
        encode_field_text(&json, "brand", rows[i].brand);
        encode_field_text(&json, "last4", rows[i].last4);
        encode_field_int(&json, "exp_month", rows[i].month);
        encode_field_int(&json, "exp_year", rows[i].year);
        field_time(&json, "created_at", rows[i].created);
        encode_end(&json);
    }
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_card_delete(struct call *call)
{
    enum pay_in_outcome outcome;
    struct error err;

    if (!flow_pay_card_remove(&call->app->flow, &call->caller, call->params[0].id, &outcome, &err))
        return reply_error(call, &err);
    if (!refuse(call, outcome))
        reply_success(call);
}

void handle_autopay_show(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct autopay_row row;
    struct error err;

    if (!flow_autopay_show(&call->app->flow, &call->caller, &row, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_field_money(&json, "threshold", row.threshold);
    encode_field_money(&json, "amount", row.topup);
    encode_field_int(&json, "declined", row.tries);
    field_time(&json, "next_try",
               row.next.microseconds == 0 ? clock_now(call->app->clock) : row.next);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_autopay_set(struct call *call)
{
    struct money threshold = { 0 }, amount = { 0 };
    struct error err;
    bool is_good;

    if (!json_need_money(call->body, "threshold", &threshold, &err) ||
        !json_need_money(call->body, "amount", &amount, &err) ||
        !flow_autopay_set(&call->app->flow, &call->caller, threshold, amount, &is_good, &err))
        return reply_error(call, &err);
    if (!is_good)
        return reply_refuse(call, 400, "invalid_args",
                            "Whole cents up to $10,000, and an amount of 0 or at least $5.");
    reply_success(call);
}

/* Kept and answered at once; what it is about is looked at later. */
static void take_event(struct call *call)
{
    const struct flow *flow = &call->app->flow;
    const struct http_request *request = call->request;
    struct stripe_event event;
    struct error err;
    bool is_new;

    if (!stripe_event_read(call->body, &event, &err))
        return reply_error(call, &err);
    if (event.is_live != flow->pay->is_live)
        return reply_refuse(call, 400, "invalid_request", "That is of the other mode.");
    const struct psp_event_row row = { "stripe",      event.id,      event.type, event.object_id,
                                       event.account, request->body, 0 };
    if (!flow_pay_event(flow, &row, &is_new, &err))
        return reply_error(call, &err);
    if (is_new)
        reply_success(call);
    else
        reply_message(call, "That was known.");
}

void handle_stripe_event(struct call *call)
{
    const struct http_request *request = call->request;
    const char *signature = http_header(request, "Stripe-Signature");
    int64_t now_s = clock_now(call->app->clock).microseconds / US_PER_SECOND;

    if (!call->app->pay.has_stripe)
        return reply_refuse(call, 409, "payments_off", "This market takes no cards.");
    if (signature == NULL || call->body == NULL || strlen(request->body) != request->body_length ||
        !stripe_wire_is_genuine(&call->app->stripe, signature, request->body, request->body_length,
                                now_s))
        return reply_refuse(call, 400, "invalid_signature", "This is not signed as it should be.");
    take_event(call);
}
