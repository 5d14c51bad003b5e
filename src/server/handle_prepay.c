/* SPDX-License-Identifier: Apache-2.0 */
/* Paying ahead for an instance, and what is in its deposit (api.md 2.16.4, 3.5). */
#include "base/json.h"
#include "flow/prepay.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { PREPAY_REPLY_MAX = 4096, DOLLARS_SIZE = 24 };

static void refuse_amount(struct call *call, const struct prepay_reply *done)
{
    char text[MONEY_TEXT_SIZE];

    switch (done->outcome) {
    case PREPAY_BAD_AMOUNT:
        return reply_refuse(call, 400, "invalid_args", "The amount must be above zero.");
    case PREPAY_IS_BID:
        return reply_refuse(call, 400, "invalid_args",
                            "It is interruptible: only what is rented on demand can be reserved.");
    case PREPAY_FREE:
        return reply_refuse(call, 400, "invalid_args",
                            "It costs nothing: there is nothing to pay ahead for.");
    case PREPAY_TOO_LITTLE:
        return reply_refuse(call, 400, "invalid_args", "That does not cover an hour.");
    case PREPAY_TOO_MUCH:
        return reply_refuse(call, 400, "invalid_args",
                            "That is more than it can use up until its contract ends, or in a "
                            "year: at most $%s.",
                            money_format(done->most, text));
    case PREPAY_LOWERS:
        return reply_refuse(call, 400, "invalid_args",
                            "With what is left that covers too little for the discount that it "
                            "has: pay at least $%s, or wait until the deposit is used up.",
                            money_format(done->least, text));
    case PREPAY_NO_CREDIT:
        return reply_refuse(call, 411, "insufficient_balance",
                            "There is not so much bought credit that can be spared.");
    case PREPAY_NO_INSTANCE:
        return reply_refuse(call, 400, "no_such_instance", "There is no instance %lld of yours.",
                            (long long)call->params[0].id);
    case PREPAY_DONE:
        break;
    }
    reply_refuse(call, 500, "internal_error", "Something went wrong.");
}

void handle_instance_prepay(struct call *call)
{
    auto_buf struct buf body = buf_of(PREPAY_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct prepay_reply done;
    struct money amount;
    struct error err;

    if (!json_need_money(call->body, "amount", &amount, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_prepay(&call->app->flow, &call->caller, call->params[0].id, amount, &done, &err))
        return reply_error(call, &err);
    if (done.outcome != PREPAY_DONE)
        return refuse_amount(call, &done);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    field_fixed(&json, "timescale", done.plan.months_ppm, 6);
    field_fixed(&json, "discount_rate", done.plan.discount_ppm, 6);
    encode_end(&json);
    reply_json(call, &body);
}

static void encode_plans(struct encoder *json, const struct deposit_view *view)
{
    encode_key(json, "plans");
    encode_array(json);
    for (size_t i = 0; i < PREPAY_PLANS; i++) {
        if (view->plans[i].amount.nanodollars == 0)
            continue;
        encode_object(json);
        encode_field_int(json, "months", view->plans[i].months);
        encode_field_money(json, "amount", view->plans[i].amount);
        field_fixed(json, "discount_rate", view->plans[i].discount_ppm, 6);
        encode_end(json);
    }
    encode_end(json);
}

void handle_instance_deposit(struct call *call)
{
    auto_buf struct buf body = buf_of(PREPAY_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct deposit_view view;
    struct error err;
    bool has;

    if (!flow_deposit_view(&call->app->flow, &call->caller, call->params[0].id, &view, &has, &err))
        return reply_error(call, &err);
    if (!has)
        return reply_refuse(call, 404, "no_such_instance", "There is no instance %lld of yours.",
                            (long long)call->params[0].id);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_money(&json, "refundable_deposit", view.back);
    encode_field_money(&json, "total_discount", view.given);
    field_fixed(&json, "discount_months", view.hours * RESERVED_PPM / RESERVED_MONTH_HOURS, 6);
    encode_field_money(&json, "deposit", view.left);
    field_fixed(&json, "discount_rate", view.discount_ppm, 6);
    field_fixed(&json, "discount_max", view.max_ppm, 6);
    encode_plans(&json, &view);
    encode_end(&json);
    reply_json(call, &body);
}
