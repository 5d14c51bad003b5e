/* SPDX-License-Identifier: Apache-2.0 */
/* A route's port that takes datagrams. Inside the relay's engine.
 *
 * Who sends to it is a flow, known by address and port. All flows of a port share one call to the
 * route's host, which they make when the first datagram comes; what does not fit into it is lost.
 * Sources may be forged: until one has answered three times to what it was sent, it is sent no more
 * than three times what came from it, and the next source may have its place. */

#ifndef BERTH_SERVER_RELAY_FLOWS_H
#define BERTH_SERVER_RELAY_FLOWS_H

#include "server/relay_inside.h"

enum {
    FLOWS_PER_PORT = 256,
    FLOWS_PER_ADDRESS = 32, /* of a port */
    FLOWS_IDLE_MS = 120000,
    FLOWS_AGAIN_MS = 1000, /* between calls to a host that does not take them */
    FLOWS_FACTOR = 3,
    FLOWS_TURNS = 3,
};

/* The port's socket, or -1 with errno; its flows are the port's. */
int relay_flows_open(struct relay_engine *engine, struct relay_port *port);
void relay_flows_close(struct relay_engine *engine, struct relay_port *port);

void relay_flows_hear(struct relay_engine *engine, struct relay_port *port);   /* from sources */
void relay_flows_answer(struct relay_engine *engine, struct relay_port *port); /* from the host */
void relay_flows_tend(struct relay_engine *engine, struct relay_port *port);

#endif
