/* SPDX-License-Identifier: Apache-2.0 */
/* How a host joins, and comes back: it trades its token for an identity, or, where it is a machine
 * each of whose keys was refused, for another key of that very machine. That one is made anew and
 * on disk before the server hears of it; where the answer is lost, the session shows which is let
 * in. A token that is refused is given up, and the host goes on trying by the keys that it has. */

#ifndef BERTH_AGENT_LINK_ENROL_H
#define BERTH_AGENT_LINK_ENROL_H

#include "agent/link_inside.h"

/* The next step of the line. */
void link_enrol(struct link *link);

#endif
