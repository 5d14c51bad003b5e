/* SPDX-License-Identifier: Apache-2.0 */
#include "server/audit_args.h"

#include <string.h>

#include "base/encode.h"
#include "flow/audit_log.h"

enum { TEXT_LENGTH_MAX = 128 };

static const char ELLIPSIS[] = "...";

/* Members whose texts are no secrets on any route. */
static const char *const shown[] = {
    "address", "email",   "image",  "label", "machine_id",   "name",      "parent_id", "recipient",
    "role",    "runtype", "sender", "state", "target_state", "team_name", "type",      "username",
};

static bool is_shown(const char *name)
{
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        if (strcmp(shown[i], name) == 0)
            return true;
    }
    return false;
}

static void encode_value(struct encoder *json, const char *name, const json_t *value)
{
    if (json_is_integer(value))
        encode_int(json, json_integer_value(value));
    else if (json_is_real(value))
        encode_real(json, json_real_value(value));
    else if (json_is_boolean(value))
        encode_bool(json, json_is_true(value));
    else if (json_is_string(value) && is_shown(name) &&
             json_string_length(value) <= TEXT_LENGTH_MAX)
        encode_text(json, json_string_value(value));
    else
        encode_text(json, ELLIPSIS);
}

void audit_args(const struct call *call, struct buf *out)
{
    struct encoder json = encoder_of(out);
    const char *name;
    json_t *value;

    encode_object(&json);
    for (size_t i = 0; i < call->route->param_count; i++) {
        if (call->route->params[i] != PARAM_TEXT && call->params[i].id > 0)
            encode_field_int(&json, i == 0 ? "id" : "id2", call->params[i].id);
    }
    json_object_foreach((json_t *)(uintptr_t)call->body, name, value)
    {
        if (json_is_null(value) || strcmp(name, "id") == 0 || strcmp(name, "id2") == 0)
            continue;
        encode_key(&json, name);
        encode_value(&json, name, value);
    }
    encode_end(&json);
    if (!out->has_overflowed)
        return;
    buf_release(out);
    buf_append(out, "{}", 2);
}

void audit_args_write(const struct flow *flow, const struct call *call)
{
    auto_buf struct buf args = buf_of(AUDIT_ARGS_MAX);

    audit_args(call, &args);
    audit_log_write(flow, &call->caller, call->request->client, call->route->name, args.bytes);
}
