/* SPDX-License-Identifier: Apache-2.0 */
/* How hosts are paid, and what they were paid (docs/payments.md). */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/parse.h"
#include "flow/pay_out.h"
#include "flow/payout.h"
#include "market/billing.h"
#include "proto/paypal.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { REPLY_MAX = 256 * 1024, WAIT_MS = 10000, WAIT_STEP_MS = 25, COUNTRY_MAX = 2 };

/* Refuse for every outcome but PAY_OUT_DONE; true where it refused. */
static bool refuse(struct call *call, enum pay_out_outcome outcome)
{
    switch (outcome) {
    case PAY_OUT_DONE:
        return false;
    case PAY_OUT_OFF:
        reply_refuse(call, 409, "payments_off", "This market pays by hand: tell its operator how.");
        return true;
    case PAY_OUT_BAD_COUNTRY:
        reply_refuse(call, 400, "invalid_args", "country is two capital letters: US.");
        return true;
    case PAY_OUT_BAD_RECEIVER:
        reply_refuse(call, 400, "invalid_args",
                     "paypal is the email of your PayPal account; else verify your own.");
        return true;
    case PAY_OUT_NONE:
        reply_refuse(call, 404, "no_such_payment", "Say first that the country is US.");
        return true;
    }
    return true;
}

static void encode_method(struct encoder *json, const struct pay_out_view *view)
{
    encode_key(json, "method");
    if (!view->has_method) {
        encode_null(json);
        return;
    }
    encode_object(json);
    encode_field_text(json, "provider", view->method.provider);
    encode_field_text(json, "country", view->method.country);
    field_known_text(json, "paypal",
                     strcmp(view->method.provider, "paypal") == 0 ? view->method.account : "");
    encode_field_bool(json, "ready", view->method.is_ready);
    field_known_text(json, "reason", view->method.reason);
    field_time(json, "held_until", view->method.held);
    encode_end(json);
}

static void encode_payout(struct encoder *json, const struct payout_row *payout, struct instant now)
{
    encode_object(json);
    encode_field_int(json, "id", payout->id);
    encode_field_money(json, "amount", payout->amount);
    encode_field_text(json, "state", payout_state_name(payout->state));
    encode_field_text(json, "provider", payout->provider);
    field_known_text(json, "reference", payout->reference);
    field_known_text(json, "reason", payout->reason);
    field_time(json, "cut", payout->cut);
    field_time(json, "expected", instant_add(payout->cut, BILLING_PAID_WITHIN_US));
    field_time(json, "paid_at", payout->state == PAYOUT_PAID ? payout->state_at : INSTANT_NEVER);
    encode_field_bool(json, "late", payout_is_late(payout, now));
    encode_end(json);
}

/* "b" and the cut of the last one that was shown. Cuts are what a host's payouts are told by. */
static bool read_token(const char *token, struct instant *ret)
{
    uint64_t us;

    if (token[0] != 'b' || !parse_u64(token + 1, &us) || us >= INT64_MAX)
        return false;
    *ret = (struct instant){ (int64_t)us };
    return true;
}

static bool read_page(struct call *call, struct pay_out_page *ret)
{
    const char *limit = http_query(call->request, "limit");
    const char *token = http_query(call->request, "after_token");
    uint64_t max = PAY_OUT_PAGE_MAX;

    *ret = (struct pay_out_page){ .before = INSTANT_NEVER };
    if (limit != NULL && (!parse_u64(limit, &max) || max == 0 || max > PAY_OUT_PAGE_MAX)) {
        reply_refuse(call, 400, "invalid_request", "limit is 1 to %d.", PAY_OUT_PAGE_MAX);
        return false;
    }
    if (token != NULL && !read_token(token, &ret->before)) {
        reply_refuse(call, 400, "invalid_token", "after_token is not one that was given out.");
        return false;
    }
    ret->max = (size_t)max;
    return true;
}

static void encode_page(struct encoder *json, const struct pay_out_page *page, struct instant now)
{
    char token[32];

    encode_key(json, "payouts");
    encode_array(json);
    for (size_t i = 0; i < page->count; i++)
        encode_payout(json, &page->payouts[i], now);
    encode_end(json);
    (void)snprintf(token, sizeof token, "b%lld", (long long)page->next.microseconds);
    encode_key(json, "next_token");
    encode_text(json, instant_compare(page->next, INSTANT_NEVER) < 0 ? token : NULL);
}

void handle_payouts_list(struct call *call)
{
    const struct flow *flow = &call->app->flow;
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct instant now = clock_now(call->app->clock);
    struct money all = { 0 }, ever = { 0 };
    struct pay_out_page page;
    struct pay_out_view view;
    struct error err;

    if (!read_page(call, &page))
        return;
    if (!flow_pay_out_show(flow, &call->caller, call->request->arena, &view, &err) ||
        !flow_pay_out_list(flow, &call->caller, call->request->arena, &page, &err))
        return reply_error(call, &err);
    if (!money_add(view.accrued, view.payable, &all))
        all = view.payable;
    if (!money_add(all, view.paid_out, &ever))
        ever = view.paid_out;
    encode_object(&json);
    encode_method(&json, &view);
    field_time(&json, "next_cut", view.next_cut);
    encode_field_money(&json, "earned", view.accrued);
    encode_field_money(&json, "owed", view.payable);
    encode_field_money(&json, "total", ever);
    encode_field_money(&json, "minimum", view.minimum);
    encode_field_money(&json, "preview", billing_payout(all, view.minimum));
    encode_field_int(&json, "fee", 0);
    encode_page(&json, &page, now);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_payout_method(struct call *call)
{
    enum pay_out_outcome outcome;
    struct pay_out_where where = { .receiver = NULL };
    struct error err;

    if (!json_need_text(call->body, "country", COUNTRY_MAX, &where.country, &err) ||
        !json_opt_text(call->body, "paypal", PAYPAL_EMAIL_MAX, &where.receiver, &err) ||
        !flow_pay_out_set(&call->app->flow, &call->caller, &where, &outcome, &err))
        return reply_error(call, &err);
    if (!refuse(call, outcome))
        reply_success(call);
}

void handle_payout_onboarding(struct call *call)
{
    const struct flow *flow = &call->app->flow;
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct pay_out_view view = { .has_method = false };
    enum pay_out_outcome outcome;
    const char *link = "";
    struct error err;
    int64_t number;

    if (!flow_pay_out_link(flow, &call->caller, &number, &outcome, &err))
        return reply_error(call, &err);
    if (refuse(call, outcome))
        return;
    for (int waited = 0; waited < WAIT_MS && link[0] == '\0'; waited += WAIT_STEP_MS) {
        auto_arena struct arena arena = arena_of(HTTP_ARENA_MAX);

        (void)nanosleep(&(struct timespec){ .tv_nsec = WAIT_STEP_MS * 1000000L }, NULL);
        if (!flow_pay_out_show(flow, &call->caller, &arena, &view, &err))
            return reply_error(call, &err);
        const char *found = view.method.links == number ? view.method.link : "";
        link = arena_text(call->request->arena, found);
        if (link == NULL)
            return reply_refuse(call, 413, "too_large", "An address that is too long.");
    }
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    field_known_text(&json, "url", link);
    encode_end(&json);
    reply_json(call, &body);
}
