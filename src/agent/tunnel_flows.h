/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams of callers (sys/datagrams.h), to and from a container's UDP port: a socket for each
 * flow, so that the container tells its callers apart. Inside the tunnel's process. */

#ifndef BERTH_AGENT_TUNNEL_FLOWS_H
#define BERTH_AGENT_TUNNEL_FLOWS_H

#include "agent/tunnel_inside.h"

enum {
    TUNNEL_FLOWS_MAX = 256,       /* of a port; the relay numbers them so that they find place */
    TUNNEL_FLOW_IDLE_MS = 180000, /* longer than the relay keeps them */
};

/* The stream's other end, for who carries it to the relay; -1: no memory or descriptors. Ends when
 * that end is closed. */
int flows_begin(struct tunnel_process *tunnel, const struct tunnel_port *port);

void flows_handle(struct tunnel_process *tunnel, struct flows *flows); /* the stream has more */
void flow_handle(struct tunnel_process *tunnel, struct flows *flows, int place);
void flows_tend(struct tunnel_process *tunnel);
void flows_bury(struct tunnel_process *tunnel);

#endif
