/* SPDX-License-Identifier: Apache-2.0 */
/* When servers were up: the ground for telling our outage from a host's (control.md 4.4). */

#ifndef BERTH_FLOW_LIVENESS_H
#define BERTH_FLOW_LIVENESS_H

#include "flow/flow.h"
#include "market/connected.h"

enum { LIVENESS_SECONDS = 5 };

/* Say that process `server_proc`, whose name no other process has or had, is alive. Call it every
 * LIVENESS_SECONDS: it counts as alive for as long again, and a longer silence is an outage. */
NODISCARD bool flow_liveness(const struct flow *flow, const char *server_proc, struct error *err);

/* The clock is right, whatever servers have said before: what they said of times to come is not
 * so. */
NODISCARD bool flow_accept_clock(const struct flow *flow, struct error *err);

/* Since when some server has been alive without a break, given their spans sorted by `from`; `now`
 * where none is. Pure. */
struct instant liveness_since(const struct span *alive, size_t count, struct instant now);

#endif
