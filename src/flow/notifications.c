/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/notifications.h"

#include <assert.h>

#include "flow/limits.h"
#include "store/notification.h"
#include "store/user.h"

struct notifications notifications_default(void)
{
    struct notifications notifications;

    for (size_t i = 0; i < NOTIFICATION_COUNT; i++)
        notifications.choices[i] = notification_default();
    return notifications;
}

bool notifications_are_good(const struct notifications *notifications)
{
    for (size_t i = 0; i < NOTIFICATION_COUNT; i++) {
        if (notification_kind((enum notification)i)->is_mandatory &&
            !notifications->choices[i].email)
            return false;
    }
    return true;
}

bool notifications_load(struct db *db, int64_t user_id, struct notifications *ret,
                        struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct notification_row *rows;
    size_t count;

    if (!notification_list(db, user_id, &arena, &rows, &count, err))
        return false;
    *ret = notifications_default();
    for (size_t i = 0; i < count; i++) {
        enum notification kind = notification_find(rows[i].kind);

        /* One of a kind that there is no more says nothing. */
        if (kind < NOTIFICATION_COUNT)
            ret->choices[kind] = (struct notification_choice){
                rows[i].email || notification_kind(kind)->is_mandatory, rows[i].webhooks
            };
    }
    return true;
}

struct notifications_work {
    int64_t user_id;
    struct notifications notifications;
};

static bool load_work(struct db *db, void *context, struct error *err)
{
    struct notifications_work *work = context;

    return notifications_load(db, work->user_id, &work->notifications, err);
}

bool flow_notifications(const struct flow *flow, const struct caller *caller,
                        struct notifications *ret, struct error *err)
{
    struct notifications_work work = { .user_id = caller->user_id };

    if (!store_read(flow->store, load_work, &work, err))
        return error_context(err, "read what user %lld is told of", (long long)caller->user_id);
    *ret = work.notifications;
    return true;
}

static bool set_work(struct db *db, void *context, struct error *err)
{
    const struct notifications_work *work = context;

    if (!user_lock_open(db, work->user_id, err) || !notification_clear(db, work->user_id, err))
        return false;
    for (size_t i = 0; i < NOTIFICATION_COUNT; i++) {
        struct notification_choice choice = work->notifications.choices[i];
        const struct notification_row row = { notification_kind((enum notification)i)->key,
                                              choice.email, choice.webhooks };

        if (!notification_put(db, work->user_id, &row, err))
            return false;
    }
    return true;
}

bool flow_notifications_set(const struct flow *flow, const struct caller *caller,
                            const struct notifications *notifications, struct error *err)
{
    struct notifications_work work = { caller->user_id, *notifications };

    assert(notifications_are_good(notifications));
    return store_write(flow->store, set_work, &work, err) ||
           error_context(err, "set what user %lld is told of", (long long)caller->user_id);
}
