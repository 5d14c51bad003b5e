/* SPDX-License-Identifier: Apache-2.0 */
/* SSH keys of the account and of single instances (api.md 2.10). */
#include "base/json.h"
#include "flow/ssh_keys.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { SSH_REPLY_MAX = 4 << 20, SSH_KEY_TEXT_MAX = 32 * 1024 };

static void encode_ssh_key(struct encoder *json, const struct ssh_key_row *key)
{
    char created[INSTANT_TEXT_SIZE];

    encode_object(json);
    encode_field_int(json, "id", key->id);
    encode_field_int(json, "user_id", key->user_id);
    encode_field_text(json, "key", key->public_key);
    encode_field_text(json, "public_key", key->public_key);
    encode_field_text(json, "created_at", instant_format(key->created, created));
    field_null(json, "deleted_at");
    encode_end(json);
}

/* Refuse for every outcome but SSH_KEYS_DONE; true where it refused. */
static bool refuse_ssh(struct call *call, const struct ssh_keys_reply *done)
{
    switch (done->outcome) {
    case SSH_KEYS_DONE:
        return false;
    case SSH_KEYS_NO_INSTANCE:
        reply_refuse(call, 404, "no_such_instance", "No instance %lld on this account.",
                     (long long)call->params[0].id);
        return true;
    case SSH_KEYS_NO_KEY:
        reply_refuse(call, 404, "no_such_ssh_key", "%s", done->why);
        return true;
    case SSH_KEYS_NOT_A_KEY:
        reply_refuse(call, 400, "no_ssh_key", "%s", done->why);
        return true;
    case SSH_KEYS_TOO_MANY:
        reply_refuse(call, 400, "too_many_keys", "%s", done->why);
        return true;
    }
    return true;
}

/* What is asked to be a key; NULL, and the call is answered, where there is none. */
static const char *need_key_text(struct call *call)
{
    const char *text;
    struct error err;

    if (json_need_text(call->body, "ssh_key", SSH_KEY_TEXT_MAX, &text, &err))
        return text;
    reply_refuse(call, 400, "no_ssh_key", "ssh_key must be the text of a public key: %s.",
                 err.text);
    return NULL;
}

static void reply_key(struct call *call, const struct ssh_key_row *key)
{
    auto_buf struct buf body = buf_of(SSH_REPLY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_key(&json, "key");
    encode_ssh_key(&json, key);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_ssh_keys_list(struct call *call)
{
    auto_buf struct buf body = buf_of(SSH_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct ssh_key_row *keys;
    size_t count;
    struct error err;

    if (!flow_ssh_key_list(&call->app->flow, &call->caller, call->request->arena, &keys, &count,
                           &err))
        return reply_error(call, &err);
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        encode_ssh_key(&json, &keys[i]);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_ssh_key_create(struct call *call)
{
    const char *text = need_key_text(call);
    struct ssh_keys_reply done;
    struct error err;

    if (text == NULL)
        return;
    if (!flow_ssh_key_add(&call->app->flow, &call->caller, text, call->request->arena, &done, &err))
        return reply_error(call, &err);
    if (!refuse_ssh(call, &done))
        reply_key(call, &done.key);
}

void handle_ssh_key_update(struct call *call)
{
    const char *text = need_key_text(call);
    struct ssh_keys_reply done;
    struct error err;

    if (text == NULL)
        return;
    if (!flow_ssh_key_update(&call->app->flow, &call->caller, call->params[0].id, text,
                             call->request->arena, &done, &err))
        return reply_error(call, &err);
    if (!refuse_ssh(call, &done))
        reply_key(call, &done.key);
}

void handle_ssh_key_delete(struct call *call)
{
    struct ssh_keys_reply done;
    struct error err;

    if (!flow_ssh_key_delete(&call->app->flow, &call->caller, call->params[0].id, &done, &err))
        return reply_error(call, &err);
    if (!refuse_ssh(call, &done))
        reply_success(call);
}

void handle_instance_ssh_list(struct call *call)
{
    auto_buf struct buf inner = buf_of(SSH_REPLY_MAX);
    auto_buf struct buf body = buf_of(2 * SSH_REPLY_MAX);
    struct encoder list = encoder_of(&inner), json = encoder_of(&body);
    struct ssh_key_row *keys;
    size_t count;
    bool has;
    struct error err;

    if (!flow_ssh_key_list_of(&call->app->flow, &call->caller, call->params[0].id,
                              call->request->arena, &keys, &count, &has, &err))
        return reply_error(call, &err);
    if (!has)
        return reply_refuse(call, 404, "no_such_instance", "No instance %lld on this account.",
                            (long long)call->params[0].id);
    encode_array(&list);
    for (size_t i = 0; i < count; i++) {
        encode_object(&list);
        encode_field_int(&list, "id", keys[i].id);
        encode_field_text(&list, "public_key", keys[i].public_key);
        encode_end(&list);
    }
    encode_end(&list);

    /* A JSON text inside a JSON text: that is what clients parse twice. */
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_key(&json, "ssh_keys");
    encode_bytes(&json, inner.bytes, inner.length);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_instance_ssh_attach(struct call *call)
{
    const char *text = need_key_text(call);
    struct ssh_keys_reply done;
    struct error err;

    if (text == NULL)
        return;
    if (!flow_ssh_key_attach(&call->app->flow, &call->caller, call->params[0].id, text,
                             call->request->arena, &done, &err))
        return reply_error(call, &err);
    if (!refuse_ssh(call, &done))
        reply_message(call, "SSH key added to instance %lld.", (long long)call->params[0].id);
}

void handle_instance_ssh_detach(struct call *call)
{
    struct ssh_keys_reply done;
    struct error err;

    if (!flow_ssh_key_detach(&call->app->flow, &call->caller, call->params[0].id,
                             call->params[1].id, &done, &err))
        return reply_error(call, &err);
    if (!refuse_ssh(call, &done))
        reply_message(call, "SSH key removed from instance %lld.", (long long)call->params[0].id);
}
