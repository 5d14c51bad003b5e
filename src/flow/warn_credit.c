/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/warn_credit.h"

#include "base/arena.h"
#include "base/encode.h"
#include "flow/funds.h"
#include "flow/limits.h"
#include "flow/notice.h"
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
    enum notification kind;
    const char *template;
    const char *left; /* until then */
    bool is_low;      /* it is below an amount of the renter's own, whenever it ends */
    struct instant now;
};

static bool send_mail(struct db *db, const struct user_row *user, const struct mail *mail,
                      struct arena *arena, struct error *err)
{
    auto_buf struct buf body = buf_of(MAIL_MAX);
    struct encoder json = encoder_of(&body);
    char text[INSTANT_TEXT_SIZE];
    struct instant at = mail->is_low ? mail->now : user->t_zero;

    encode_object(&json);
    encode_field_text(&json, "left", mail->left);
    encode_field_exact(&json, "amount", user->low_credit);
    encode_field_text(&json, "end", instant_format(user->t_zero, text));
    encode_end(&json);
    const char *key = arena_printf(arena, "credit:%lld:%lld:%s", (long long)user->id,
                                   (long long)at.microseconds, mail->left);
    if (body.has_overflowed || key == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "a mail that is too long");
    const struct notice_event event = { .user_id = user->id,
                                        .kind = mail->kind,
                                        .template = mail->template,
                                        .key = key,
                                        .members = notice_members(&body) };
    return notice_tell(db, &event, mail->now, err);
}

/* An end that is near is more urgent than an amount: who hears of the one need not hear of the
 * other. */
static bool tell(struct db *db, const struct user_row *user, int level, struct instant now,
                 struct arena *arena, struct error *err)
{
    bool is_low = level == WARNING_LOW, may;
    struct mail mail = { .kind = NOTIFICATION_LOW_CREDIT,
                         .template = is_low ? "low_balance" : "low_credit",
                         .left = is_low ? "low" : warning_left(level),
                         .is_low = is_low,
                         .now = now };

    if (!user_may_warn(db, user->id, level, now, &may, err))
        return false;
    return !may ||
           (send_mail(db, user, &mail, arena, err) && db_notify(db, TOPIC_USER, user->id, err));
}

static bool warn_work(struct db *db, void *context, struct error *err)
{
    struct warn_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct warning_state state;
    struct warning_low low;
    struct user_row user;
    bool has;

    if (!user_lock(db, work->user_id, err) ||
        !user_load(db, work->user_id, &arena, &user, &has, err))
        return false;
    if (!has)
        return true;
    if (!funds_low(db, &user, work->now, &arena, &low, err))
        return false;
    int level = warning_due(user.warned, user.t_zero, work->now, &state);
    if (warning_low_due(&state, &low, work->now) && level < 0)
        level = WARNING_LOW;
    return user_set_warned(db, user.id, state.warned, state.next, err) &&
           (level < 0 || tell(db, &user, level, work->now, &arena, err));
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
    struct mail mail = { .kind = NOTIFICATION_CREDIT_EXHAUSTED,
                         .template = "credit_exhausted",
                         .left = "0",
                         .now = now };
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct user_row user;
    bool has;

    if (!user_load(db, user_id, &arena, &user, &has, err))
        return false;
    user.t_zero = end;
    return !has || send_mail(db, &user, &mail, &arena, err);
}
