/* SPDX-License-Identifier: Apache-2.0 */
/* What is looked after every second, whatever happens. */

#ifndef BERTH_AGENT_TENDING_H
#define BERTH_AGENT_TENDING_H

#include "agent/agent.h"

void tending_open(struct agent *agent);
void tending_second(struct agent *agent);

/* A heartbeat was accepted; the context is the agent. */
void tending_accepted(void *context);

#endif
