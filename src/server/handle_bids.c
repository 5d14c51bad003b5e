/* SPDX-License-Identifier: Apache-2.0 */
/* Bids and the lowest that a host takes (api.md 2.6, 2.15.2). */
#include "base/json.h"
#include "flow/bid.h"
#include "flow/reserve.h"
#include "market/auction.h"
#include "server/app.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { BID_REPLY_MAX = 1024 };

static bool read_change(struct call *call, struct bid_request *request, struct error *err)
{
    const json_t *body = call->body;

    request->has_price = json_member(body, "price") != NULL;
    request->has_max_price = json_member(body, "max_price") != NULL;
    request->has_resumes = json_member(body, "auto_resume") != NULL;
    if (!json_opt_money(body, "price", &request->price, err) ||
        !json_opt_money(body, "max_price", &request->max_price, err) ||
        !json_opt_bool(body, "auto_resume", &request->resumes, err))
        return false;
    if (request->price.nanodollars < 0 || request->max_price.nanodollars < 0)
        return error_set(err, ERROR_OUT_OF_RANGE, "a bid is more than nothing");
    return true;
}

static double dollars(const struct bid_reply *done, int64_t ticks)
{
    return (double)auction_price(ticks, done->num_gpus).nanodollars / 1e9;
}

static void refuse_change(struct call *call, const struct bid_reply *done)
{
    char text[INSTANT_TEXT_SIZE];

    switch (done->outcome) {
    case BID_NO_INSTANCE:
        return reply_refuse(call, 404, "no_such_instance", "There is no instance %lld.",
                            (long long)call->params[0].id);
    case BID_ON_DEMAND:
        return reply_refuse(call, 400, "invalid_args",
                            "The instance runs on demand, at a fixed price.");
    case BID_BAD_PRICE:
        return reply_refuse(call, 400, "invalid_price",
                            "A bid is at least $0.001 for a GPU and hour.");
    case BID_BELOW_FLOOR:
        return reply_refuse(call, 400, "invalid_price",
                            "The lowest bid that is taken for this instance is $%.3f an hour.",
                            dollars(done, done->lowest));
    case BID_NOT_BELOW_LIST:
        return reply_refuse(call, 400, "invalid_price",
                            "On demand costs the same and cannot be outbid.");
    case BID_TOO_SOON:
        return reply_refuse(call, 400, "invalid_price",
                            "A running bid is lowered every ten minutes at most: again from %s.",
                            instant_format(done->again, text));
    case BID_NEVER_WINS:
        return reply_refuse(call, 400, "invalid_price",
                            "No bid would run at the moment; name a price, and it waits.");
    case BID_CHANGED:
        break;
    }
    reply_refuse(call, 500, "internal_error", "Something went wrong.");
}

void handle_instance_bid(struct call *call)
{
    struct bid_request request = { .instance_id = call->params[0].id };
    auto_buf struct buf body = buf_of(BID_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct bid_reply done;
    struct error err;

    if (!read_change(call, &request, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_bid_change(&call->app->flow, &call->caller, &request, &done, &err))
        return reply_error(call, &err);
    if (done.outcome != BID_CHANGED)
        return refuse_change(call, &done);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_money(&json, "price", auction_price(done.ticks, done.num_gpus));
    if (done.waits)
        encode_field_text(&json, "msg", "It waits; it starts by itself when its bid is enough.");
    encode_end(&json);
    reply_json(call, &body);
}

void handle_machine_min_bid(struct call *call)
{
    auto_buf struct buf body = buf_of(BID_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct money price;
    enum reserve_outcome outcome;
    struct error err;

    if (!json_need_money(call->body, "price", &price, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_reserve(&call->app->flow, &call->caller, call->params[0].id, price, &outcome, &err))
        return reply_error(call, &err);
    switch (outcome) {
    case RESERVE_SET:
        encode_object(&json);
        encode_field_bool(&json, "success", true);
        encode_field_text(&json, "msg", "The lowest bid was set; bids taken before stay.");
        encode_end(&json);
        return reply_json(call, &body);
    case RESERVE_NO_MACHINE:
        return reply_refuse(call, 404, "no_such_machine", "There is no machine %lld.",
                            (long long)call->params[0].id);
    case RESERVE_BAD_PRICE:
        break;
    }
    reply_refuse(
        call, 400, "invalid_args",
        "The lowest bid is from 0 to what the machine costs on demand, for a GPU and hour.");
}
