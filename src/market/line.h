/* SPDX-License-Identifier: Apache-2.0 */
/* The line for a machine's GPUs, as one who waits in it sees it: how many are before it, who holds
 * what it waits for, and until when at the latest.
 *
 * Before it are those who wait in an earlier class, and those of its own who would be served
 * first: on demand whoever has waited longer, of bids the higher one, then the older. It waits for
 * those who run and whom it cannot displace. Each of them ends with its lifetime, if not sooner; so
 * from some instant on enough of its GPUs are free, though others may be before it in line. It is
 * what is known, not a promise: a bid that is not there yet may come first. Pure. */

#ifndef BERTH_MARKET_LINE_H
#define BERTH_MARKET_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/instant.h"

/* One who has GPUs of the machine, or waits for some. */
struct line_one {
    int64_t id;
    int64_t gpus;
    int64_t ticks; /* of a bid, for a GPU and hour; 0: on demand or reserved */
    bool is_running;
    struct instant since; /* it waits; of a bid: when its present price was bid */
    struct instant end;   /* of its lifetime */
};

struct line_place {
    int64_t position; /* 1: the first */
    int64_t length;   /* of the line, it included */
    /* On demand and bids among those whose GPUs it waits for. */
    int64_t firms_ahead, bids_ahead;
    /* Enough are free by then, as far as lifetimes go: zero if they are already, for those before
     * it; INSTANT_NEVER where those who hold them have no end. */
    struct instant free_by;
};

/* Among `ones`, the waiting one at `at`; `gpu_count` are on the machine. */
struct line_place line_find(const struct line_one *ones, size_t count, size_t at,
                            int64_t gpu_count);

#endif
