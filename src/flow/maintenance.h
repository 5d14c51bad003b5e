/* SPDX-License-Identifier: Apache-2.0 */
/* A host announces when a machine will be away, takes that back, and whoever has something on the
 * machine is told, in the instance's events and by mail, and sees it. An announcement stops nothing
 * by itself. */

#ifndef BERTH_FLOW_MAINTENANCE_H
#define BERTH_FLOW_MAINTENANCE_H

#include "base/arena.h"
#include "flow/caller.h"
#include "flow/flow.h"
#include "store/maintenance.h"

enum { MAINTENANCE_WINDOWS_MAX = 16 }; /* of one machine, that are not over */

#define MAINTENANCE_LENGTH_MAX_US (30 * 24 * US_PER_HOUR)

enum maintenance_outcome {
    MAINTENANCE_DONE,
    MAINTENANCE_NO_MACHINE,
    MAINTENANCE_BAD_TIME, /* over already, or longer than MAINTENANCE_LENGTH_MAX_US */
    MAINTENANCE_TOO_MANY,
};

/* `window`: machine_id, start, end and category. */
NODISCARD bool flow_maintenance_schedule(const struct flow *flow, const struct caller *caller,
                                         const struct maintenance_row *window,
                                         enum maintenance_outcome *ret, struct error *err);

/* All windows of the machine that are not over. `*ret_count`: how many. */
NODISCARD bool flow_maintenance_cancel(const struct flow *flow, const struct caller *caller,
                                       int64_t machine_id, int64_t *ret_count,
                                       enum maintenance_outcome *ret, struct error *err);

/* Those ahead or going on, of machines that the caller owns or has an instance on; `machine_id` 0:
 * of all of them. */
NODISCARD bool flow_maintenance_list(const struct flow *flow, const struct caller *caller,
                                     int64_t machine_id, struct arena *arena,
                                     struct maintenance_row **ret, size_t *ret_count,
                                     struct error *err);

#endif
