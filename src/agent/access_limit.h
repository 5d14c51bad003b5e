/* SPDX-License-Identifier: Apache-2.0 */
/* How many may knock at once, and how fast: bounds on connections that have not logged in.
 *
 * Handshakes cost a process and some milliseconds each, for anybody who can reach the port. An
 * address (of IPv6, its /64) has a bucket of connections that refills over time, and a number
 * of them under way; all together have a number as well. The relay's connections come from this
 * machine, so loopback has only the last. */

#ifndef BERTH_AGENT_ACCESS_LIMIT_H
#define BERTH_AGENT_ACCESS_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/compiler.h"

enum {
    LIMIT_ADDRESSES_MAX = 1024, /* remembered; the one least seen makes room */
    LIMIT_PENDING_MAX = 128,
    LIMIT_PENDING_PER_ADDRESS = 40,
    LIMIT_BURST = 80,      /* connections of an address out of nothing */
    LIMIT_REFILL_MS = 100, /* for one more */
};

/* An address, as far as it counts. */
struct limit_key {
    uint64_t high, low;
};

struct limit_entry {
    struct limit_key key;
    int64_t seen_ms;
    int64_t spent_ms; /* what the bucket lacks, in time to refill it */
    int pending;
};

struct limit {
    struct limit_entry entries[LIMIT_ADDRESSES_MAX];
    size_t count;
    int pending;
};

struct limit_key limit_key_of(const struct sockaddr_storage *address);

/* May one more begin? True counts it as pending. */
NODISCARD bool limit_admit(struct limit *limit, struct limit_key key, int64_t now_ms);

/* One that was admitted has logged in, or has gone. */
void limit_release(struct limit *limit, struct limit_key key);

#endif
