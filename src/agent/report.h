/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent tells the server of its instances: the last verdicts, and running totals. */

#ifndef BERTH_AGENT_REPORT_H
#define BERTH_AGENT_REPORT_H

#include "agent/agent.h"
#include "base/arena.h"
#include "proto/heartbeat.h"

/* Take the totals of everything that runs, and save them. */
void report_measure(struct agent *agent);

/* All but epoch, seq, boot id and incarnation. */
void report_fill(struct agent *agent, struct arena *arena, struct heartbeat *heartbeat);

#endif
