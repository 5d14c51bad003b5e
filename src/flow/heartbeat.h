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

/* The same for one that is regular, without waiting for it: the listener hears of what came of it
 * once that is durable, or, with NULL, why it is not; on whichever thread, as store_write_later()
 * says. Until then the heartbeat and the arena are this flow's. False: the arena has no room. */
typedef void heartbeat_done(void *context, const struct heartbeat_outcome_reply *reply,
                            const struct error *err);
struct heartbeat_listener {
    heartbeat_done *done;
    void *context;
};
NODISCARD bool flow_heartbeat_later(const struct flow *flow,
                                    const struct heartbeat_request *request, struct arena *arena,
                                    const struct heartbeat_listener *listener);

#endif
