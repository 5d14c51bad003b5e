/* SPDX-License-Identifier: Apache-2.0 */
/* A host takes its machine back: everything on it ends at a deadline, which renters on demand have
 * a day to prepare for, and bids, which others can end at any moment, their notice alone.
 *
 * Being taken back is a shorter lifetime. So time past the deadline is never charged, its host
 * stops it then also out of contact, warnings come, its data is kept as after any lifetime, and a
 * host that thinks better of it extends. */

#ifndef BERTH_MARKET_RECLAIM_H
#define BERTH_MARKET_RECLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"

#define RECLAIM_WINDOW_US  (24 * US_PER_HOUR) /* of rentals on demand: announced so long ahead */
#define RECLAIM_REASON_MAX 200                /* bytes */

/* The first deadline that can be announced at `now`. */
struct instant reclaim_earliest(struct instant now, bool has_firm);

/* When a contract ends that would have ended at `end`. `grace_s`: of a bid that runs, the notice
 * that it was promised; else 0. */
struct instant reclaim_end(struct instant end, struct instant now, struct instant due,
                           int64_t grace_s);

/* Whether one that ended at `end` ended for what was announced at `at`. */
bool reclaim_covers(struct instant at, struct instant due, struct instant end);

/* How much of its lifetime is taken away that its host pays for: a day at most. */
int64_t reclaim_missed_us(struct instant end, struct instant due);

#endif
