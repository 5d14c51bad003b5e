/* SPDX-License-Identifier: Apache-2.0 */
/* What a renter has happen to an instance by itself: stop it when its GPUs do nothing, destroy it
 * when it has been stopped for long. Both are off until they are asked for. What is not known is
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
};

/* What is kept with a contract. */
struct automation {
    int64_t idle_stop_s;        /* 0: off */
    struct instant idle_since;  /* 0: not idle, or not known */
    int64_t destroy_after_s;    /* 0: off */
    struct instant destroy_due; /* INSTANT_NEVER: not stopped, or off */
};

/* A heartbeat of what runs: `permille` of its GPUs in use (-1: unknown), `previous` the heartbeat
 * before. Returns whether it is to stop; moves idle_since. */
bool automation_gauge(struct automation *automation, int64_t permille, struct instant previous,
                      struct instant now);

/* It has stopped, or runs, since `since`: sets destroy_due. */
void automation_turn(struct automation *automation, bool is_stopped, struct instant since);

/* "30 minutes", "3 days", "1 hour". */
void automation_span(struct buf *out, int64_t seconds);

#endif
