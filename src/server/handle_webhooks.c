/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks: made, listed, changed, tried (api.md 3.11, docs/webhooks.md). */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "flow/webhook.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"
#include "sys/outbound.h"

enum { REPLY_MAX = 256 * 1024 };

/* Refuse for every outcome but WEBHOOK_DONE; true where it refused. */
static bool refuse(struct call *call, enum webhook_outcome outcome)
{
    switch (outcome) {
    case WEBHOOK_DONE:
        return false;
    case WEBHOOK_UNKNOWN:
        reply_refuse(call, 404, "no_such_webhook", "There is no such webhook on this account.");
        return true;
    case WEBHOOK_TOO_MANY:
        reply_refuse(call, 400, "too_many", "An account has at most %d webhooks.", WEBHOOKS_MAX);
        return true;
    }
    return true;
}

/* The keys of what it asks for. */
static void encode_events(struct encoder *json, const char *name, const struct webhook_row *row)
{
    encode_key(json, name);
    encode_array(json);
    for (size_t i = 0; i < NOTIFICATION_COUNT; i++) {
        const char *key = notification_kind((enum notification)i)->key;

        if (webhook_wants(row, key))
            encode_text(json, key);
    }
    encode_end(json);
}

/* `secret`: NULL where it is not to be shown. */
static void encode_webhook(struct encoder *json, const struct webhook_row *row, const char *secret)
{
    encode_object(json);
    encode_field_int(json, "id", row->id);
    encode_field_int(json, "user_id", row->user_id);
    encode_field_text(json, "name", row->name);
    encode_field_text(json, "webhook_url", row->url);
    encode_events(json, "event_types", row);
    encode_field_bool(json, "enabled", row->is_enabled);
    field_time(json, "failing_since", row->failing);
    field_time(json, "created_at", row->created);
    field_time(json, "updated_at", row->updated);
    if (secret != NULL)
        encode_field_text(json, "webhook_secret", secret);
    encode_end(json);
}

static void reply_webhook(struct call *call, struct webhook_reply *done, bool is_new)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_key(&json, "webhook");
    encode_webhook(&json, &done->row, done->secret[0] != '\0' ? done->secret : NULL);
    if (is_new)
        encode_events(&json, "enabled_notification_preferences", &done->row);
    encode_end(&json);
    crypto_wipe(done->secret, sizeof done->secret);
    reply_json(call, &body);
}

void handle_webhooks_list(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct webhook_row *rows;
    size_t count;
    struct error err;

    if (!flow_webhook_list(&call->app->flow, &call->caller, call->request->arena, &rows, &count,
                           &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_key(&json, "webhooks");
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        encode_webhook(&json, &rows[i], NULL);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

static bool read_events(const json_t *given, bool events[static NOTIFICATION_COUNT],
                        struct error *err)
{
    size_t count = json_array_size(given);

    if (count == 0 || count > NOTIFICATION_COUNT)
        return error_set(err, ERROR_INVALID, "event_types names 1 to %d kinds", NOTIFICATION_COUNT);
    for (size_t i = 0; i < count; i++) {
        const char *key = json_string_value(json_array_get(given, i));
        enum notification kind = key != NULL ? notification_find(key) : NOTIFICATION_COUNT;

        if (kind == NOTIFICATION_COUNT)
            return error_set(err, ERROR_INVALID, "event_types: there is no '%.64s'",
                             key != NULL ? key : "?");
        events[kind] = true;
    }
    return true;
}

static bool is_name(const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            return false;
    }
    return length > 0 && length <= WEBHOOK_NAME_MAX;
}

/* What is given of it; `events` holds what event_types names. */
static bool read_request(struct call *call, struct webhook_request *request,
                         bool events[static NOTIFICATION_COUNT], struct error *err)
{
    const json_t *given = json_member(call->body, "event_types");

    request->is_enabled = true;
    if (!json_opt_text(call->body, "name", HTTP_BODY_MAX, &request->name, err) ||
        !json_opt_text(call->body, "webhook_url", HTTP_BODY_MAX, &request->url, err) ||
        !json_opt_bool(call->body, "enabled", &request->is_enabled, err) ||
        (given != NULL && !read_events(given, events, err)))
        return false;
    if (given != NULL)
        request->events = events;
    if (request->name != NULL && !is_name(request->name))
        return error_set(err, ERROR_INVALID, "name has 1 to %d bytes", WEBHOOK_NAME_MAX);
    return request->url == NULL ||
           outbound_check(request->url, call->app->webhooks.allows_local, err) ||
           error_context(err, "webhook_url");
}

void handle_webhook_create(struct call *call)
{
    bool events[NOTIFICATION_COUNT] = { false };
    struct webhook_request request = { 0 };
    struct webhook_reply done;
    struct error err;

    if (!read_request(call, &request, events, &err))
        return reply_error(call, &err);
    if (request.url == NULL || request.events == NULL)
        return reply_refuse(call, 400, "invalid_args",
                            "webhook_url and event_types must be given.");
    if (request.name == NULL)
        request.name = "webhook";
    if (!flow_webhook_create(&call->app->flow, &call->caller, &request, call->request->arena, &done,
                             &err))
        return reply_error(call, &err);
    if (!refuse(call, done.outcome))
        reply_webhook(call, &done, true);
}

void handle_webhook_update(struct call *call)
{
    bool events[NOTIFICATION_COUNT] = { false };
    struct webhook_request request = { 0 };
    struct webhook_reply done;
    struct error err;

    if (!read_request(call, &request, events, &err) ||
        !flow_webhook_update(&call->app->flow, &call->caller, call->params[0].id, &request,
                             call->request->arena, &done, &err))
        return reply_error(call, &err);
    if (!refuse(call, done.outcome))
        reply_webhook(call, &done, false);
}

void handle_webhook_rotate(struct call *call)
{
    struct webhook_reply done;
    struct error err;

    if (!flow_webhook_rotate(&call->app->flow, &call->caller, call->params[0].id,
                             call->request->arena, &done, &err))
        return reply_error(call, &err);
    if (!refuse(call, done.outcome))
        reply_webhook(call, &done, false);
}

void handle_webhook_delete(struct call *call)
{
    enum webhook_outcome outcome;
    struct error err;

    if (!flow_webhook_delete(&call->app->flow, &call->caller, call->params[0].id, &outcome, &err))
        return reply_error(call, &err);
    if (!refuse(call, outcome))
        reply_message(call, "The webhook is gone.");
}

void handle_webhook_test(struct call *call)
{
    enum webhook_outcome outcome;
    struct error err;

    if (!flow_webhook_test(&call->app->flow, &call->caller, call->params[0].id, &outcome, &err))
        return reply_error(call, &err);
    if (!refuse(call, outcome))
        reply_message(call, "A test is on its way.");
}
