/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/notice.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "flow/limits.h"
#include "flow/notifications.h"
#include "flow/webhook.h"
#include "store/outbox.h"
#include "store/user.h"

enum { NOTICE_MAX = 16 * 1024, KEY_SIZE = 128 };

bool notice_mail(struct db *db, const struct notice *notice, struct instant now, struct error *err)
{
    auto_buf struct buf body = buf_of(NOTICE_MAX);
    struct encoder json = encoder_of(&body);
    char key[KEY_SIZE], token[TOKEN_TEXT_SIZE];

    encode_object(&json);
    encode_field_text(&json, "template", notice->template);
    if (notice->members != NULL)
        encode_members(&json, notice->members, strlen(notice->members));
    encode_end(&json);
    if (notice->key == NULL)
        (void)snprintf(key, sizeof key, "mail:%s", crypto_token(token));
    if (body.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "a mail that is too long");
    struct outbox_item item = { .key = notice->key != NULL ? notice->key : key,
                                .provider = "mail",
                                .method = "POST",
                                .path = notice->email,
                                .body = body.bytes };
    return outbox_append(db, &item, now, err);
}

const char *notice_members(struct buf *object)
{
    assert(!object->has_overflowed && object->length >= 2);
    object->bytes[object->length - 1] = '\0';
    return object->bytes + 1;
}

static bool tell_webhooks(struct db *db, const struct notice_event *event, struct instant now,
                          struct error *err)
{
    char token[TOKEN_TEXT_SIZE];
    const struct webhook_event told = { .user_id = event->user_id,
                                        .kind = event->kind,
                                        .template = event->template,
                                        .key =
                                            event->key != NULL ? event->key : crypto_token(token),
                                        .members = event->members };

    return webhook_tell(db, &told, now, err);
}

bool notice_tell(struct db *db, const struct notice_event *event, struct instant now,
                 struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct notifications chosen;
    struct notice mail = { .template = event->template,
                           .key = event->key,
                           .members = event->members };

    if (!notifications_load(db, event->user_id, &chosen, err))
        return false;
    if (chosen.choices[event->kind].webhooks && !tell_webhooks(db, event, now, err))
        return false;
    return !chosen.choices[event->kind].email ||
           (user_mail(db, event->user_id, &arena, &mail.email, err) &&
            (mail.email[0] == '\0' || notice_mail(db, &mail, now, err)));
}

bool notice_tell_of_machine(struct db *db, const struct notice_machine *machine, struct instant now,
                            struct error *err)
{
    char members[64];

    (void)snprintf(members, sizeof members, "\"machine\":%lld", (long long)machine->id);
    const struct notice_event event = { .user_id = machine->owner_id,
                                        .kind = machine->kind,
                                        .template = machine->template,
                                        .key = machine->key,
                                        .members = members };
    return notice_tell(db, &event, now, err);
}
