/* SPDX-License-Identifier: Apache-2.0 */
/* What a renter has happen to an instance by itself (market/automation.h). */

#ifndef BERTH_FLOW_AUTOMATION_H
#define BERTH_FLOW_AUTOMATION_H

#include "flow/caller.h"
#include "flow/change.h"
#include "flow/flow.h"

enum { AUTOMATION_MAX = 64 };

enum automation_outcome {
    AUTOMATION_SET,
    AUTOMATION_NO_INSTANCE,
    AUTOMATION_BAD_MINUTES, /* below 0, or more than AUTOMATION_IDLE_MINUTES_MAX */
    AUTOMATION_BAD_HOURS,   /* below 0, or more than AUTOMATION_STOPPED_HOURS_MAX */
    AUTOMATION_BAD_TRAFFIC, /* below 0, or more than AUTOMATION_TRAFFIC_GB_MAX */
    AUTOMATION_BAD_LIMIT,   /* below 0, or more than AUTOMATION_MBIT_MAX */
};

/* What is not given stays as it is; 0 takes a rule back. */
struct automation_request {
    int64_t instance_id;
    bool has_minutes, has_hours, has_traffic;
    int64_t idle_stop_minutes, destroy_stopped_hours;
    int64_t traffic_gb; /* both ways together, from now on */
    bool has_limit_up, has_limit_down;
    int64_t limit_up_mbit, limit_down_mbit;
};

NODISCARD bool flow_automation_set(const struct flow *flow, const struct caller *caller,
                                   const struct automation_request *request,
                                   enum automation_outcome *ret, struct error *err);

/* Destroy up to AUTOMATION_MAX instances that have been stopped for as long as their owners allow.
 * Never one that stopped for want of credit or by the operator's word. */
NODISCARD bool flow_destroy_stopped(const struct flow *flow, size_t *ret_count, struct error *err);

/* Inside a heartbeat: what an instance that runs says of its GPUs; it may stop for it. */
NODISCARD bool flow_automation_gauge(struct change *change, struct contract_row *contract,
                                     int64_t gpu_permille, struct instant previous,
                                     struct error *err);

/* The same: what it has moved, which the contract has already. */
NODISCARD bool flow_automation_traffic(struct change *change, struct contract_row *contract,
                                       struct error *err);

/* What is done with one of them under its lock (flow/each_due.h): nothing, where it is not due. */
NODISCARD bool automation_destroy(struct db *db, int64_t id, struct instant now, bool *ret_is_done,
                                  struct error *err);

#endif
