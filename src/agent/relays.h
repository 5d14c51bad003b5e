/* SPDX-License-Identifier: Apache-2.0 */
/* What the tunnel is told: which relays there are, and which ports of instances they may lead to.
 */

#ifndef BERTH_AGENT_RELAYS_H
#define BERTH_AGENT_RELAYS_H

#include <sys/types.h>

struct agent;

void relays_open(struct agent *agent, uid_t uid, gid_t gid);
void relays_update(struct agent *agent);

#endif
