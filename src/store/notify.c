/* SPDX-License-Identifier: Apache-2.0 */
#include "store/notify.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "store/listen.h"
#include "sys/clock.h"
#include "sys/thread.h"

enum { TOPIC_COUNT = TOPIC_LAST + 1, RECONNECT_MS = 1000 };

struct subscription {
    store_listener *listener;
    void *context;
};

struct notify {
    const struct log *log;
    char *url; /* owned; NULL on SQLite */
    int wake_fd;
    pthread_t thread;
    bool has_thread;

    pthread_mutex_t lock; /* guards what follows */
    struct db_change queue[NOTIFY_QUEUE_MAX];
    size_t count;
    unsigned lost; /* a bit a topic */
    bool is_stopping;
    struct subscription subscriptions[NOTIFY_LISTENERS_MAX];
    size_t subscription_count;

    /* The thread's own. */
    struct db_change taken[NOTIFY_QUEUE_MAX + TOPIC_COUNT];
    struct listen *listen; /* NULL: on SQLite, or not connected */
    int64_t connect_at_us; /* not before */
};

static void wake(struct notify *notify)
{
    uint64_t one = 1;

    /* Can only fail where the counter is at its end, and then the thread is awake. */
    (void)!write(notify->wake_fd, &one, sizeof one);
}

void notify_push(struct notify *notify, const struct db *db)
{
    if (db->change_count == 0 && db->changes_lost == 0)
        return;
    (void)pthread_mutex_lock(&notify->lock);
    bool has_listener = notify->url != NULL || notify->subscription_count > 0;
    for (size_t i = 0; has_listener && i < db->change_count; i++)
        if (notify->count < NOTIFY_QUEUE_MAX)
            notify->queue[notify->count++] = db->changes[i];
        else
            notify->lost |= 1u << db->changes[i].topic;
    notify->lost |= has_listener ? db->changes_lost : 0;
    (void)pthread_mutex_unlock(&notify->lock);
    if (has_listener)
        wake(notify);
}

void notify_subscribe(struct notify *notify, store_listener *listener, void *context)
{
    (void)pthread_mutex_lock(&notify->lock);
    assert(notify->subscription_count < NOTIFY_LISTENERS_MAX);
    notify->subscriptions[notify->subscription_count++] =
        (struct subscription){ listener, context };
    (void)pthread_mutex_unlock(&notify->lock);
}

/* Everything that waits, into `taken`. */
static size_t take(struct notify *notify, bool *ret_is_stopping)
{
    size_t count;

    (void)pthread_mutex_lock(&notify->lock);
    count = notify->count;
    memcpy(notify->taken, notify->queue, count * sizeof notify->queue[0]);
    for (unsigned topic = 0; topic < TOPIC_COUNT; topic++)
        if (notify->lost & 1u << topic)
            notify->taken[count++] = (struct db_change){ (enum db_topic)topic, STORE_ID_ANY };
    notify->count = 0;
    notify->lost = 0;
    *ret_is_stopping = notify->is_stopping;
    (void)pthread_mutex_unlock(&notify->lock);
    return count;
}

static void tell(void *context, struct db_change change)
{
    struct notify *notify = context;

    /* Subscriptions are only ever added, so what is below the count stays as it is. */
    (void)pthread_mutex_lock(&notify->lock);
    size_t count = notify->subscription_count;
    (void)pthread_mutex_unlock(&notify->lock);
    for (size_t i = 0; i < count; i++)
        notify->subscriptions[i].listener(notify->subscriptions[i].context, change.topic,
                                          change.id);
}

static void disconnect(struct notify *notify, struct error *err)
{
    log_failure(notify->log, "store: cannot hear of other servers' changes", err);
    listen_close(&notify->listen);
}

/* While there was no connection, they may have said something, and so may we. */
static void make_up(struct notify *notify)
{
    struct db_change any[TOPIC_COUNT];
    struct error err;

    for (unsigned topic = 0; topic < TOPIC_COUNT; topic++) {
        any[topic] = (struct db_change){ (enum db_topic)topic, STORE_ID_ANY };
        tell(notify, any[topic]);
    }
    if (!listen_send(notify->listen, any, TOPIC_COUNT, &err) ||
        !listen_receive(notify->listen, tell, notify, &err))
        disconnect(notify, &err);
}

/* To the other servers, what was taken. The answer may have brought some of theirs. */
static void pass_on(struct notify *notify, size_t count)
{
    struct error err;

    if (notify->listen != NULL && (!listen_send(notify->listen, notify->taken, count, &err) ||
                                   !listen_receive(notify->listen, tell, notify, &err)))
        disconnect(notify, &err);
}

static void connect_again(struct notify *notify)
{
    struct error err;

    if (notify->url == NULL || notify->listen != NULL ||
        clock_boot_us(&clock_system) < notify->connect_at_us)
        return;
    notify->connect_at_us = clock_boot_us(&clock_system) + RECONNECT_MS * US_PER_MS;
    if (listen_open(notify->url, &notify->listen, &err))
        make_up(notify);
}

static void wait_for_news(struct notify *notify)
{
    struct error err;
    uint64_t times;
    struct pollfd polled[] = {
        { .fd = notify->wake_fd, .events = POLLIN },
        { .fd = notify->listen != NULL ? listen_descriptor(notify->listen) : -1, .events = POLLIN },
    };
    bool is_alone = notify->url != NULL && notify->listen == NULL;

    if (poll(polled, 2, is_alone ? RECONNECT_MS : -1) < 0)
        return;
    if (polled[0].revents != 0)
        (void)!read(notify->wake_fd, &times, sizeof times);
    if (polled[1].revents != 0 && !listen_receive(notify->listen, tell, notify, &err))
        disconnect(notify, &err);
}

static void *run(void *context)
{
    struct notify *notify = context;
    bool is_stopping = false;

    while (!is_stopping) {
        size_t count = take(notify, &is_stopping);

        for (size_t i = 0; i < count; i++)
            tell(notify, notify->taken[i]);
        if (count > 0)
            pass_on(notify, count);
        if (count > 0 || is_stopping)
            continue;
        wait_for_news(notify);
        connect_again(notify);
    }
    return NULL;
}

bool notify_start(const char *url, const struct log *log, struct notify **ret_notify,
                  struct error *err)
{
    struct notify *notify = calloc(1, sizeof *notify);

    if (notify == NULL)
        abort();
    notify->log = log;
    notify->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (notify->wake_fd < 0) {
        free(notify);
        return error_system(err, errno, "make an eventfd");
    }
    (void)pthread_mutex_init(&notify->lock, NULL);
    if (url != NULL && (notify->url = strdup(url)) == NULL)
        abort();
    notify->has_thread = (url == NULL || listen_open(url, &notify->listen, err)) &&
                         thread_start(&notify->thread, run, notify, err);
    if (!notify->has_thread) {
        notify_stop(&notify);
        return false;
    }
    *ret_notify = notify;
    return true;
}

void notify_stop(struct notify **owner)
{
    struct notify *notify = *owner;

    if (notify == NULL)
        return;
    (void)pthread_mutex_lock(&notify->lock);
    notify->is_stopping = true;
    (void)pthread_mutex_unlock(&notify->lock);
    wake(notify);
    if (notify->has_thread)
        (void)pthread_join(notify->thread, NULL);
    listen_close(&notify->listen);
    (void)pthread_mutex_destroy(&notify->lock);
    (void)close(notify->wake_fd);
    free(notify->url);
    free(notify);
    *owner = NULL;
}
