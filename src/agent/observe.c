/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/observe.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOKS_MAX = 4, /* at once */
    LIST_EVERY_MS = 20000,
    SIZE_EVERY_MS = 15000, /* one container's size, in turn: the engine has to count its files */
    RETRY_MS = 500,
    ANSWER_MS = 20000,
    EVENT_MAX = 256 * 1024,
};

#define LABEL_FILTER "%7B%22label%22%3A%5B%22" SEEN_LABEL_MACHINE "%22%5D%7D"

/* {"type":["container"],"label":["berth.machine"]} */
#define EVENT_FILTER                                                                               \
    "%7B%22type%22%3A%5B%22container%22%5D%2C%22label%22%3A%5B%22" SEEN_LABEL_MACHINE "%22%5D%7D"

/* One container under inspection. */
struct look {
    struct observer *observer;
    struct web_call *call; /* NULL: this one is free */
    char id[DOCKER_ID_SIZE];
    bool is_stale; /* something happened to it since we asked: ask again */
};

struct observer {
    struct loop *loop;
    struct web *web;
    struct observe_options options;
    char *socket;

    bool is_ok;
    char message[256];
    int64_t session;
    struct web_call *list, *events;
    struct loop_timer *timer; /* for the next list */
    bool must_list;           /* somebody waits for it */
    struct loop_timer *size_timer;
    size_t size_turn;
    struct loop_timer *look_timer; /* curl takes no requests from within its callbacks */
    struct buf event;              /* a line that is not complete */
    struct look looks[LOOKS_MAX];

    size_t count, capacity;
    struct seen **all; /* owned, each */
    size_t wanted_count, wanted_capacity;
    char (*wanted)[DOCKER_ID_SIZE]; /* to be inspected */
};

static void *grow(void *memory, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return memory;
    *capacity = *capacity == 0 ? 16 : 2 * *capacity;
    memory = realloc(memory, *capacity * size);
    if (memory == NULL)
        abort();
    return memory;
}

static void tell(struct observer *observer)
{
    observer->options.on_change(observer->options.context);
}

static void drop_at(struct observer *observer, size_t index)
{
    free(observer->all[index]);
    observer->all[index] = observer->all[--observer->count];
}

static bool drop_id(struct observer *observer, const char *id)
{
    for (size_t i = 0; i < observer->count; i++) {
        if (strcmp(observer->all[i]->id, id) == 0) {
            drop_at(observer, i);
            return true;
        }
    }
    return false;
}

/* True: it was seen in another state before, or not at all. */
static bool put(struct observer *observer, const struct seen *seen)
{
    for (size_t i = 0; i < observer->count; i++) {
        if (strcmp(observer->all[i]->id, seen->id) == 0) {
            int64_t disk_used_mb = observer->all[i]->disk_used_mb;
            bool is_other = observer->all[i]->state != seen->state;

            *observer->all[i] = *seen;
            if (seen->disk_used_mb < 0)
                observer->all[i]->disk_used_mb = disk_used_mb;
            return is_other;
        }
    }
    if (observer->count == SEEN_MAX)
        return false;
    observer->all =
        grow(observer->all, observer->count, &observer->capacity, sizeof(struct seen *));
    struct seen *copy = malloc(sizeof *copy);
    if (copy == NULL)
        abort();
    *copy = *seen;
    observer->all[observer->count++] = copy;
    return true;
}

/* Inspecting */

static void look_at_wanted(struct observer *observer);

static void want(struct observer *observer, const char *id)
{
    if (strlen(id) >= DOCKER_ID_SIZE)
        return;
    for (size_t i = 0; i < LOOKS_MAX; i++) {
        if (observer->looks[i].call != NULL && strcmp(observer->looks[i].id, id) == 0) {
            observer->looks[i].is_stale = true;
            return;
        }
    }
    for (size_t i = 0; i < observer->wanted_count; i++) {
        if (strcmp(observer->wanted[i], id) == 0)
            return;
    }
    if (observer->wanted_count == SEEN_MAX)
        return;
    observer->wanted = grow(observer->wanted, observer->wanted_count, &observer->wanted_capacity,
                            sizeof *observer->wanted);
    (void)snprintf(observer->wanted[observer->wanted_count++], DOCKER_ID_SIZE, "%s", id);
}

static void take_inspected(struct observer *observer, const struct web_answer *answer)
{
    auto_json json_t *root = NULL;
    struct error err;
    struct seen seen;

    if (!json_parse(answer->body, answer->length, &root, &err) ||
        !seen_parse(root, observer->options.host, &seen, &err)) {
        log_failure(&observer->options.log, "container not understood", &err);
        return;
    }
    /* Somebody may wait for that, and not for the others that are being looked at. */
    if (put(observer, &seen) && observer->is_ok)
        tell(observer);
}

bool observe_is_looking(const struct observer *observer)
{
    bool is_busy = observer->wanted_count > 0 || observer->list != NULL || observer->must_list;

    for (size_t i = 0; i < LOOKS_MAX; i++)
        is_busy = is_busy || observer->looks[i].call != NULL;
    return is_busy;
}

/* Once all has been looked at, what is seen is what is. */
static void settle(struct observer *observer)
{
    if (observe_is_looking(observer) || observer->events == NULL)
        return;
    if (!observer->is_ok) {
        observer->is_ok = true;
        observer->session++;
        *observer->message = '\0';
        log_write(&observer->options.log, LOG_INFO, "engine found", "%zu containers",
                  observer->count);
    }
    tell(observer);
}

static void on_inspected(void *context, const struct web_answer *answer)
{
    struct look *look = context;
    struct observer *observer = look->observer;

    if (answer->is_answered && answer->status == 200)
        take_inspected(observer, answer);
    else if (answer->is_answered && answer->status == 404)
        (void)drop_id(observer, look->id);
    if (look->is_stale)
        want(observer, look->id);
    look_at_wanted(observer);
    settle(observer);
}

static void look_at(struct look *look, bool with_size)
{
    struct observer *observer = look->observer;
    char url[128 + DOCKER_ID_SIZE];

    look->is_stale = false;
    (void)snprintf(url, sizeof url, "%s/containers/%s/json%s", DOCKER_URL, look->id,
                   with_size ? "?size=1" : "");
    web_send(
        observer->web,
        &(struct web_request){ .http = { .method = "GET", .url = url, .timeout_ms = ANSWER_MS },
                               .unix_socket = observer->socket,
                               .reply_max = DOCKER_REPLY_MAX,
                               .on_done = on_inspected,
                               .context = look },
        &look->call);
}

static void look_at_wanted(struct observer *observer)
{
    for (size_t i = 0; i < LOOKS_MAX && observer->wanted_count > 0; i++) {
        struct look *look = &observer->looks[i];

        if (look->call != NULL)
            continue;
        memcpy(look->id, observer->wanted[--observer->wanted_count], DOCKER_ID_SIZE);
        look_at(look, false);
    }
}

static void on_size_time(void *context)
{
    struct observer *observer = context;
    struct look *look = &observer->looks[0];

    loop_timer_set(observer->size_timer, SIZE_EVERY_MS);
    if (!observer->is_ok || observer->count == 0 || look->call != NULL)
        return;
    observer->size_turn = (observer->size_turn + 1) % observer->count;
    memcpy(look->id, observer->all[observer->size_turn]->id, DOCKER_ID_SIZE);
    look_at(look, true);
}

static void on_look_time(void *context)
{
    look_at_wanted(context);
}

/* Events */

static void lose_engine(struct observer *observer, const char *why)
{
    bool was_ok = observer->is_ok;

    observer->is_ok = false;
    (void)snprintf(observer->message, sizeof observer->message, "%s", why);
    web_cancel(&observer->events);
    web_cancel(&observer->list);
    for (size_t i = 0; i < LOOKS_MAX; i++)
        web_cancel(&observer->looks[i].call);
    observer->wanted_count = 0;
    loop_timer_set(observer->timer, RETRY_MS);
    if (was_ok)
        log_write(&observer->options.log, LOG_WARNING, "engine lost", "%s", why);
    tell(observer);
}

static void take_event(struct observer *observer, const char *line, size_t length)
{
    auto_json json_t *root = NULL;
    struct error ignored;

    if (!json_parse(line, length, &root, &ignored))
        return;
    const char *id = json_string_value(json_object_get(json_object_get(root, "Actor"), "ID"));
    const char *action = json_string_value(json_object_get(root, "Action"));
    if (id == NULL || action == NULL)
        return;
    /* An exec's comings and goings change nothing of its container. */
    if (strncmp(action, "exec_", 5) == 0 || strcmp(action, "top") == 0)
        return;
    want(observer, id);
}

static bool on_event_bytes(void *context, const char *bytes, size_t length)
{
    struct observer *observer = context;
    const char *end;

    while ((end = memchr(bytes, '\n', length)) != NULL) {
        size_t count = (size_t)(end - bytes);

        buf_append(&observer->event, bytes, count);
        if (observer->event.length > 0)
            take_event(observer, observer->event.bytes, observer->event.length);
        buf_release(&observer->event);
        bytes += count + 1;
        length -= count + 1;
    }
    buf_append(&observer->event, bytes, length);
    loop_timer_hurry(observer->look_timer, 0);
    return true;
}

static void on_events_end(void *context, const struct web_answer *answer)
{
    struct observer *observer = context;

    buf_release(&observer->event);
    lose_engine(observer, answer->is_answered ? "its stream of events ended" : answer->err.text);
}

/* From a moment before the list, so that nothing falls between the two. */
static void open_events(struct observer *observer)
{
    int64_t since_s = clock_now(&clock_system).microseconds / US_PER_SECOND - 2;
    char url[512];

    (void)snprintf(url, sizeof url, "%s/events?since=%" PRId64 "&filters=%s", DOCKER_URL, since_s,
                   EVENT_FILTER);
    web_send(observer->web,
             &(struct web_request){ .http = { .method = "GET", .url = url },
                                    .unix_socket = observer->socket,
                                    .reply_max = 65536,
                                    .take = on_event_bytes,
                                    .on_done = on_events_end,
                                    .context = observer },
             &observer->events);
}

/* Listing */

static const char *state_word(const struct seen *seen)
{
    switch (seen->state) {
    case SEEN_CREATED:
        return "created";
    case SEEN_RUNNING:
        return "running";
    case SEEN_EXITED:
        return "exited";
    case SEEN_BUSY:
        break;
    }
    return "";
}

static bool is_known(const struct observer *observer, const char *id, const char *state)
{
    for (size_t i = 0; i < observer->count; i++) {
        if (strcmp(observer->all[i]->id, id) == 0)
            return strcmp(state_word(observer->all[i]), state) == 0;
    }
    return false;
}

static bool is_listed(const json_t *list, const char *id)
{
    size_t index;
    json_t *item;

    json_array_foreach(list, index, item)
    {
        const char *listed = json_string_value(json_object_get(item, "Id"));

        if (listed != NULL && strcmp(listed, id) == 0)
            return true;
    }
    return false;
}

/* After a new engine everything is inspected; later only what looks different. */
static void take_list(struct observer *observer, const json_t *list)
{
    size_t index;
    json_t *item;

    for (size_t i = observer->count; i-- > 0;) {
        if (!is_listed(list, observer->all[i]->id))
            drop_at(observer, i);
    }
    json_array_foreach(list, index, item)
    {
        const char *id = json_string_value(json_object_get(item, "Id"));
        const char *state = json_string_value(json_object_get(item, "State"));

        if (id != NULL && (!observer->is_ok || state == NULL || !is_known(observer, id, state)))
            want(observer, id);
    }
}

/* One that was asked for while an older one was under way comes after it. */
static void on_listed(void *context, const struct web_answer *answer)
{
    struct observer *observer = context;
    auto_json json_t *list = NULL;
    struct error err = answer->err;
    char reason[128];

    if (answer->is_answered && answer->status == 200 &&
        json_parse(answer->body, answer->length, &list, &err)) {
        if (observer->events == NULL)
            open_events(observer);
        take_list(observer, list);
        loop_timer_set(observer->timer, observer->must_list ? 0 : LIST_EVERY_MS);
        look_at_wanted(observer);
        settle(observer);
        return;
    }
    (void)snprintf(reason, sizeof reason, "it answers %d", answer->status);
    lose_engine(observer, answer->is_answered ? reason : err.text);
}

static void on_time(void *context)
{
    struct observer *observer = context;

    if (observer->list != NULL)
        return;
    observer->must_list = false;
    web_send(observer->web,
             &(struct web_request){
                 .http = { .method = "GET",
                           .url = DOCKER_URL "/containers/json?all=1&filters=" LABEL_FILTER,
                           .timeout_ms = ANSWER_MS },
                 .unix_socket = observer->socket,
                 .reply_max = DOCKER_REPLY_MAX,
                 .on_done = on_listed,
                 .context = observer },
             &observer->list);
}

struct observer *observe_open(struct loop *loop, struct web *web,
                              const struct observe_options *options)
{
    struct observer *observer = calloc(1, sizeof *observer);

    if (observer == NULL)
        abort();
    observer->loop = loop;
    observer->web = web;
    observer->options = *options;
    observer->socket = strdup(options->socket);
    if (observer->socket == NULL)
        abort();
    observer->options.socket = observer->socket;
    observer->event = buf_of(EVENT_MAX);
    for (size_t i = 0; i < LOOKS_MAX; i++)
        observer->looks[i].observer = observer;
    (void)snprintf(observer->message, sizeof observer->message, "not asked yet");
    observer->timer = loop_timer(loop, on_time, observer);
    observer->look_timer = loop_timer(loop, on_look_time, observer);
    observer->size_timer = loop_timer(loop, on_size_time, observer);
    loop_timer_set(observer->timer, 0);
    loop_timer_set(observer->size_timer, SIZE_EVERY_MS);
    return observer;
}

void observe_close(struct observer **observer)
{
    struct observer *closing = *observer;

    if (closing == NULL)
        return;
    web_cancel(&closing->list);
    web_cancel(&closing->events);
    for (size_t i = 0; i < LOOKS_MAX; i++)
        web_cancel(&closing->looks[i].call);
    for (size_t i = 0; i < closing->count; i++)
        free(closing->all[i]);
    free(closing->all);
    free(closing->wanted);
    buf_release(&closing->event);
    loop_timer_close(&closing->timer);
    loop_timer_close(&closing->look_timer);
    loop_timer_close(&closing->size_timer);
    free(closing->socket);
    free(closing);
    *observer = NULL;
}

bool observe_is_ok(const struct observer *observer)
{
    return observer->is_ok;
}

const char *observe_message(const struct observer *observer)
{
    return observer->message;
}

int64_t observe_session(const struct observer *observer)
{
    return observer->session;
}

size_t observe_count(const struct observer *observer)
{
    return observer->count;
}

const struct seen *observe_at(const struct observer *observer, size_t index)
{
    assert(index < observer->count);
    return observer->all[index];
}

const struct seen *observe_find(const struct observer *observer, int64_t machine_id,
                                int64_t instance_id, bool is_next)
{
    for (size_t i = 0; i < observer->count; i++) {
        const struct seen *seen = observer->all[i];

        if (seen->machine_id == machine_id && seen->instance_id == instance_id &&
            seen_is_next(seen) == is_next)
            return seen;
    }
    return NULL;
}

void observe_put(struct observer *observer, int64_t machine_id, int64_t instance_id,
                 const struct seen *seen, size_t count)
{
    for (size_t i = observer->count; i-- > 0;) {
        if (observer->all[i]->machine_id == machine_id &&
            observer->all[i]->instance_id == instance_id)
            drop_at(observer, i);
    }
    for (size_t i = 0; i < count; i++)
        (void)put(observer, &seen[i]);

    /* An answer on its way may be older than this. */
    for (size_t i = 0; i < LOOKS_MAX; i++) {
        struct look *look = &observer->looks[i];

        if (look->call == NULL)
            continue;
        web_cancel(&look->call);
        want(observer, look->id);
    }
    look_at_wanted(observer);
}

void observe_refresh(struct observer *observer)
{
    observer->must_list = true;
    loop_timer_hurry(observer->timer, 0);
}
