/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to cloud stores: made, listed, deleted. What it takes to get in there comes in, and
 * never out. Copies by them are in handle_copy.c. */
#include "base/json.h"
#include "flow/cloud.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { REPLY_MAX = 64 * 1024 };

static void encode_connection(struct encoder *json, const struct cloud_row *row)
{
    encode_object(json);
    encode_field_int(json, "id", row->id);
    encode_field_text(json, "name", row->name);
    encode_field_text(json, "cloud_type", row->kind);
    field_time(json, "created_at", row->created);
    encode_end(json);
}

void handle_connections_list(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct cloud_row *rows;
    size_t count;
    struct error err;

    if (!flow_cloud_list(&call->app->flow, &call->caller, call->request->arena, &rows, &count,
                         &err))
        return reply_error(call, &err);
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        encode_connection(&json, &rows[i]);
    encode_end(&json);
    reply_json(call, &body);
}

/* Refuse for every outcome but CLOUD_DONE; true where it refused. */
static bool refuse(struct call *call, enum cloud_outcome outcome, const struct error *why)
{
    auto_buf struct buf names = buf_of(1024);

    switch (outcome) {
    case CLOUD_DONE:
        return false;
    case CLOUD_BAD_NAME:
        reply_refuse(call, 400, "invalid_args",
                     "name is a text of 1 to %d bytes without control characters.", CLOUD_NAME_MAX);
        break;
    case CLOUD_BAD_KIND:
        cloud_names(&names);
        reply_refuse(call, 400, "invalid_args", "cloud_type is one of %s.", names.bytes);
        break;
    case CLOUD_BAD_CONFIG:
        reply_refuse(call, 400, "invalid_args", "config: %s.", why->text);
        break;
    case CLOUD_TOO_MANY:
        reply_refuse(call, 400, "too_many", "An account has at most %d connections.", CLOUDS_MAX);
        break;
    case CLOUD_UNKNOWN:
        reply_refuse(call, 404, "no_such_connection",
                     "There is no such cloud connection on this account.");
        break;
    }
    return true;
}

void handle_connection_create(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct cloud_request request = { .config = json_member(call->body, "config") };
    struct error err, why = { 0 };
    enum cloud_outcome outcome;
    struct cloud_row row;

    if (!json_need_text(call->body, "name", HTTP_BODY_MAX, &request.name, &err) ||
        !json_need_text(call->body, "cloud_type", HTTP_BODY_MAX, &request.kind, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_cloud_create(&call->app->flow, &call->caller, &request, &row, &outcome, &why, &err))
        return reply_error(call, &err);
    if (refuse(call, outcome, &why))
        return;
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_key(&json, "connection");
    encode_connection(&json, &row);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_connection_delete(struct call *call)
{
    enum cloud_outcome outcome;
    struct error err;

    if (!flow_cloud_delete(&call->app->flow, &call->caller, call->params[0].id, &outcome, &err))
        return reply_error(call, &err);
    if (!refuse(call, outcome, NULL))
        reply_message(call, "The connection is forgotten, and what went on by it ends.");
}
