/* SPDX-License-Identifier: Apache-2.0 */
#include "server/deliver.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "sys/thread.h"
#include "sys/trace.h"

enum { ITEMS_ARENA_MAX = 16 << 20, IDLE_SECONDS = 60 };

struct deliver {
    struct deliver_options options;
    pthread_t thread;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool is_stopping, is_woken;
    bool has_stopped; /* its thread has ended */
};

int64_t deliver_pause_s(int64_t attempts)
{
    int64_t pause_s = DELIVER_PAUSE_SECONDS;

    for (int64_t i = 1; i < attempts && pause_s < DELIVER_PAUSE_SECONDS_MAX; i++)
        pause_s *= 2;
    return pause_s < DELIVER_PAUSE_SECONDS_MAX ? pause_s : DELIVER_PAUSE_SECONDS_MAX;
}

static struct instant now_of(const struct deliver *deliver)
{
    return clock_now(deliver->options.flow->clock);
}

/* What a lease took, in the arena. */
struct batch {
    const struct deliver *deliver;
    struct arena *arena;
    struct outbox_item items[OUTBOX_LEASE_MAX];
    size_t count;
};

static bool lease(struct db *db, void *context, struct error *err)
{
    struct batch *batch = context;
    struct instant now = now_of(batch->deliver);
    const struct outbox_lease wanted = {
        .owner = batch->deliver->options.server_proc,
        .now = now,
        .until = instant_add(now, DELIVER_LEASE_SECONDS * US_PER_SECOND),
        .max = DELIVER_BATCH_MAX,
        .lane = batch->deliver->options.lane,
    };

    batch->count = 0;
    return outbox_lease(db, &wanted, batch->arena, batch->items, &batch->count, err);
}

struct finish {
    const struct deliver *deliver;
    int64_t id;
    struct outbox_result result;
    bool is_ours;
};

static bool store_result(struct db *db, void *context, struct error *err)
{
    struct finish *finish = context;

    return outbox_finish(db, finish->id, finish->deliver->options.server_proc, &finish->result,
                         &finish->is_ours, err);
}

static const struct deliver_provider *find_provider(const struct deliver *deliver, const char *name)
{
    for (size_t i = 0; i < deliver->options.provider_count; i++) {
        if (strcmp(deliver->options.providers[i].name, name) == 0)
            return &deliver->options.providers[i];
    }
    return NULL;
}

static bool is_refusal(int64_t status)
{
    return status >= 300 && status < 500 && status != 408 && status != 409 && status != 429;
}

/* What becomes of the item after a provider was asked, or was not to be had. */
static struct outbox_result judge(const struct deliver *deliver, const struct outbox_item *item,
                                  bool was_asked, int64_t status)
{
    struct outbox_result result = { .end = OUTBOX_AGAIN, .status = status };
    int64_t pause_s = was_asked ? deliver_pause_s(item->attempts) : DELIVER_PAUSE_SECONDS_MAX;

    if (was_asked && status >= 200 && status < 300)
        result.end = OUTBOX_DONE;
    else if (was_asked && (is_refusal(status) || item->attempts >= DELIVER_ATTEMPTS_MAX))
        result.end = OUTBOX_GIVEN_UP;
    else
        result.next = instant_add(now_of(deliver), pause_s * US_PER_SECOND);
    return result;
}

static void deliver_item(struct deliver *deliver, const struct outbox_item *item)
{
    const struct deliver_provider *provider = find_provider(deliver, item->provider);
    auto_buf struct buf response = buf_of(OUTBOX_RESPONSE_MAX);
    const struct flow *flow = deliver->options.flow;
    int64_t status = 0;
    struct error err;

    if (provider == NULL)
        log_write(flow->log, LOG_WARNING, "delivery waits", "item %lld: no provider '%s' here",
                  (long long)item->id, item->provider);
    else if (!provider->send(provider->context, item, &status, &response, &err))
        log_failure(flow->log, "delivery failed", &err);
    else
        log_write(flow->log, LOG_DEBUG, "delivered", "item %lld, %s, status %lld",
                  (long long)item->id, item->provider, (long long)status);
    struct finish finish = { .deliver = deliver,
                             .id = item->id,
                             .result = judge(deliver, item, provider != NULL, status) };
    finish.result.response = response.length > 0 && !response.has_overflowed ? response.bytes : "";
    if (!store_write(flow->store, store_result, &finish, &err))
        log_failure(flow->log, "delivery not recorded", &err);
    if (finish.result.end == OUTBOX_GIVEN_UP)
        log_write(flow->log, LOG_ERROR, "delivery given up", "item %lld, %s, status %lld",
                  (long long)item->id, item->provider, (long long)status);
    metrics_add(deliver->options.metrics,
                finish.result.end == OUTBOX_DONE ? METRICS_DELIVERIES : METRICS_DELIVERIES_FAILED,
                1);
}

/* For the request that it came of, whoever makes it. */
static void carry_out(struct deliver *deliver, const struct outbox_item *item)
{
    trace_set(item->request_id);
    deliver_item(deliver, item);
    trace_set(NULL);
}

static bool is_stopping(struct deliver *deliver)
{
    (void)pthread_mutex_lock(&deliver->lock);
    bool result = deliver->is_stopping;
    (void)pthread_mutex_unlock(&deliver->lock);
    return result;
}

/* Everything that is due. */
static void deliver_due(struct deliver *deliver)
{
    struct error err;
    size_t count;

    do {
        auto_arena struct arena arena = arena_of(ITEMS_ARENA_MAX);
        struct batch batch = { .deliver = deliver, .arena = &arena };
        if (!store_write(deliver->options.flow->store, lease, &batch, &err)) {
            log_failure(deliver->options.flow->log, "outbox not read", &err);
            return;
        }
        for (size_t i = 0; i < batch.count && !is_stopping(deliver); i++)
            carry_out(deliver, &batch.items[i]);
        count = batch.count;
    } while (count > 0 && !is_stopping(deliver));
}

struct next {
    enum outbox_lane lane;
    struct instant due;
    bool has;
};

static bool read_next(struct db *db, void *context, struct error *err)
{
    struct next *next = context;

    return outbox_next(db, next->lane, &next->due, &next->has, err);
}

/* How long until the next item is due; at most IDLE_SECONDS, for what was woken in vain. */
static int64_t wait_us(const struct deliver *deliver)
{
    struct next next = { .lane = deliver->options.lane };
    int64_t idle_us = IDLE_SECONDS * US_PER_SECOND;
    struct error err;

    if (!store_read(deliver->options.flow->store, read_next, &next, &err) || !next.has)
        return idle_us;
    int64_t until_us = instant_until(now_of(deliver), next.due);
    return until_us < 0 ? 0 : until_us < idle_us ? until_us : idle_us;
}

static bool wait_for_work(struct deliver *deliver)
{
    int64_t pause_us = wait_us(deliver);
    struct timespec until = thread_after(pause_us);

    (void)pthread_mutex_lock(&deliver->lock);
    while (!deliver->is_stopping && !deliver->is_woken &&
           pthread_cond_timedwait(&deliver->changed, &deliver->lock, &until) == 0)
        continue;
    deliver->is_woken = false;
    bool goes_on = !deliver->is_stopping;
    (void)pthread_mutex_unlock(&deliver->lock);
    return goes_on;
}

static void *run(void *context)
{
    struct deliver *deliver = context;

    do {
        deliver_due(deliver);
    } while (wait_for_work(deliver));
    return NULL;
}

bool deliver_open(const struct deliver_options *options, struct deliver **ret_deliver,
                  struct error *err)
{
    struct deliver *deliver = calloc(1, sizeof *deliver);

    if (deliver == NULL)
        abort();
    deliver->options = *options;
    (void)pthread_mutex_init(&deliver->lock, NULL);
    thread_cond(&deliver->changed);
    if (!thread_start(&deliver->thread, run, deliver, err)) {
        free(deliver);
        return error_context(err, "start the deliverer");
    }
    *ret_deliver = deliver;
    return true;
}

void deliver_wake(struct deliver *deliver)
{
    (void)pthread_mutex_lock(&deliver->lock);
    deliver->is_woken = true;
    (void)pthread_cond_signal(&deliver->changed);
    (void)pthread_mutex_unlock(&deliver->lock);
}

void deliver_stop(struct deliver *deliver)
{
    if (deliver == NULL || deliver->has_stopped)
        return;
    (void)pthread_mutex_lock(&deliver->lock);
    deliver->is_stopping = true;
    (void)pthread_cond_signal(&deliver->changed);
    (void)pthread_mutex_unlock(&deliver->lock);
    (void)pthread_join(deliver->thread, NULL);
    deliver->has_stopped = true;
}

void deliver_close(struct deliver **deliver_owner)
{
    struct deliver *deliver = *deliver_owner;

    if (deliver == NULL)
        return;
    deliver_stop(deliver);
    (void)pthread_cond_destroy(&deliver->changed);
    (void)pthread_mutex_destroy(&deliver->lock);
    free(deliver);
    *deliver_owner = NULL;
}
