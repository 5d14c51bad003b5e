/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/warn_credit.h"

#include "base/arena.h"
#include "base/encode.h"
#include "flow/funds.h"
#include "flow/limits.h"
#include "flow/notice.h"
#include "market/warning.h"
#include "store/user.h"

enum { MAIL_MAX = 4096 };

struct warn_work {
    struct instant now;
    int64_t user_id;
    size_t count;
    int64_t ids[WARN_CREDIT_MAX];
};

static bool find_work(struct db *db, void *context, struct error *err)
{
    struct warn_work *work = context;

    return user_to_warn(db, work->now, work->ids, WARN_CREDIT_MAX, &work->count, err);
}

/* The same end is told of once a level, whoever does it. */
struct mail {
    enum notification kind; /* its mail has the same name */
    const char *left;
    struct instant now;
};

static bool send_mail(struct db *db, const struct user_row *user, const struct mail *mail,
                      struct arena *arena, struct error *err)
{
    auto_buf struct buf body = buf_of(MAIL_MAX);
    struct encoder json = encoder_of(&body);
    char text[INSTANT_TEXT_SIZE];

    encode_object(&json);
    encode_field_text(&json, "left", mail->left);
    encode_field_text(&json, "end", instant_format(user->t_zero, text));
    encode_end(&json);
    const char *key = arena_printf(arena, "credit:%lld:%lld:%s", (long long)user->id,
                                   (long long)user->t_zero.microseconds, mail->left);
    if (body.has_overflowed || key == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "a mail that is too long");
    const struct notice_event event = { .user_id = user->id,
                                        .kind = mail->kind,
                                        .template = notification_kind(mail->kind)->slug,
                                        .key = key,
                                        .members = notice_members(&body) };
    return notice_tell(db, &event, mail->now, err);
}

static bool warn_work(struct db *db, void *context, struct error *err)
{
    struct warn_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct warning_state state;
    struct user_row user;
    bool has;

    if (!user_lock(db, work->user_id, err) ||
        !user_load(db, work->user_id, &arena, &user, &has, err))
        return false;
    if (!has)
        return true;
    int level = warning_due(user.warned, user.t_zero, work->now, &state);
    if (!user_set_warned(db, user.id, state.warned, state.next, err))
        return false;
    if (level < 0)
        return true;
    struct mail mail = { NOTIFICATION_LOW_CREDIT, warning_left(level), work->now };
    return send_mail(db, &user, &mail, &arena, err) && db_notify(db, TOPIC_USER, user.id, err);
}

bool flow_warn_credit(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct warn_work work = { .now = clock_now(flow->clock) };

    if (!store_read(flow->store, find_work, &work, err))
        return error_context(err, "look for renters to warn");
    for (size_t i = 0; i < work.count; i++) {
        work.user_id = work.ids[i];
        if (!store_write(flow->store, warn_work, &work, err))
            return error_context(err, "warn user %lld", (long long)work.user_id);
    }
    *ret_count = work.count;
    return true;
}

bool warn_credit_ended(struct db *db, int64_t user_id, struct instant end, struct instant now,
                       struct error *err)
{
    struct mail mail = { NOTIFICATION_CREDIT_EXHAUSTED, "0", now };
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct user_row user;
    bool has;

    if (!user_load(db, user_id, &arena, &user, &has, err))
        return false;
    user.t_zero = end;
    return !has || send_mail(db, &user, &mail, &arena, err);
}
