/* SPDX-License-Identifier: Apache-2.0 */
/* A heartbeat: evidence in, charges and states out, all in one transaction (control.md 4.4).
 *
 * GPU time is charged over intervals between accepted heartbeats that show the instance running
 * under its current generation. A repeated heartbeat is not accepted; a lost one leaves a gap that
 * the next one closes, if it is not longer than a lease. */

#ifndef BERTH_FLOW_HEARTBEAT_H
#define BERTH_FLOW_HEARTBEAT_H

#include "flow/flow.h"
#include "flow/session.h"
#include "proto/heartbeat.h"

struct heartbeat_request {
    int64_t machine_id;
    const struct heartbeat *heartbeat; /* its epoch and seq are those that were signed */
    bool is_regular; /* it came because it was time, so it may wait for others to be stored with */
};

struct heartbeat_outcome_reply {
    enum take_outcome outcome; /* only TAKE_DONE changed anything */
    struct heartbeat_reply reply;
    bool came_online; /* it was offline: its offers are back */
};

NODISCARD bool flow_heartbeat(const struct flow *flow, const struct heartbeat_request *request,
                              struct heartbeat_outcome_reply *ret, struct error *err);

#endif
