/* SPDX-License-Identifier: Apache-2.0 */
#include "server/events.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/encode.h"
#include "flow/instance.h"
#include "flow/show_user.h"
#include "server/instance_json.h"
#include "sys/thread.h"

enum { EVENT_MAX = 16 * 1024, READ_ARENA_MAX = 64 << 20 };

struct change {
    enum db_topic topic;
    int64_t id;
    int64_t owner_id; /* whose listeners hear of it; found by the thread */
};

/* Belongs to the thread, once it has taken it from `arrivals`. */
struct listener {
    struct listener *next;
    struct caller caller;
    struct http_stream *stream; /* owned */
    int64_t *known_ids;         /* owned: instances that it was told of */
    size_t known_count, known_capacity;
    bool is_new;
    bool is_gone; /* its client is: to be removed */
    int64_t balance_due_us, ends_us;
};

struct events {
    const struct flow *flow;
    struct metrics *metrics;
    pthread_t thread;

    /* The thread's own. */
    struct listener *listeners; /* newest first */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct listener *arrivals;
    struct change queue[EVENTS_QUEUE_MAX];
    size_t queue_length;
    bool is_all_touched, is_stopping;
    bool has_stopped; /* its thread has ended */
    int64_t count;
};

static int64_t monotonic_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

static void free_listener(struct listener *listener)
{
    http_stream_close(&listener->stream);
    free(listener->known_ids);
    free(listener);
}

static void send_event(struct events *events, struct listener *listener, const char *name,
                       const struct buf *data)
{
    auto_buf struct buf text = buf_of(EVENT_MAX + 64);

    buf_printf(&text, "event: %s\ndata: ", name);
    buf_append(&text, data->bytes, data->length);
    buf_append(&text, "\n\n", 2);
    if (data->has_overflowed || text.has_overflowed)
        return;
    if (http_stream_send(listener->stream, text.bytes, text.length))
        metrics_add(events->metrics, METRICS_EVENTS_SENT, 1);
    else
        listener->is_gone = true;
}

static void log_trouble(const struct events *events, const struct error *err)
{
    log_failure(events->flow->log, "event not sent", err);
}

static void tell_balance(struct events *events, struct listener *listener)
{
    auto_arena struct arena arena = arena_of(READ_ARENA_MAX);
    auto_buf struct buf data = buf_of(EVENT_MAX);
    struct encoder json = encoder_of(&data);
    struct user_view view;
    struct error err;

    listener->balance_due_us = monotonic_us() + EVENTS_BALANCE_STILL_SECONDS * US_PER_SECOND;
    if (!flow_show_user(events->flow, &listener->caller, &arena, &view, &err)) {
        log_trouble(events, &err);
        return;
    }
    /* Deleted meanwhile: the stream ends. */
    if (view.user.closed.microseconds != 0) {
        listener->is_gone = true;
        return;
    }
    if (view.burn_hour.nanodollars > 0)
        listener->balance_due_us = monotonic_us() + EVENTS_BALANCE_SECONDS * US_PER_SECOND;
    encode_object(&json);
    encode_field_money(&json, "credit", view.credit);
    encode_field_money(&json, "balance", view.earnings);
    encode_field_money(&json, "burn_hour", view.burn_hour);
    encode_end(&json);
    send_event(events, listener, "balance", &data);
}

/* Where the instance stands among those it was told of; known_count: nowhere. */
static size_t find_known(const struct listener *listener, int64_t id)
{
    size_t i = 0;

    while (i < listener->known_count && listener->known_ids[i] != id)
        i++;
    return i;
}

static void remember(struct listener *listener, int64_t id)
{
    if (find_known(listener, id) < listener->known_count)
        return;
    if (listener->known_count == listener->known_capacity) {
        listener->known_capacity = listener->known_capacity > 0 ? 2 * listener->known_capacity : 16;
        listener->known_ids =
            realloc(listener->known_ids, listener->known_capacity * sizeof listener->known_ids[0]);
        if (listener->known_ids == NULL)
            abort();
    }
    listener->known_ids[listener->known_count++] = id;
}

static void tell_instance(struct events *events, struct listener *listener,
                          const struct instance_view *view)
{
    auto_buf struct buf data = buf_of(EVENT_MAX);
    struct encoder json = encoder_of(&data);

    remember(listener, view->contract->id);
    encode_object(&json);
    encode_field_int(&json, "id", view->contract->id);
    encode_field_text(&json, "actual_status", instance_actual_status(view));
    encode_field_text(&json, "intended_status", view->status.intended_status);
    encode_field_text(&json, "cur_state", view->status.cur_state);
    encode_field_text(&json, "next_state", view->status.next_state);
    encode_field_text(&json, "status_msg", view->status_msg);
    encode_field_text(&json, "label", view->contract->label);
    encode_end(&json);
    send_event(events, listener, "instance", &data);
}

static void tell_gone(struct events *events, struct listener *listener, size_t known)
{
    auto_buf struct buf data = buf_of(EVENT_MAX);
    struct encoder json = encoder_of(&data);

    encode_object(&json);
    encode_field_int(&json, "id", listener->known_ids[known]);
    encode_end(&json);
    listener->known_ids[known] = listener->known_ids[--listener->known_count];
    send_event(events, listener, "gone", &data);
}

static void tell_contract(struct events *events, struct listener *listener, int64_t id)
{
    auto_arena struct arena arena = arena_of(READ_ARENA_MAX);
    size_t known = find_known(listener, id);
    struct instance_view view;
    bool has;
    struct error err;

    if (!flow_instance_show(events->flow, &listener->caller, id, &arena, &view, &has, &err))
        log_trouble(events, &err);
    else if (has)
        tell_instance(events, listener, &view);
    else if (known < listener->known_count)
        tell_gone(events, listener, known);
}

/* Everything, as to a new listener. */
static void tell_all(struct events *events, struct listener *listener)
{
    auto_arena struct arena arena = arena_of(READ_ARENA_MAX);
    struct instance_view *views;
    size_t count;
    struct error err;

    tell_balance(events, listener);
    if (!flow_instance_list(events->flow, &listener->caller, &arena, &views, &count, &err)) {
        log_trouble(events, &err);
        return;
    }
    for (size_t known = listener->known_count; known > 0; known--) {
        bool exists = false;
        for (size_t i = 0; i < count && !exists; i++)
            exists = views[i].contract->id == listener->known_ids[known - 1];
        if (!exists)
            tell_gone(events, listener, known - 1);
    }
    for (size_t i = 0; i < count && !listener->is_gone; i++)
        tell_instance(events, listener, &views[i]);
}

/* What has come in since, taken out of the lock's hands. */
struct news {
    struct listener *arrivals;
    struct change changes[EVENTS_QUEUE_MAX];
    size_t change_count;
    bool is_all;
};

/* Until there is news, or the next balance is due. False: it is over. */
static bool wait_for_news(struct events *events, struct news *ret)
{
    int64_t due_us = INT64_MAX;

    for (const struct listener *at = events->listeners; at != NULL; at = at->next)
        due_us = at->balance_due_us < due_us ? at->balance_due_us : due_us;
    struct timespec until = { .tv_sec = due_us / US_PER_SECOND,
                              .tv_nsec = due_us % US_PER_SECOND * 1000 };

    (void)pthread_mutex_lock(&events->lock);
    while (!events->is_stopping && events->arrivals == NULL && events->queue_length == 0 &&
           !events->is_all_touched && monotonic_us() < due_us) {
        if (due_us == INT64_MAX)
            (void)pthread_cond_wait(&events->changed, &events->lock);
        else
            (void)pthread_cond_timedwait(&events->changed, &events->lock, &until);
    }
    ret->arrivals = events->arrivals;
    ret->change_count = events->queue_length;
    memcpy(ret->changes, events->queue, events->queue_length * sizeof ret->changes[0]);
    ret->is_all = events->is_all_touched;
    events->arrivals = NULL;
    events->queue_length = 0;
    events->is_all_touched = false;
    bool goes_on = !events->is_stopping;
    (void)pthread_mutex_unlock(&events->lock);
    return goes_on;
}

static int compare_changes(const void *a, const void *b)
{
    const struct change *x = a, *y = b;

    if (x->topic != y->topic)
        return x->topic < y->topic ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* Each once: what has changed twice is read as it is now. */
static void drop_repeated(struct news *news)
{
    size_t count = 0;

    qsort(news->changes, news->change_count, sizeof news->changes[0], compare_changes);
    for (size_t i = 0; i < news->change_count; i++)
        if (count == 0 || compare_changes(&news->changes[count - 1], &news->changes[i]) != 0)
            news->changes[count++] = news->changes[i];
    news->change_count = count;
}

/* Where that cannot be found out nobody hears of them, and all are told everything instead. */
static void find_owners(struct events *events, struct news *news)
{
    int64_t ids[EVENTS_QUEUE_MAX], owner_ids[EVENTS_QUEUE_MAX];
    size_t count = 0;
    struct error err;

    if (news->is_all)
        return;
    drop_repeated(news);
    for (size_t i = 0; i < news->change_count; i++)
        if (news->changes[i].topic == TOPIC_CONTRACT)
            ids[count++] = news->changes[i].id;
    if (!flow_instance_owners(events->flow, ids, count, owner_ids, &err)) {
        log_trouble(events, &err);
        news->is_all = true;
        return;
    }
    count = 0;
    for (size_t i = 0; i < news->change_count; i++) {
        struct change *change = &news->changes[i];
        if (change->topic == TOPIC_CONTRACT)
            change->owner_id = owner_ids[count++];
        else if (change->topic == TOPIC_USER)
            change->owner_id = change->id;
    }
}

static void pass_on(struct events *events, struct listener *listener, const struct news *news)
{
    int64_t now_us = monotonic_us();

    if (listener->is_new || news->is_all) {
        listener->is_new = false;
        tell_all(events, listener);
    }
    for (size_t i = 0; i < news->change_count && !news->is_all && !listener->is_gone; i++) {
        const struct change *change = &news->changes[i];
        if (change->owner_id != listener->caller.user_id)
            continue;
        if (change->topic == TOPIC_CONTRACT)
            tell_contract(events, listener, change->id);
        else if (change->topic == TOPIC_USER)
            tell_balance(events, listener);
    }
    if (now_us >= listener->balance_due_us && !listener->is_gone)
        tell_balance(events, listener);
    listener->is_gone = listener->is_gone || now_us >= listener->ends_us;
}

/* Let go of who is gone, and of the oldest where there are too many. */
static void sweep(struct events *events)
{
    int64_t count = 0;

    for (struct listener **at = &events->listeners; *at != NULL;) {
        struct listener *listener = *at;
        int64_t of_user = 0;
        for (struct listener *newer = events->listeners; newer != listener; newer = newer->next)
            of_user += newer->caller.user_id == listener->caller.user_id ? 1 : 0;
        if (!listener->is_gone && count < EVENTS_LISTENERS_MAX && of_user < EVENTS_PER_USER_MAX) {
            at = &listener->next;
            count++;
            continue;
        }
        *at = listener->next;
        free_listener(listener);
    }
    (void)pthread_mutex_lock(&events->lock);
    events->count = count;
    (void)pthread_mutex_unlock(&events->lock);
}

static void *run(void *context)
{
    struct events *events = context;
    struct news *news = calloc(1, sizeof *news);

    if (news == NULL)
        abort();
    while (wait_for_news(events, news)) {
        bool has_to_sweep = news->arrivals != NULL;
        find_owners(events, news);
        while (news->arrivals != NULL) {
            struct listener *listener = news->arrivals;
            news->arrivals = listener->next;
            listener->next = events->listeners;
            events->listeners = listener;
        }
        for (struct listener *at = events->listeners; at != NULL; at = at->next) {
            pass_on(events, at, news);
            has_to_sweep = has_to_sweep || at->is_gone;
        }
        if (has_to_sweep)
            sweep(events);
    }
    while (news->arrivals != NULL) {
        struct listener *listener = news->arrivals;
        news->arrivals = listener->next;
        free_listener(listener);
    }
    free(news);
    return NULL;
}

bool events_open(const struct flow *flow, struct metrics *metrics, struct events **ret_events,
                 struct error *err)
{
    struct events *events = calloc(1, sizeof *events);

    if (events == NULL)
        abort();
    events->flow = flow;
    events->metrics = metrics;
    (void)pthread_mutex_init(&events->lock, NULL);
    thread_cond(&events->changed);
    if (!thread_start(&events->thread, run, events, err)) {
        free(events);
        return error_context(err, "start the events");
    }
    *ret_events = events;
    return true;
}

void events_stop(struct events *events)
{
    if (events == NULL || events->has_stopped)
        return;
    (void)pthread_mutex_lock(&events->lock);
    events->is_stopping = true;
    (void)pthread_cond_signal(&events->changed);
    (void)pthread_mutex_unlock(&events->lock);
    (void)pthread_join(events->thread, NULL);
    events->has_stopped = true;
}

void events_close(struct events **events_owner)
{
    struct events *events = *events_owner;

    if (events == NULL)
        return;
    events_stop(events);
    while (events->listeners != NULL) {
        struct listener *listener = events->listeners;
        events->listeners = listener->next;
        free_listener(listener);
    }
    (void)pthread_cond_destroy(&events->changed);
    (void)pthread_mutex_destroy(&events->lock);
    free(events);
    *events_owner = NULL;
}

void events_listen(struct events *events, const struct caller *caller, struct http_stream *stream)
{
    struct listener *listener = calloc(1, sizeof *listener);

    if (listener == NULL)
        abort();
    listener->caller = *caller;
    listener->stream = stream;
    listener->is_new = true;
    listener->balance_due_us = INT64_MAX;
    listener->ends_us = monotonic_us() + EVENTS_LIFETIME_SECONDS * US_PER_SECOND;
    (void)pthread_mutex_lock(&events->lock);
    listener->next = events->arrivals;
    events->arrivals = listener;
    events->count++;
    (void)pthread_cond_signal(&events->changed);
    (void)pthread_mutex_unlock(&events->lock);
}

void events_touch(struct events *events, enum db_topic topic, int64_t id)
{
    (void)pthread_mutex_lock(&events->lock);
    if (events->count > 0) {
        if (id == STORE_ID_ANY || events->queue_length == EVENTS_QUEUE_MAX)
            events->is_all_touched = true;
        else
            events->queue[events->queue_length++] = (struct change){ topic, id, 0 };
        (void)pthread_cond_signal(&events->changed);
    }
    (void)pthread_mutex_unlock(&events->lock);
}

int64_t events_count(struct events *events)
{
    (void)pthread_mutex_lock(&events->lock);
    int64_t count = events->count;
    (void)pthread_mutex_unlock(&events->lock);
    return count;
}
