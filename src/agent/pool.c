/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pool.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/encode.h"

enum {
    WORK_TIMEOUT_MS = 60000,
    LAST_TIMEOUT_MS = 4000, /* for all that pool_close() does */
    RETRY_FIRST_MS = 5000,
    RETRY_MAX_MS = 300000,
    /* The engine finishes what it was asked for by a worker that is no more, and may do so after
     * the listing: list again soon, and less and less often. */
    LIST_AGAIN_MS = 1000,
    LIST_EVERY_MS = 300000,
    ENTRIES_MAX = 2 * POOL_TARGET_MAX,
};

enum task { TASK_NONE, TASK_LIST, TASK_HOLDER, TASK_NETWORK, TASK_REMOVE };

struct entry {
    int64_t slot;
    bool is_held;
};

struct pool {
    struct loop *loop;
    struct pool_options options;
    struct loop_timer *timer;
    int64_t session; /* of the engine; 0: there is none */
    bool is_listed;  /* what it has is known */
    bool is_busy;
    int64_t quiet_since_us;
    int64_t list_us, list_delay_ms; /* when to list again, and how long from then to the next */
    size_t count;
    struct entry entries[ENTRIES_MAX];
    size_t trash_count;
    int64_t trash[HOLDER_SLOTS_MAX]; /* to be removed */
    struct job *job;
    enum task task;
    int64_t slot; /* of the task */
    int failure_count;
    int64_t retry_us;
};

/* What a worker is told; it sees the memory as it was when it was started. */
static bool work(void *context, const struct job_report *report, struct buf *result,
                 struct error *err)
{
    const struct pool *pool = context;
    const struct pool_options *options = &pool->options;
    auto_docker struct docker docker = docker_open(options->engine_socket);
    struct encoder json = encoder_of(result);
    static struct holder_slot slots[HOLDER_SLOTS_MAX];
    size_t count;

    (void)report;
    switch (pool->task) {
    case TASK_HOLDER:
        return holder_make(&docker, options->host, pool->slot, err);
    case TASK_NETWORK:
        return holder_network(&docker, options->host, pool->slot, err);
    case TASK_REMOVE:
        return holder_remove(&docker, options->host, pool->slot, err);
    case TASK_LIST:
    case TASK_NONE:
        break;
    }
    if (!holder_list(&docker, options->host, slots, &count, err))
        return false;
    encode_array(&json);
    for (size_t i = 0; i < count; i++) {
        /* Those of the agent before us had its limits. */
        if (options->host->isolate != NULL && !slots[i].is_broken && !pool->is_listed &&
            !isolate_admit(options->host->isolate, slots[i].slot, err))
            return false;
        encode_object(&json);
        encode_field_int(&json, "slot", slots[i].slot);
        encode_field_bool(&json, "is_held", slots[i].is_held);
        encode_field_bool(&json, "is_broken", slots[i].is_broken);
        encode_end(&json);
    }
    encode_end(&json);
    return true;
}

static size_t count_of(const struct pool *pool, bool is_held)
{
    size_t count = 0;

    for (size_t i = 0; i < pool->count; i++)
        count += pool->entries[i].is_held == is_held ? 1 : 0;
    return count;
}

static void discard(struct pool *pool, int64_t slot)
{
    if (pool->trash_count < HOLDER_SLOTS_MAX)
        pool->trash[pool->trash_count++] = slot;
}

/* Into the pool, as far as it wants more of them. */
static void take_in(struct pool *pool, struct holder_slot slot)
{
    if (pool->options.is_used(pool->options.context, slot.slot))
        return;
    if (slot.is_broken || count_of(pool, slot.is_held) >= (size_t)pool->options.target)
        discard(pool, slot.slot);
    else
        pool->entries[pool->count++] = (struct entry){ slot.slot, slot.is_held };
}

static void take_list(struct pool *pool, const json_t *list)
{
    struct json_bounds bounds = { 1, INT32_MAX };
    size_t index;
    json_t *item;

    pool->count = pool->trash_count = 0;
    json_array_foreach(list, index, item)
    {
        struct holder_slot slot;
        struct error err;

        if (json_need_int(item, "slot", bounds, &slot.slot, &err) &&
            json_need_bool(item, "is_held", &slot.is_held, &err) &&
            json_need_bool(item, "is_broken", &slot.is_broken, &err))
            take_in(pool, slot);
    }
}

/* What is known may be out of date, and what the engine is doing is not known. */
static void distrust(struct pool *pool)
{
    pool->is_listed = false;
    pool->list_delay_ms = LIST_AGAIN_MS;
}

static void trust(struct pool *pool)
{
    pool->is_listed = true;
    pool->list_us = loop_now_us(pool->loop) + pool->list_delay_ms * US_PER_MS;
    pool->list_delay_ms *= 2;
    if (pool->list_delay_ms > LIST_EVERY_MS)
        pool->list_delay_ms = LIST_EVERY_MS;
}

static void fail(struct pool *pool, const struct error *err)
{
    int64_t delay_ms = RETRY_FIRST_MS;

    for (int i = 0; i < pool->failure_count && delay_ms < RETRY_MAX_MS; i++)
        delay_ms *= 2;
    if (pool->failure_count++ == 0)
        log_failure(&pool->options.log, "network not made ahead", err);
    pool->retry_us = loop_now_us(pool->loop) + delay_ms * US_PER_MS;
}

static void think(struct pool *pool);

static void on_end(void *context, const struct job_end *end)
{
    struct pool *pool = context;
    enum task task = pool->task;
    int64_t slot = pool->slot;

    pool->task = TASK_NONE;
    pool->slot = 0;
    if (!end->is_done) {
        /* Half of it may be there, or come to be: whoever lists next will see. */
        distrust(pool);
        fail(pool, &end->err);
    } else if (task == TASK_LIST) {
        take_list(pool, end->result);
        trust(pool);
    } else {
        pool->failure_count = 0; /* a list alone proves nothing: what failed comes after it */
        if (task != TASK_REMOVE)
            take_in(pool, (struct holder_slot){ slot, task == TASK_HOLDER, false });
    }
    think(pool);
}

static void begin(struct pool *pool, enum task task, int64_t slot)
{
    struct job_spec spec = { .work = work,
                             .work_context = pool,
                             .timeout_ms = WORK_TIMEOUT_MS,
                             .on_end = on_end,
                             .context = pool };
    struct error err;

    pool->task = task;
    pool->slot = slot;
    if (job_start(pool->loop, &spec, &pool->job, &err))
        return;
    pool->task = TASK_NONE;
    pool->slot = 0;
    fail(pool, &err);
}

static void wake_at(struct pool *pool, int64_t at_us)
{
    int64_t now_us = loop_now_us(pool->loop);

    loop_timer_set(pool->timer, at_us > now_us ? (at_us - now_us) / US_PER_MS + 1 : 1);
}

static void begin_next(struct pool *pool)
{
    size_t target = (size_t)pool->options.target;
    bool needs_holder = count_of(pool, true) < target;

    if (!pool->is_listed || loop_now_us(pool->loop) >= pool->list_us) {
        begin(pool, TASK_LIST, 0);
    } else if (pool->trash_count > 0) {
        begin(pool, TASK_REMOVE, pool->trash[--pool->trash_count]);
    } else if (needs_holder || count_of(pool, false) < target) {
        int64_t slot = pool->options.next_slot(pool->options.context);

        if (slot > 0)
            begin(pool, needs_holder ? TASK_HOLDER : TASK_NETWORK, slot);
    } else {
        pool->failure_count = 0;
    }
    if (pool->job != NULL)
        return;
    /* It could not start, or there is nothing to do, or no slot is left. */
    bool waits = pool->failure_count > 0 && pool->retry_us > loop_now_us(pool->loop);
    wake_at(pool, waits ? pool->retry_us : pool->list_us);
}

/* Begin what is due, or set the timer for when it will be. */
static void think(struct pool *pool)
{
    int64_t due_us = pool->quiet_since_us + POOL_QUIET_MS * US_PER_MS;

    if (pool->job != NULL || pool->session == 0 || pool->is_busy)
        return;
    if (pool->failure_count > 0 && pool->retry_us > due_us)
        due_us = pool->retry_us;
    if (due_us > loop_now_us(pool->loop))
        wake_at(pool, due_us);
    else
        begin_next(pool);
}

static void on_time(void *context)
{
    think(context);
}

struct pool *pool_open(struct loop *loop, const struct pool_options *options)
{
    struct pool *pool = calloc(1, sizeof *pool);

    if (pool == NULL)
        abort();
    assert(options->target >= 0 && options->target <= POOL_TARGET_MAX);
    pool->loop = loop;
    pool->options = *options;
    pool->timer = loop_timer(loop, on_time, pool);
    return pool;
}

/* Without a worker: there is nothing left for the agent to do meanwhile. */
static void clear(struct pool *pool)
{
    auto_docker struct docker docker = docker_open(pool->options.engine_socket);
    int64_t until_us = loop_now_us(pool->loop) + LAST_TIMEOUT_MS * US_PER_MS;
    struct error err;

    for (size_t i = 0; i < pool->count && loop_now_us(pool->loop) < until_us; i++) {
        if (!holder_remove(&docker, pool->options.host, pool->entries[i].slot, &err)) {
            log_failure(&pool->options.log, "network made ahead not removed", &err);
            return;
        }
    }
}

void pool_close(struct pool **pool)
{
    struct pool *closing = *pool;

    if (closing == NULL)
        return;
    if (closing->task == TASK_HOLDER || closing->task == TASK_NETWORK)
        take_in(closing, (struct holder_slot){ .slot = closing->slot });
    job_cancel(&closing->job);
    if (closing->session != 0)
        clear(closing);
    loop_timer_close(&closing->timer);
    free(closing);
    *pool = NULL;
}

void pool_tend(struct pool *pool, int64_t session, bool is_busy)
{
    if (session != pool->session) {
        job_cancel(&pool->job); /* it would only wait for an engine that is away */
        pool->task = TASK_NONE;
        pool->slot = 0;
        distrust(pool);
    }
    pool->session = session;
    if (pool->is_busy && !is_busy)
        pool->quiet_since_us = loop_now_us(pool->loop);
    pool->is_busy = is_busy;
    think(pool);
}

void pool_admit(const struct pool *pool)
{
    const struct isolate *isolate = pool->options.host->isolate;
    struct error err;

    for (size_t i = 0; isolate != NULL && i < pool->count; i++) {
        if (!isolate_admit(isolate, pool->entries[i].slot, &err))
            log_failure(&pool->options.log, "network not walled off", &err);
    }
}

int64_t pool_find(const struct pool *pool, bool is_held)
{
    for (size_t i = 0; i < pool->count && pool->is_listed; i++) {
        if (pool->entries[i].is_held == is_held)
            return pool->entries[i].slot;
    }
    return 0;
}

void pool_drop(struct pool *pool, int64_t slot)
{
    for (size_t i = 0; i < pool->count; i++) {
        if (pool->entries[i].slot == slot) {
            pool->entries[i] = pool->entries[--pool->count];
            return;
        }
    }
}

bool pool_has(const struct pool *pool, int64_t slot)
{
    bool has = slot == pool->slot;

    for (size_t i = 0; i < pool->count; i++)
        has = has || pool->entries[i].slot == slot;
    for (size_t i = 0; i < pool->trash_count; i++)
        has = has || pool->trash[i] == slot;
    return has;
}
