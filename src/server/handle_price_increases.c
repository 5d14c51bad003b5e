/* SPDX-License-Identifier: Apache-2.0 */
/* Price increases that wait for their renters (api.md 3.6). There are none: a contract keeps its
 * price to its end (flow/extend.h), so a host never has to ask. Who looks for some is told that. */
#include "base/json.h"
#include "server/app.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { INCREASES_REPLY_MAX = 4096 };

void handle_price_increases(struct call *call)
{
    auto_buf struct buf body = buf_of(INCREASES_REPLY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_int(&json, "count", 0);
    encode_field_bool(&json, "truncated", false);
    encode_key(&json, "pending_price_increases");
    encode_array(&json);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

static void refuse(struct call *call)
{
    struct error err;
    int64_t id;

    if (!json_need_int(call->body, "pending_price_increase_id",
                       (struct json_bounds){ 1, INT64_MAX }, &id, &err))
        return reply_error(call, &err);
    reply_refuse(call, 404, "no_pending_price_increase", "No price increase %lld waits for you.",
                 (long long)id);
}

void handle_price_increase_accept(struct call *call)
{
    refuse(call);
}

void handle_price_increase_reject(struct call *call)
{
    refuse(call);
}
