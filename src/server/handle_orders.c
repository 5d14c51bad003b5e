/* SPDX-License-Identifier: Apache-2.0 */
/* Standing orders: make, show, cancel (flow/order.h). */
#include <string.h>

#include "base/json.h"
#include "flow/order.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/orders.h"
#include "server/rental_read.h"
#include "server/reply.h"

enum { ORDER_TEXT_MAX = 256 * 1024, ORDERS_REPLY_MAX = 16 << 20 };

static const char *state_name(enum order_state state)
{
    static const char *const names[] = { [ORDER_WAITS] = "waiting",
                                         [ORDER_FIRED] = "fired",
                                         [ORDER_CANCELLED] = "cancelled",
                                         [ORDER_TOO_LATE] = "too_late" };

    return names[state];
}

static void encode_order(struct encoder *json, const struct order_row *order)
{
    encode_object(json);
    encode_field_int(json, "id", order->id);
    encode_field_text(json, "label", order->label);
    encode_field_text(json, "state", state_name(order->state));
    encode_field_bool(json, "starts", order->launch != NULL);
    encode_key(json, "query");
    encode_raw(json, order->query, strlen(order->query));
    field_time(json, "created_at", order->created);
    field_time(json, "expires_at", order->expires);
    field_time(json, "ended_at", order->ended);
    field_known_int(json, "offer_id", order->offer_id);
    field_known_int(json, "instance_id", order->contract_id);
    field_known_text(json, "note", order->note);
    encode_end(json);
}

/* A member as compact text in the arena; `*ret` is NULL where it is absent. */
static bool read_object(const json_t *body, const char *name, struct arena *arena, const char **ret,
                        struct error *err)
{
    const json_t *value = json_member(body, name);

    *ret = NULL;
    if (value == NULL)
        return true;
    if (!json_is_object(value))
        return error_set(err, ERROR_INVALID, "%s must be an object", name);
    auto_free char *text = json_dumps(value, JSON_COMPACT);
    if (text == NULL || strlen(text) > ORDER_TEXT_MAX || (*ret = arena_text(arena, text)) == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "%s is too long", name);
    return true;
}

/* What it is to rent has to be what could be rented now. */
static bool check_launch(const char *launch, struct arena *arena, struct error *err)
{
    auto_json json_t *root = NULL;
    struct rental_request request = { 0 };

    if (launch == NULL)
        return true;
    if (!json_parse(launch, strlen(launch), &root, err) ||
        !rental_read(root, arena, &request, err) || !rental_read_bid(root, &request, err) ||
        !rental_request_check(&request, err))
        return error_context(err, "launch");
    if (request.label != NULL && strlen(request.label) > LABEL_LENGTH_MAX)
        return error_set(err, ERROR_INVALID, "launch: a label has at most %d characters",
                         LABEL_LENGTH_MAX);
    return true;
}

static bool check_query(const char *query, const char *launch, struct arena *arena,
                        struct error *err)
{
    struct query parsed;

    if (query == NULL)
        return error_set(err, ERROR_INVALID, "query must say what is looked for");
    if (!orders_query(query, launch, arena, &parsed, err))
        return error_context(err, "query");
    if (parsed.condition_count == 0)
        return error_set(err, ERROR_INVALID, "query must have a condition");
    return true;
}

static bool read_order(struct call *call, struct order_request *request, struct error *err)
{
    const json_t *body = call->body;
    struct arena *arena = call->request->arena;

    return json_opt_text(body, "label", LABEL_LENGTH_MAX, &request->label, err) &&
           json_opt_int(body, "days", (struct json_bounds){ 1, ORDER_DAYS_MAX }, &request->days,
                        err) &&
           read_object(body, "query", arena, &request->query, err) &&
           read_object(body, "launch", arena, &request->launch, err) &&
           check_launch(request->launch, arena, err) &&
           check_query(request->query, request->launch, arena, err);
}

void handle_order_create(struct call *call)
{
    auto_buf struct buf body = buf_of(ORDERS_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct order_request request = { 0 };
    struct order_reply done;
    struct error err;

    if (!read_order(call, &request, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_order_create(&call->app->flow, &call->caller, &request, &done, &err))
        return reply_error(call, &err);
    if (done.outcome == ORDER_TOO_MANY)
        return reply_refuse(call, 400, "too_many_orders",
                            "%d standing orders wait already, as many as an account may have.",
                            ORDERS_PER_USER_MAX);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_key(&json, "order");
    encode_order(&json, &done.order);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_orders_list(struct call *call)
{
    auto_arena struct arena arena = arena_of(ORDERS_REPLY_MAX * 2);
    auto_buf struct buf body = buf_of(ORDERS_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct order_row *orders;
    size_t count;
    struct error err;

    if (!flow_order_list(&call->app->flow, &call->caller, &arena, &orders, &count, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_key(&json, "orders");
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        encode_order(&json, &orders[i]);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_order_cancel(struct call *call)
{
    enum order_outcome outcome;
    struct error err;

    if (!flow_order_cancel(&call->app->flow, &call->caller, call->params[0].id, &outcome, &err))
        return reply_error(call, &err);
    if (outcome == ORDER_NONE)
        return reply_refuse(call, 404, "no_such_order", "No standing order %lld waits here.",
                            (long long)call->params[0].id);
    reply_message(call, "Standing order %lld is cancelled.", (long long)call->params[0].id);
}
