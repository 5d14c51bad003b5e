/* SPDX-License-Identifier: Apache-2.0 */
/* What was called on the account, and from where (api.md 3.2). */
#include <stdio.h>

#include "flow/audit_log.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { REPLY_MAX = 8 << 20, DAY_LENGTH = 10 };

void handle_audit_list(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct audit_log_row *rows;
    size_t count;
    struct error err;

    if (!flow_audit_log(&call->app->flow, &call->caller, call->request->arena, &rows, &count, &err))
        return reply_error(call, &err);
    encode_array(&json);
    for (size_t i = 0; i < count; i++) {
        encode_object(&json);
        encode_field_text(&json, "ip_address", rows[i].address);
        field_known_int(&json, "api_key_id", rows[i].key_id);
        field_known_int(&json, "session_id", rows[i].login_id);
        field_known_int(&json, "member_id", rows[i].member_id);
        field_time(&json, "created_at", rows[i].at);
        encode_field_text(&json, "api_route", rows[i].route);
        encode_field_text(&json, "args", rows[i].args);
        encode_end(&json);
    }
    encode_end(&json);
    reply_json(call, &body);
}

void handle_addresses_list(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct user_address_row *rows;
    size_t count;
    struct error err;

    if (call->params[0].id != 0 && call->params[0].id != call->caller.user_id)
        return reply_refuse(call, 403, "not_authorized", "This is another account.");
    if (!flow_addresses(&call->app->flow, &call->caller, call->request->arena, &rows, &count, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_key(&json, "results");
    encode_array(&json);
    for (size_t i = 0; i < count; i++) {
        char first[INSTANT_TEXT_SIZE], day[DAY_LENGTH + 1];

        (void)snprintf(day, sizeof day, "%.10s", instant_format(rows[i].first, first));
        encode_object(&json);
        encode_field_text(&json, "ip", rows[i].address);
        encode_field_text(&json, "first_seen", day);
        field_null(&json, "first_location");
        encode_end(&json);
    }
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}
