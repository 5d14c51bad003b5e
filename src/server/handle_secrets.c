/* SPDX-License-Identifier: Apache-2.0 */
/* An account's environment variables (api.md 2.12). Values come in, and never out. */
#include "base/json.h"
#include "flow/secrets.h"
#include "server/app.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { SECRETS_REPLY_MAX = 1 << 20 };

/* For every value: a value's length is nobody's business either. */
static const char MASK[] = "********";

void handle_secrets_list(struct call *call)
{
    auto_buf struct buf body = buf_of(SECRETS_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    const char **names;
    size_t count;
    struct error err;

    if (!flow_secret_list(&call->app->flow, &call->caller, call->request->arena, &names, &count,
                          &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_key(&json, "secrets");
    encode_object(&json);
    for (size_t i = 0; i < count; i++)
        encode_field_text(&json, names[i], MASK);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

static void answer(struct call *call, enum secret_outcome outcome, const char *name,
                   const char *done)
{
    switch (outcome) {
    case SECRET_DONE:
        return reply_message(call, "%s is %s.", name, done);
    case SECRET_BAD_NAME:
        return reply_refuse(call, 400, "invalid_characters",
                            "A name has letters, digits and _, and no digit in front.");
    case SECRET_BAD_VALUE:
        return reply_refuse(call, 400, "invalid_characters",
                            "A value has no control characters but tabs and line ends.");
    case SECRET_TOO_LONG:
        return reply_refuse(call, 400, "input_too_long",
                            "A name has at most %d bytes, a value at most %d.", SECRET_NAME_MAX,
                            SECRET_VALUE_MAX);
    case SECRET_TOO_MANY:
        return reply_refuse(call, 400, "max_secrets", "An account has at most %d variables.",
                            SECRETS_MAX);
    case SECRET_EXISTS:
        return reply_refuse(call, 400, "existing_key", "There is a variable %s already.", name);
    case SECRET_UNKNOWN:
        return reply_refuse(call, 400, "nonexistent_key", "There is no variable %s.", name);
    }
}

/* NULL, and the call is answered, where it is not there. */
static const char *need(struct call *call, const char *member)
{
    const char *text;
    struct error err;

    if (json_need_text(call->body, member, HTTP_BODY_MAX, &text, &err))
        return text;
    reply_refuse(call, 400, "missing_input", "%s must be given, and be a text.", member);
    return NULL;
}

void handle_secret_create(struct call *call)
{
    const char *name = need(call, "key"), *value = name != NULL ? need(call, "value") : NULL;
    enum secret_outcome outcome;
    struct error err;

    if (value == NULL)
        return;
    if (!flow_secret_create(&call->app->flow, &call->caller, name, value, &outcome, &err))
        return reply_error(call, &err);
    answer(call, outcome, name, "kept, for instances that are made from now on");
}

void handle_secret_update(struct call *call)
{
    const char *name = need(call, "key"), *value = name != NULL ? need(call, "value") : NULL;
    enum secret_outcome outcome;
    struct error err;

    if (value == NULL)
        return;
    if (!flow_secret_update(&call->app->flow, &call->caller, name, value, &outcome, &err))
        return reply_error(call, &err);
    answer(call, outcome, name, "another one, for instances that are made from now on");
}

void handle_secret_delete(struct call *call)
{
    const char *name = need(call, "key");
    enum secret_outcome outcome;
    struct error err;

    if (name == NULL)
        return;
    if (!flow_secret_delete(&call->app->flow, &call->caller, name, &outcome, &err))
        return reply_error(call, &err);
    answer(call, outcome, name, "forgotten; instances that have it keep it");
}
