/* SPDX-License-Identifier: Apache-2.0 */
/* What an account is told of, and how (api.md 3.11). */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "flow/notifications.h"
#include "server/app.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { REPLY_MAX = 64 * 1024, KEY_SIZE = 128 };

static void encode_choice(struct encoder *json, const char *name, struct notification_choice choice)
{
    encode_key(json, name);
    encode_object(json);
    encode_field_bool(json, "email", choice.email);
    encode_field_bool(json, "webhooks", choice.webhooks);
    encode_end(json);
}

void handle_notification_types(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_key(&json, "notification_types");
    encode_array(&json);
    for (size_t i = 0; i < NOTIFICATION_COUNT; i++) {
        const struct notification_kind *kind = notification_kind((enum notification)i);

        encode_object(&json);
        encode_field_text(&json, "key", kind->key);
        encode_field_text(&json, "slug", kind->slug);
        encode_field_text(&json, "context", kind->context);
        encode_field_text(&json, "topic", kind->topic);
        encode_field_text(&json, "category", kind->topic);
        encode_field_text(&json, "display_name", kind->display);
        encode_choice(&json, "default_preferences", notification_default());
        encode_field_bool(&json, "mandatory_email", kind->is_mandatory);
        encode_end(&json);
    }
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

/* Kinds of one context stand side by side in the table. */
static void reply_chosen(struct call *call, const struct notifications *chosen)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    const char *context = NULL;

    encode_object(&json);
    encode_key(&json, "notification_preferences");
    encode_object(&json);
    for (size_t i = 0; i < NOTIFICATION_COUNT; i++) {
        const struct notification_kind *kind = notification_kind((enum notification)i);

        if (context == NULL || strcmp(context, kind->context) != 0) {
            if (context != NULL)
                encode_end(&json);
            encode_key(&json, kind->context);
            encode_object(&json);
            context = kind->context;
        }
        encode_choice(&json, kind->slug, chosen->choices[i]);
    }
    encode_end(&json);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

static bool refuse_others(struct call *call)
{
    if (call->params[0].id == 0 || call->params[0].id == call->caller.user_id)
        return false;
    reply_refuse(call, 403, "not_authorized", "This is another account.");
    return true;
}

void handle_notifications_show(struct call *call)
{
    struct notifications chosen;
    struct error err;

    if (refuse_others(call))
        return;
    if (!flow_notifications(&call->app->flow, &call->caller, &chosen, &err))
        return reply_error(call, &err);
    reply_chosen(call, &chosen);
}

static bool read_choice(const char *context, const char *slug, const json_t *given,
                        struct notifications *chosen, struct error *err)
{
    char key[KEY_SIZE];
    int length = snprintf(key, sizeof key, "%s:%s", context, slug);
    enum notification kind =
        length > 0 && (size_t)length < sizeof key ? notification_find(key) : NOTIFICATION_COUNT;

    if (kind == NOTIFICATION_COUNT)
        return error_set(err, ERROR_INVALID, "there is no notification %.32s:%.32s", context, slug);
    if (!json_is_object(given))
        return error_set(err, ERROR_INVALID, "%s is an object: email, webhooks", key);
    return (json_opt_bool(given, "email", &chosen->choices[kind].email, err) &&
            json_opt_bool(given, "webhooks", &chosen->choices[kind].webhooks, err)) ||
           error_context(err, "%s", key);
}

static bool read_chosen(const json_t *given, struct notifications *ret, struct error *err)
{
    const char *context, *slug;
    json_t *kinds, *choice;

    *ret = notifications_default();
    json_object_foreach((json_t *)given, context, kinds)
    {
        if (!json_is_object(kinds))
            return error_set(err, ERROR_INVALID, "%.32s is an object", context);
        json_object_foreach(kinds, slug, choice)
        {
            if (!read_choice(context, slug, choice, ret, err))
                return false;
        }
    }
    return notifications_are_good(ret) ||
           error_set(err, ERROR_INVALID, "mails about security cannot be turned off");
}

void handle_notifications_set(struct call *call)
{
    struct notifications chosen;
    const json_t *given;
    struct error err;

    if (refuse_others(call))
        return;
    if (!json_need_object(call->body, "notification_preferences", &given, &err) ||
        !read_chosen(given, &chosen, &err) ||
        !flow_notifications_set(&call->app->flow, &call->caller, &chosen, &err))
        return reply_error(call, &err);
    reply_chosen(call, &chosen);
}
