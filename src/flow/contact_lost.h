/* SPDX-License-Identifier: Apache-2.0 */
/* A lease ran out: the machine is offline, its offers are hidden, and GPU time ends at the last
 * accepted heartbeat. Nothing is stopped or destroyed: the host goes on by itself. */

#ifndef BERTH_FLOW_CONTACT_LOST_H
#define BERTH_FLOW_CONTACT_LOST_H

#include "flow/change.h"
#include "flow/flow.h"

enum { CONTACT_LOST_MAX = 64 };

/* The machine of the change is online, and away from now on: as of its last heartbeat. Ends the
 * change. */
NODISCARD bool contact_lose(struct change *change, struct error *err);

/* Deal with up to CONTACT_LOST_MAX machines; `*ret_count` says how many there were. Call it every
 * few seconds, and again at once after a full batch. */
NODISCARD bool flow_contact_lost(const struct flow *flow, size_t *ret_count, struct error *err);

#endif
