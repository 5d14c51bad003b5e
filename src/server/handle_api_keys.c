/* SPDX-License-Identifier: Apache-2.0 */
/* API keys (api.md 2.11). Their secrets are shown once, when they are made. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "flow/account.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"
#include "server/rights.h"

enum { KEYS_REPLY_MAX = 4 << 20, KEY_NAME_MAX = 64 };

/* All of them, for a key whose rights are not narrowed. */
static const char RIGHTS_ALL[] =
    "{\"api\":{\"instance_read\":{},\"instance_write\":{},\"user_read\":{},\"user_write\":{},"
    "\"billing_read\":{},\"billing_write\":{},\"machine_read\":{},\"machine_write\":{},"
    "\"misc\":{},\"team_read\":{},\"team_write\":{}}}";

static void encode_key_row(struct encoder *json, const struct api_key_row *key)
{
    const char *rights = key->rights[0] != '\0' ? key->rights : RIGHTS_ALL;

    encode_object(json);
    encode_field_int(json, "id", key->id);
    encode_field_int(json, "user_id", key->user_id);
    encode_field_text(json, "name", key->name);
    encode_key(json, "rights");
    encode_raw(json, rights, strlen(rights));
    field_known_int(json, "team_id", key->member_id != 0 ? key->user_id : 0);
    field_known_text(json, "team_name", key->team_name);
    field_time(json, "created_at", key->created);
    field_time(json, "last_used", key->used);
    encode_end(json);
}

void handle_api_keys_list(struct call *call)
{
    auto_buf struct buf body = buf_of(KEYS_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct api_key_row *keys;
    size_t count;
    struct error err;

    if (!flow_key_list(&call->app->flow, &call->caller, call->request->arena, &keys, &count, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_key(&json, "apikeys");
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        encode_key_row(&json, &keys[i]);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_api_key_show(struct call *call)
{
    auto_buf struct buf body = buf_of(KEYS_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct api_key_row *keys;
    size_t count;
    struct error err;

    if (!flow_key_list(&call->app->flow, &call->caller, call->request->arena, &keys, &count, &err))
        return reply_error(call, &err);
    for (size_t i = 0; i < count; i++) {
        if (keys[i].id == call->params[0].id) {
            encode_key_row(&json, &keys[i]);
            return reply_json(call, &body);
        }
    }
    reply_refuse(call, 404, "no_such_key", "There is no API key %lld on this account.",
                 (long long)call->params[0].id);
}

/* Refuse for every outcome but KEY_DONE; true where it refused. */
static bool refuse_key(struct call *call, enum key_outcome outcome)
{
    switch (outcome) {
    case KEY_DONE:
        return false;
    case KEY_NOT_FOUND:
        reply_refuse(call, 404, "no_such_key", "There is no such API key on this account.");
        return true;
    case KEY_BAD_NAME:
        reply_refuse(call, 400, "invalid_args", "name must have 1 to %d characters.", KEY_NAME_MAX);
        return true;
    case KEY_BAD_RIGHTS:
        reply_refuse(call, 400, "invalid_permissions", "These permissions are too long.");
        return true;
    case KEY_TOO_MANY:
        reply_refuse(call, 400, "too_many_keys", "An account has at most %d keys.", API_KEYS_MAX);
        return true;
    case KEY_EXCEEDS_CALLER:
        reply_refuse(call, 400, "invalid_permissions",
                     "A key can have no permission that the one that makes it lacks.");
        return true;
    }
    return true;
}

/* key_params comes as an object, or as the text of one. */
static bool read_params(struct call *call, json_t **ret_params)
{
    const json_t *params = json_member(call->body, "key_params");
    const char *text = json_string_value(params);
    struct error err;

    if (params == NULL || (text != NULL && text[0] == '\0'))
        return true;
    *ret_params = text == NULL ? json_deep_copy(params) : NULL;
    if (text != NULL && !json_parse(text, strlen(text), ret_params, &err))
        return false;
    return json_is_object(*ret_params);
}

static bool read_rights(struct call *call, const json_t *permissions, json_t **ret_rights)
{
    auto_json json_t *params = NULL;
    struct error err;

    if (!read_params(call, &params)) {
        reply_refuse(call, 400, "invalid_args", "key_params must be an object.");
        return false;
    }
    if (rights_read(permissions, params, route_table, route_count, ret_rights, &err))
        return true;
    reply_refuse(call, 400, "invalid_permissions", "These permissions make no sense: %s.",
                 err.text);
    return false;
}

void handle_api_key_create(struct call *call)
{
    auto_json json_t *granted = NULL;
    auto_buf struct buf body = buf_of(KEYS_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    const char *name;
    struct key_reply done;
    struct error err;

    if (!json_need_text(call->body, "name", KEY_NAME_MAX, &name, &err))
        return reply_error(call, &err);
    const json_t *permissions = json_member(call->body, "permissions");
    if (permissions == NULL)
        return reply_refuse(call, 400, "missing_permissions",
                            "permissions must say what the key may do.");
    if (!read_rights(call, permissions, &granted))
        return;
    auto_free char *rights = json_dumps(granted, JSON_COMPACT);
    if (rights == NULL)
        abort();
    if (!flow_key_create(&call->app->flow, &call->caller, name, rights, &done, &err))
        return reply_error(call, &err);
    if (refuse_key(call, done.outcome))
        return;
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_int(&json, "id", done.key_id);
    encode_field_text(&json, "key", done.api_key);
    encode_key(&json, "permissions");
    encode_raw(&json, rights, strlen(rights));
    encode_end(&json);
    crypto_wipe(done.api_key, sizeof done.api_key);
    reply_json(call, &body);
}

void handle_api_key_delete(struct call *call)
{
    struct key_reply done;
    struct error err;

    if (!flow_key_revoke(&call->app->flow, &call->caller, call->params[0].id, &done, &err))
        return reply_error(call, &err);
    if (!refuse_key(call, done.outcome))
        reply_message(call, "API key %lld is revoked.", (long long)call->params[0].id);
}

void handle_api_key_reset(struct call *call)
{
    auto_buf struct buf body = buf_of(KEYS_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct key_reply done;
    struct error err;

    if (!flow_key_reset(&call->app->flow, &call->caller, &done, &err))
        return reply_error(call, &err);
    if (refuse_key(call, done.outcome))
        return;
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_int(&json, "id", done.key_id);
    encode_field_text(&json, "new_api_key", done.api_key);
    encode_end(&json);
    crypto_wipe(done.api_key, sizeof done.api_key);
    reply_json(call, &body);
}
