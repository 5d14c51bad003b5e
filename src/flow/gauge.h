/* SPDX-License-Identifier: Apache-2.0 */
/* How a machine's GPUs are: kept from heartbeats that say it, for its host to look at. */

#ifndef BERTH_FLOW_GAUGE_H
#define BERTH_FLOW_GAUGE_H

#include "base/arena.h"
#include "proto/heartbeat.h"
#include "store/db.h"

/* A heartbeat without them changes nothing. */
NODISCARD bool gauge_take(struct db *db, int64_t machine_id, const struct heartbeat *heartbeat,
                          struct instant now, struct error *err);

/* The last ones, in the arena, and when they were told. None is no failure. */
struct gauge_view {
    const struct gpu_gauge *gpus;
    size_t count;
    struct instant told;
};
NODISCARD bool gauge_load(struct db *db, int64_t machine_id, struct arena *arena,
                          struct gauge_view *ret, struct error *err);

/* NULL: nothing is known of that GPU. */
const struct gpu_gauge *gauge_find(const struct gauge_view *view, const char *uuid);

#endif
