/* SPDX-License-Identifier: Apache-2.0 */
/* When servers were up: the ground for telling our outage from a host's (control.md 4.4). */

#ifndef BERTH_FLOW_LIVENESS_H
#define BERTH_FLOW_LIVENESS_H

#include "flow/flow.h"

enum { LIVENESS_SECONDS = 5 };

/* Say that process `server_proc`, started at `started`, is alive. Call it every
 * LIVENESS_SECONDS. */
NODISCARD bool flow_liveness(const struct flow *flow, const char *server_proc,
                             struct instant started, struct error *err);

#endif
