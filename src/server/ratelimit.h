/* SPDX-License-Identifier: Apache-2.0 */
/* How often one caller may call: token buckets, one a caller and class of route.
 *
 * A bucket fills at `per_second` and holds `burst`. Callers are named by a hash of their key or,
 * without one, of their address. Memory is bounded: the table has a fixed number of buckets in
 * sets of a few; a set that is full forgets the fullest bucket, which is the one that limits
 * least. */

#ifndef BERTH_SERVER_RATELIMIT_H
#define BERTH_SERVER_RATELIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "sys/crypto.h"

enum rate_class {
    RATE_READ,
    RATE_WRITE,
    RATE_SEARCH,
    RATE_SECRET, /* keys, tokens: what is worth guessing or hoarding */
    RATE_AGENT,
    RATE_NONE, /* never limited: health, metrics */
    RATE_CLASS_COUNT = RATE_NONE,
};

struct rate_limit {
    uint32_t per_second; /* 0: no limit */
    uint32_t burst;      /* at least 1 */
};

struct rate_limits {
    struct rate_limit of[RATE_CLASS_COUNT];
};

/* Far above what a person or a script in good faith does. */
struct rate_limits rate_limits_default(void);

/* The same, `factor` times as high; 0: no limits. */
struct rate_limits rate_limits_times(uint32_t factor);

enum { RATE_FACTOR_MAX = 1000 };

struct ratelimit;

struct ratelimit *ratelimit_open(const struct rate_limits *limits);
void ratelimit_close(struct ratelimit **ratelimit);

/* Take one token at `now_us` on a clock that only grows. False: there is none, and will be one in
 * `*ret_wait_us`. Thread-safe. */
bool ratelimit_take(struct ratelimit *ratelimit, const struct hash *caller, enum rate_class rate,
                    int64_t now_us, int64_t *ret_wait_us);

#endif
