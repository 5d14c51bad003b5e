/* SPDX-License-Identifier: Apache-2.0 */
/* Networks, for the agent as a whole: who has which, which are made ahead, and the names of those
 * who joined one. */

#ifndef BERTH_AGENT_NETWORKS_H
#define BERTH_AGENT_NETWORKS_H

#include "base/compiler.h"
#include "base/error.h"

struct agent;

/* Fill agent->slots and open agent->pool. */
void networks_open(struct agent *agent);

/* Put up the walls around all guests (agent/isolate.h), before any of them runs. */
NODISCARD bool networks_wall(struct agent *agent, struct error *err);

/* They still stand, and know of the host's public address: to be called every second. */
void networks_watch(struct agent *agent);

/* Leave them to those who are inside; where nobody is, they go. */
void networks_unwall(struct agent *agent);

/* Give each instance that runs the limits that its renter has set, where they are tighter than
 * those of the host. */
void networks_limit(struct agent *agent);

/* Give their names to those who wait for them (agent/hostname.h). */
void networks_name(struct agent *agent);

/* After anything has changed: the pool may have something to do. */
void networks_tend(struct agent *agent);

#endif
