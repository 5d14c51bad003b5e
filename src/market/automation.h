/* SPDX-License-Identifier: Apache-2.0 */
/* What a renter has happen to an instance by itself: stop it when its GPUs do nothing or when it
 * has moved so many bytes, destroy it when it has been stopped for long. All are off until they are
 * asked for. What is not known is
 * never taken for idleness: a host that does not measure, or was out of contact, begins anew. */

#ifndef BERTH_MARKET_AUTOMATION_H
#define BERTH_MARKET_AUTOMATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/instant.h"

enum {
    AUTOMATION_IDLE_PERMILLE = 10, /* of a GPU's time: below it, it does nothing */
    AUTOMATION_IDLE_MINUTES_MAX = 7 * 24 * 60,
    AUTOMATION_STOPPED_HOURS_MAX = 365 * 24,
    AUTOMATION_TRAFFIC_GB_MAX = 1 << 20, /* of 2^30 bytes */
    AUTOMATION_MBIT_MAX = 100000,
};

/* What is kept with a contract. */
struct automation {
    int64_t idle_stop_s;        /* 0: off */
    struct instant idle_since;  /* 0: not idle, or not known */
    int64_t destroy_after_s;    /* 0: off */
    struct instant destroy_due; /* INSTANT_NEVER: not stopped, or off */
    int64_t traffic_cap_bytes;  /* 0: off */
    int64_t moved_bytes;        /* both ways, since the cap was set */
    int64_t limit_up_mbit;      /* how fast its network is; 0: what its host allows */
    int64_t limit_down_mbit;
};

/* A heartbeat of what runs: `permille` of its GPUs in use (-1: unknown), `previous` the heartbeat
 * before. Returns whether it is to stop; moves idle_since. */
bool automation_gauge(struct automation *automation, int64_t permille, struct instant previous,
                      struct instant now);

/* It has stopped, or runs, since `since`: sets destroy_due. */
void automation_turn(struct automation *automation, bool is_stopped, struct instant since);

/* It has moved `bytes` more. */
void automation_move(struct automation *automation, int64_t bytes);

/* Whether it has moved all that it may. */
bool automation_is_capped(const struct automation *automation);

/* "30 minutes", "3 days", "1 hour". */
void automation_span(struct buf *out, int64_t seconds);

#endif
