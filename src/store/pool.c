/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/instant.h"
#include "sys/thread.h"

struct idle {
    struct db *db;
    int64_t since_us;
};

struct pool {
    pool_open *open;
    char *location; /* owned */
    size_t size;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t freed;
    struct idle idle[POOL_SIZE_MAX]; /* the last one given is the next one taken: it is warm */
    size_t idle_count;
    size_t lent_count; /* or being opened */
};

struct pool *pool_start(pool_open *open, const char *location, size_t size)
{
    struct pool *pool = calloc(1, sizeof *pool);

    assert(size > 0 && size <= POOL_SIZE_MAX);
    if (pool == NULL)
        abort();
    *pool = (struct pool){ .open = open, .location = strdup(location), .size = size };
    if (pool->location == NULL)
        abort();
    (void)pthread_mutex_init(&pool->lock, NULL);
    thread_cond(&pool->freed);
    return pool;
}

void pool_stop(struct pool **pool)
{
    if (*pool == NULL)
        return;
    assert((*pool)->lent_count == 0);
    for (size_t i = 0; i < (*pool)->idle_count; i++)
        db_close(&(*pool)->idle[i].db);
    (void)pthread_mutex_destroy(&(*pool)->lock);
    (void)pthread_cond_destroy(&(*pool)->freed);
    free((*pool)->location);
    free(*pool);
    *pool = NULL;
}

/* A place among the lent ones: with an idle connection, or with NULL, to be opened. */
static bool take_place(struct pool *pool, int wait_ms, struct db **ret_db)
{
    struct timespec deadline = thread_after(wait_ms * US_PER_MS);
    bool has_place = true;

    (void)pthread_mutex_lock(&pool->lock);
    while (has_place && pool->lent_count == pool->size)
        has_place = pthread_cond_timedwait(&pool->freed, &pool->lock, &deadline) == 0;
    has_place = pool->lent_count < pool->size; /* it may have come as the wait ended */
    if (has_place) {
        pool->lent_count++;
        *ret_db = pool->idle_count > 0 ? pool->idle[--pool->idle_count].db : NULL;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return has_place;
}

/* The one that has lain idle for longest, where that was too long; under the lock. */
static struct db *take_idler(struct pool *pool, int64_t now_us)
{
    if (pool->idle_count == 0 || now_us - pool->idle[0].since_us < POOL_IDLE_US)
        return NULL;
    struct db *db = pool->idle[0].db;
    memmove(pool->idle, pool->idle + 1, --pool->idle_count * sizeof pool->idle[0]);
    return db;
}

static void give_place(struct pool *pool, struct db *db, int64_t now_us)
{
    (void)pthread_mutex_lock(&pool->lock);
    assert(pool->lent_count > 0);
    pool->lent_count--;
    if (db != NULL)
        pool->idle[pool->idle_count++] = (struct idle){ db, now_us };
    struct db *idler = db != NULL ? take_idler(pool, now_us) : NULL;
    (void)pthread_cond_signal(&pool->freed);
    (void)pthread_mutex_unlock(&pool->lock);
    if (idler != NULL)
        db_close(&idler);
}

static int64_t steady_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

bool pool_take(struct pool *pool, int wait_ms, struct db **ret_db, struct error *err)
{
    struct db *db;

    if (!take_place(pool, wait_ms, &db))
        return error_set(err, ERROR_TIMEOUT, "no connection to the database came free");
    if (db == NULL && !pool->open(pool->location, &db, err)) {
        give_place(pool, NULL, 0);
        return false;
    }
    *ret_db = db;
    return true;
}

void pool_give(struct pool *pool, struct db *db)
{
    pool_give_at(pool, db, steady_us());
}

void pool_give_at(struct pool *pool, struct db *db, int64_t now_us)
{
    assert(!db->is_in_transaction);
    give_place(pool, db, now_us);
}

void pool_give_broken(struct pool *pool, struct db *db)
{
    struct idle broken[POOL_SIZE_MAX];
    size_t count;

    db_close(&db);
    (void)pthread_mutex_lock(&pool->lock);
    count = pool->idle_count;
    memcpy(broken, pool->idle, count * sizeof broken[0]);
    pool->idle_count = 0;
    (void)pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < count; i++)
        db_close(&broken[i].db);
    give_place(pool, NULL, 0);
}
