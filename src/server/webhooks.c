/* SPDX-License-Identifier: Apache-2.0 */
#include "server/webhooks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/parse.h"
#include "flow/webhook.h"
#include "server/mail_text.h"
#include "sys/outbound.h"

enum {
    ARENA_MAX = 1 << 20,
    BODY_MAX = 64 * 1024,
    ID_BYTES = 16,
    LINE_SIZE = 160,
    STATUS_SENT = 200,
    STATUS_NEVER = 422,
};

/* Names the event to whoever gets it, over however many attempts. */
static void name_event(const struct outbox_item *item, char id[static HEX_SIZE(ID_BYTES)])
{
    struct hash hash = crypto_sha256(item->key, strlen(item->key));

    (void)hex_format(hash.bytes, ID_BYTES, id);
}

static bool write_body(const struct webhooks *webhooks, const struct webhook_target *target,
                       const struct outbox_item *item, struct buf *out, struct error *err)
{
    auto_buf struct buf subject = buf_of(BODY_MAX), message = buf_of(BODY_MAX);
    auto_json json_t *members = NULL;
    struct encoder json = encoder_of(out);
    char id[HEX_SIZE(ID_BYTES)];
    const char *template, *kind;
    int64_t at;

    if (!json_parse(item->body, strlen(item->body), &members, err) ||
        !json_need_text(members, "template", 64, &template, err) ||
        !json_need_text(members, "kind", 64, &kind, err) ||
        !json_need_int(members, "at", (struct json_bounds){ 0, INT64_MAX }, &at, err))
        return error_context(err, "webhook item %" PRId64, item->id);
    (void)json_object_set_new(members, "url",
                              json_string(webhooks->url != NULL ? webhooks->url : "the market"));
    if (!mail_text_plain(template, members, &subject, &message, err))
        return false;
    name_event(item, id);
    encode_object(&json);
    encode_field_text(&json, "event_id", id);
    encode_field_int(&json, "user_id", target->user_id);
    encode_field_text(&json, "notif_type", kind);
    encode_field_text(&json, "subject", subject.bytes);
    encode_field_text(&json, "message", message.bytes);
    encode_field_int(&json, "timestamp", at);
    encode_end(&json);
    return !out->has_overflowed || error_set(err, ERROR_OUT_OF_RANGE, "an event that is too long");
}

/* HMAC-SHA256 over "<seconds>.<body>". */
static void sign(const char *secret, int64_t seconds, const struct buf *body,
                 char line[static LINE_SIZE])
{
    auto_buf struct buf text = buf_of(BODY_MAX + LINE_SIZE);
    char signature[HEX_SIZE(HASH_SIZE)];

    buf_printf(&text, "%" PRId64 ".", seconds);
    buf_append(&text, body->bytes, body->length);
    struct hash hash = crypto_hmac(secret, strlen(secret), text.bytes, text.length);
    (void)snprintf(line, LINE_SIZE, "X-Vast-Signature-256: sha256=%s",
                   hex_format(hash.bytes, HASH_SIZE, signature));
}

static bool post(const struct webhooks *webhooks, const struct webhook_target *target,
                 const struct outbox_item *item, const struct buf *body, int *ret_status,
                 struct buf *response, struct error *err)
{
    int64_t now_s = clock_now(webhooks->flow->clock).microseconds / US_PER_SECOND;
    char id[HEX_SIZE(ID_BYTES)], event[LINE_SIZE], attempt[LINE_SIZE], time[LINE_SIZE];
    char signature[LINE_SIZE];
    const char *const headers[] = { "Content-Type: application/json",
                                    "User-Agent: berth-webhook/1",
                                    event,
                                    attempt,
                                    time,
                                    signature,
                                    NULL };
    const struct outbound request = {
        .url = target->url, .headers = headers, .body = body, .allows_local = webhooks->allows_local
    };

    name_event(item, id);
    (void)snprintf(event, sizeof event, "X-Vast-Event-Id: %s", id);
    (void)snprintf(attempt, sizeof attempt, "X-Vast-Delivery-Attempt: %" PRId64, item->attempts);
    (void)snprintf(time, sizeof time, "X-Vast-Timestamp: %" PRId64, now_s);
    sign(target->secret, now_s, body, signature);
    return outbound_post(&request, ret_status, response, err);
}

bool webhooks_send(void *context, const struct outbox_item *item, int64_t *ret_status,
                   struct buf *response, struct error *err)
{
    const struct webhooks *webhooks = context;
    auto_arena struct arena arena = arena_of(ARENA_MAX);
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct webhook_target target;
    struct error none;
    uint64_t id;
    int status = 0;
    bool has;

    if (!parse_u64(item->path, &id) || id > INT64_MAX)
        return error_set(err, ERROR_CORRUPT, "item %" PRId64 " is for no webhook", item->id);
    if (!flow_webhook_target(webhooks->flow, (int64_t)id, &arena, &target, &has, err))
        return false;
    *ret_status = STATUS_SENT;
    if (!has)
        return true;
    if (!write_body(webhooks, &target, item, &body, err))
        return false;
    bool has_answer = post(webhooks, &target, item, &body, &status, response, err);
    bool has_arrived = has_answer && status >= 200 && status < 300;
    /* How it went is the webhook's to know, too; what cannot be written is written next time. */
    if (!flow_webhook_result(webhooks->flow, target.id, has_arrived, &none))
        log_failure(webhooks->flow->log, "webhook not written down", &none);
    *ret_status = status;
    if (has_answer || (err->code != ERROR_FORBIDDEN && err->code != ERROR_INVALID))
        return has_answer;
    /* It will be no public address later, either. */
    *ret_status = STATUS_NEVER;
    return true;
}
