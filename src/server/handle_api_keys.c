/* SPDX-License-Identifier: Apache-2.0 */
/* API keys (api.md 2.11). Their secrets are shown once, when they are made. */
#include <string.h>

#include "base/json.h"
#include "flow/account.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

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
    field_null(json, "team_id");
    field_null(json, "team_name");
    field_time(json, "created_at", key->created);
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
        reply_refuse(call, 400, "invalid_permissions",
                     "permissions must be {\"api\": {CATEGORY: {}}} with known categories.");
        return true;
    case KEY_EXCEEDS_CALLER:
        reply_refuse(call, 400, "invalid_permissions",
                     "A key can have no permission that the one that makes it lacks.");
        return true;
    }
    return true;
}

void handle_api_key_create(struct call *call)
{
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
    auto_free char *rights = json_dumps(permissions, JSON_COMPACT | JSON_ENCODE_ANY);
    if (rights == NULL)
        return reply_refuse(call, 400, "invalid_permissions", "permissions make no sense.");
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
