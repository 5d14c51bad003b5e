/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/webhook.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/limits.h"
#include "flow/notice.h"
#include "flow/notifications.h"
#include "flow/vault.h"
#include "store/notification.h"
#include "store/outbox.h"
#include "store/user.h"

enum { EVENTS_MAX = 4096, BODY_MAX = 16 * 1024, KEY_SIZE = 160, NUMBER_SIZE = 24 };

struct webhook_work {
    const struct flow *flow;
    int64_t user_id, id;
    const struct webhook_request *request;
    struct instant now;
    struct arena *arena;
    bool has_arrived, has;
    struct webhook_row *rows;
    size_t count;
    struct webhook_target target;
    struct webhook_reply reply;
};

static struct vault_text about(int64_t user_id)
{
    return (struct vault_text){ .user_id = user_id, .about = "webhook" };
}

bool webhook_wants(const struct webhook_row *row, const char *key)
{
    size_t length = strlen(key);

    for (const char *at = row->events; *at != '\0'; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");

        if (word == length && memcmp(at, key, length) == 0)
            return true;
        at += word;
    }
    return false;
}

static const char *join_events(const bool *events, struct arena *arena)
{
    auto_buf struct buf text = buf_of(EVENTS_MAX);

    for (size_t i = 0; i < NOTIFICATION_COUNT; i++) {
        if (events[i])
            buf_printf(&text, "%s%s", text.length > 0 ? " " : "",
                       notification_kind((enum notification)i)->key);
    }
    return text.length == 0 ? "" : arena_text(arena, text.bytes);
}

/* In the work's reply, and sealed in its row. */
static bool make_secret(struct db *db, struct webhook_work *work, struct error *err)
{
    const struct vault_text of = about(work->user_id);

    return vault_text_seal(db, work->flow->vault, &of, crypto_token(work->reply.secret), work->now,
                           work->arena, &work->reply.row.secret, err);
}

/* Who asks for something to be sent there wants it sent. */
static bool turn_on(struct db *db, const struct webhook_work *work, struct error *err)
{
    struct notifications chosen;

    if (!notifications_load(db, work->user_id, &chosen, err))
        return false;
    for (size_t i = 0; i < NOTIFICATION_COUNT; i++) {
        const struct notification_row row = { notification_kind((enum notification)i)->key,
                                              chosen.choices[i].email, true };

        if (work->request->events[i] && !notification_put(db, work->user_id, &row, err))
            return false;
    }
    return true;
}

static bool create_work(struct db *db, void *context, struct error *err)
{
    struct webhook_work *work = context;
    struct webhook_row *row = &work->reply.row;

    if (!user_lock_open(db, work->user_id, err) ||
        !webhook_list(db, work->user_id, work->arena, &work->rows, &work->count, err))
        return false;
    work->reply.outcome = WEBHOOK_TOO_MANY;
    if (work->count >= WEBHOOKS_MAX)
        return true;
    *row = (struct webhook_row){ .user_id = work->user_id,
                                 .name = work->request->name,
                                 .url = work->request->url,
                                 .events = join_events(work->request->events, work->arena),
                                 .is_enabled = true,
                                 .created = work->now,
                                 .updated = work->now };
    work->reply.outcome = WEBHOOK_DONE;
    return make_secret(db, work, err) && webhook_insert(db, row, &row->id, err) &&
           turn_on(db, work, err);
}

static bool run(struct webhook_work *work, store_work *step, struct webhook_reply *ret,
                struct error *err)
{
    work->now = clock_now(work->flow->clock);
    if (!store_write(work->flow->store, step, work, err))
        return error_context(err, "webhook %" PRId64 " of user %" PRId64, work->id, work->user_id);
    *ret = work->reply;
    crypto_wipe(work->reply.secret, sizeof work->reply.secret);
    return true;
}

bool flow_webhook_create(const struct flow *flow, const struct caller *caller,
                         const struct webhook_request *request, struct arena *arena,
                         struct webhook_reply *ret, struct error *err)
{
    struct webhook_work work = {
        .flow = flow, .user_id = caller->user_id, .request = request, .arena = arena
    };

    return run(&work, create_work, ret, err);
}

/* The row, under its owner's lock. */
static bool take(struct db *db, struct webhook_work *work, struct error *err)
{
    work->reply = (struct webhook_reply){ .outcome = WEBHOOK_UNKNOWN };
    if (!user_lock_open(db, work->user_id, err) ||
        !webhook_load(db, work->user_id, work->id, work->arena, &work->reply.row, &work->has, err))
        return false;
    if (work->has)
        work->reply.outcome = WEBHOOK_DONE;
    work->reply.row.updated = work->now;
    return true;
}

static bool update_work(struct db *db, void *context, struct error *err)
{
    struct webhook_work *work = context;
    const struct webhook_request *request = work->request;
    struct webhook_row *row = &work->reply.row;

    if (!take(db, work, err))
        return false;
    if (!work->has)
        return true;
    if (request->name != NULL)
        row->name = request->name;
    if (request->url != NULL)
        row->url = request->url;
    if (request->events != NULL)
        row->events = join_events(request->events, work->arena);
    if (request->is_enabled && !row->is_enabled)
        row->failing = (struct instant){ 0 };
    row->is_enabled = request->is_enabled;
    return webhook_update(db, row, err) && (request->events == NULL || turn_on(db, work, err));
}

bool flow_webhook_update(const struct flow *flow, const struct caller *caller, int64_t id,
                         const struct webhook_request *request, struct arena *arena,
                         struct webhook_reply *ret, struct error *err)
{
    struct webhook_work work = {
        .flow = flow, .user_id = caller->user_id, .id = id, .request = request, .arena = arena
    };

    return run(&work, update_work, ret, err);
}

static bool rotate_work(struct db *db, void *context, struct error *err)
{
    struct webhook_work *work = context;

    return take(db, work, err) && (!work->has || (make_secret(db, work, err) &&
                                                  webhook_update(db, &work->reply.row, err)));
}

bool flow_webhook_rotate(const struct flow *flow, const struct caller *caller, int64_t id,
                         struct arena *arena, struct webhook_reply *ret, struct error *err)
{
    struct webhook_work work = {
        .flow = flow, .user_id = caller->user_id, .id = id, .arena = arena
    };

    return run(&work, rotate_work, ret, err);
}

static bool delete_work(struct db *db, void *context, struct error *err)
{
    struct webhook_work *work = context;
    int64_t count;

    if (!webhook_delete(db, work->user_id, work->id, &count, err))
        return false;
    work->reply.outcome = count == 1 ? WEBHOOK_DONE : WEBHOOK_UNKNOWN;
    return true;
}

bool flow_webhook_delete(const struct flow *flow, const struct caller *caller, int64_t id,
                         enum webhook_outcome *ret, struct error *err)
{
    struct webhook_work work = { .flow = flow, .user_id = caller->user_id, .id = id };
    struct webhook_reply reply;

    if (!run(&work, delete_work, &reply, err))
        return false;
    *ret = reply.outcome;
    return true;
}

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct webhook_work *work = context;

    return webhook_list(db, work->user_id, work->arena, &work->rows, &work->count, err);
}

bool flow_webhook_list(const struct flow *flow, const struct caller *caller, struct arena *arena,
                       struct webhook_row **ret, size_t *ret_count, struct error *err)
{
    struct webhook_work work = { .user_id = caller->user_id, .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list webhooks");
    *ret = work.rows;
    *ret_count = work.count;
    return true;
}

/* What the deliverer makes a message of. `at`: the same whenever it is sent. */
static bool append(struct db *db, int64_t id, const char *slug, const struct webhook_event *event,
                   struct instant now, struct error *err)
{
    auto_buf struct buf body = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&body);
    char key[KEY_SIZE], path[NUMBER_SIZE];

    encode_object(&json);
    encode_field_text(&json, "template", event->template);
    encode_field_text(&json, "kind", slug);
    encode_field_int(&json, "at", now.microseconds / US_PER_SECOND);
    if (event->members != NULL)
        encode_members(&json, event->members, strlen(event->members));
    encode_end(&json);
    if (body.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "an event that is too long");
    (void)snprintf(key, sizeof key, "hook:%" PRId64 ":%s", id, event->key);
    (void)snprintf(path, sizeof path, "%" PRId64, id);
    const struct outbox_item item = {
        .key = key, .provider = OUTBOX_WEBHOOK, .method = "POST", .path = path, .body = body.bytes
    };
    return outbox_append(db, &item, now, err);
}

bool webhook_tell(struct db *db, const struct webhook_event *event, struct instant now,
                  struct error *err)
{
    const struct notification_kind *kind = notification_kind(event->kind);
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct webhook_row *rows;
    size_t count;

    if (!webhook_list(db, event->user_id, &arena, &rows, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].is_enabled && webhook_wants(&rows[i], kind->key) &&
            !append(db, rows[i].id, kind->slug, event, now, err))
            return false;
    }
    return true;
}

static bool test_work(struct db *db, void *context, struct error *err)
{
    struct webhook_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    char token[TOKEN_TEXT_SIZE];
    const struct webhook_event event = {
        .template = "event",
        .key = crypto_token(token),
        .members = "\"subject\":\"A test\",\"message\":\"This is what your webhook gets.\""
    };

    work->arena = &arena;
    return take(db, work, err) &&
           (!work->has || append(db, work->id, "webhook_test", &event, work->now, err));
}

bool flow_webhook_test(const struct flow *flow, const struct caller *caller, int64_t id,
                       enum webhook_outcome *ret, struct error *err)
{
    struct webhook_work work = { .flow = flow, .user_id = caller->user_id, .id = id };
    struct webhook_reply reply;

    if (!run(&work, test_work, &reply, err))
        return false;
    *ret = reply.outcome;
    return true;
}

static bool target_work(struct db *db, void *context, struct error *err)
{
    struct webhook_work *work = context;
    struct webhook_row row;
    bool has;

    if (!webhook_load_any(db, work->id, work->arena, &row, &has, err))
        return false;
    work->has = has && row.is_enabled;
    if (!work->has)
        return true;
    const struct vault_text of = about(row.user_id);
    work->target = (struct webhook_target){ .id = row.id, .user_id = row.user_id, .url = row.url };
    return vault_text_open(db, work->flow->vault, &of, row.secret, work->arena,
                           &work->target.secret, err);
}

bool flow_webhook_target(const struct flow *flow, int64_t id, struct arena *arena,
                         struct webhook_target *ret, bool *ret_has, struct error *err)
{
    struct webhook_work work = { .flow = flow, .id = id, .arena = arena };

    if (!store_read(flow->store, target_work, &work, err))
        return error_context(err, "look up webhook %" PRId64, id);
    *ret = work.target;
    *ret_has = work.has;
    return true;
}

static bool tell_owner(struct db *db, const struct webhook_row *row, struct instant now,
                       struct error *err)
{
    auto_buf struct buf members = buf_of(BODY_MAX);
    struct encoder json = encoder_of(&members);
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const char *key =
        arena_printf(&arena, "webhook:%" PRId64 ":%" PRId64, row->id, row->failing.microseconds);
    const char *text = arena_printf(&arena,
                                    "Nothing has arrived at your webhook %" PRId64
                                    " (%s) for days. It is turned off; turn it on once it works.",
                                    row->id, row->name);

    if (key == NULL || text == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "a mail that is too long");
    encode_object(&json);
    encode_field_text(&json, "subject", "A webhook was turned off");
    encode_field_text(&json, "message", text);
    encode_end(&json);
    const struct notice_event event = { .user_id = row->user_id,
                                        .kind = NOTIFICATION_WEBHOOK_DISABLED,
                                        .template = "event",
                                        .key = key,
                                        .members = notice_members(&members) };
    return notice_tell(db, &event, now, err);
}

static bool result_work(struct db *db, void *context, struct error *err)
{
    struct webhook_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct webhook_row row;
    bool has;

    if (!webhook_load_any(db, work->id, &arena, &row, &has, err))
        return false;
    bool was_failing = has && row.failing.microseconds != 0;
    if (!has || !row.is_enabled || (work->has_arrived && !was_failing))
        return true;
    if (work->has_arrived)
        row.failing = (struct instant){ 0 };
    else if (!was_failing)
        row.failing = work->now;
    row.is_enabled = work->has_arrived || instant_until(row.failing, work->now) <
                                              WEBHOOK_FAILING_SECONDS * US_PER_SECOND;
    return webhook_update(db, &row, err) &&
           (row.is_enabled || tell_owner(db, &row, work->now, err));
}

bool flow_webhook_result(const struct flow *flow, int64_t id, bool has_arrived, struct error *err)
{
    struct webhook_work work = { .id = id,
                                 .has_arrived = has_arrived,
                                 .now = clock_now(flow->clock) };

    return store_write(flow->store, result_work, &work, err) ||
           error_context(err, "write down how webhook %" PRId64 " does", id);
}
