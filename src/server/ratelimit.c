/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ratelimit.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/instant.h"

/* A bucket is kept as the instant at which it will be full: then filling needs no doing, and an
 * unknown caller is one whose bucket is full already. */
enum { SET_COUNT = 8192, SET_SIZE = 4, LOCK_COUNT = 64 };

struct bucket {
    uint64_t caller; /* part of the hash, mixed with the class */
    int64_t full_us; /* 0: never used */
};

struct ratelimit {
    struct rate_limits limits;
    pthread_mutex_t locks[LOCK_COUNT]; /* each guards every LOCK_COUNT-th set */
    struct bucket sets[SET_COUNT][SET_SIZE];
};

struct rate_limits rate_limits_default(void)
{
    return (struct rate_limits){
        .of = {
            [RATE_READ] = { .per_second = 200, .burst = 1000 },
            [RATE_WRITE] = { .per_second = 50, .burst = 500 },
            [RATE_SEARCH] = { .per_second = 1000, .burst = 5000 },
            [RATE_SECRET] = { .per_second = 10, .burst = 200 },
            [RATE_AGENT] = { .per_second = 20, .burst = 200 },
        },
    };
}

struct rate_limits rate_limits_times(uint32_t factor)
{
    struct rate_limits limits = rate_limits_default();

    assert(factor <= RATE_FACTOR_MAX);
    for (size_t i = 0; i < RATE_CLASS_COUNT; i++) {
        limits.of[i].per_second *= factor;
        limits.of[i].burst *= factor;
    }
    return limits;
}

struct ratelimit *ratelimit_open(const struct rate_limits *limits)
{
    struct ratelimit *ratelimit = calloc(1, sizeof *ratelimit);

    if (ratelimit == NULL)
        abort();
    ratelimit->limits = *limits;
    for (size_t i = 0; i < LOCK_COUNT; i++)
        (void)pthread_mutex_init(&ratelimit->locks[i], NULL);
    return ratelimit;
}

void ratelimit_close(struct ratelimit **address)
{
    struct ratelimit *ratelimit = *address;

    if (ratelimit == NULL)
        return;
    for (size_t i = 0; i < LOCK_COUNT; i++)
        (void)pthread_mutex_destroy(&ratelimit->locks[i]);
    free(ratelimit);
    *address = NULL;
}

/* The caller's bucket in its set; else the one that limits least, emptied of its past. */
static struct bucket *find(struct bucket set[static SET_SIZE], uint64_t caller)
{
    struct bucket *least = &set[0];

    for (size_t i = 0; i < SET_SIZE; i++) {
        if (set[i].caller == caller)
            return &set[i];
        if (set[i].full_us < least->full_us)
            least = &set[i];
    }
    *least = (struct bucket){ .caller = caller };
    return least;
}

bool ratelimit_take(struct ratelimit *ratelimit, const struct hash *caller, enum rate_class rate,
                    int64_t now_us, int64_t *ret_wait_us)
{
    uint64_t words[2];

    if (rate == RATE_NONE || ratelimit->limits.of[rate].per_second == 0)
        return true;
    memcpy(words, caller->bytes, sizeof words);
    uint64_t name = words[0] ^ ((uint64_t)rate + 1);
    size_t index = words[1] % SET_COUNT;
    struct rate_limit limit = ratelimit->limits.of[rate];
    int64_t token_us = US_PER_SECOND / (int64_t)limit.per_second;
    int64_t burst_us = token_us * (int64_t)limit.burst;

    pthread_mutex_t *lock = &ratelimit->locks[index % LOCK_COUNT];
    (void)pthread_mutex_lock(lock);
    struct bucket *bucket = find(ratelimit->sets[index], name);
    int64_t full_us = bucket->full_us > now_us ? bucket->full_us : now_us;
    bool is_granted = full_us - now_us + token_us <= burst_us;
    if (is_granted)
        bucket->full_us = full_us + token_us;
    else
        *ret_wait_us = full_us - now_us + token_us - burst_us;
    (void)pthread_mutex_unlock(lock);
    return is_granted;
}
