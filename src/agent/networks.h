/* SPDX-License-Identifier: Apache-2.0 */
/* Networks, for the agent as a whole: who has which, which are made ahead, and the names of those
 * who joined one. */

#ifndef BERTH_AGENT_NETWORKS_H
#define BERTH_AGENT_NETWORKS_H

struct agent;

/* Fill agent->slots and open agent->pool. */
void networks_open(struct agent *agent);

/* Give their names to those who wait for them (agent/hostname.h). */
void networks_name(struct agent *agent);

/* After anything has changed: the pool may have something to do. */
void networks_tend(struct agent *agent);

#endif
