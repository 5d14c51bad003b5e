/* SPDX-License-Identifier: Apache-2.0 */
/* The way in for a host without open ports: it dials relays, and they hand it their callers
 * (proto/relay.h).
 *
 *     relay <══ control, one for each ══  tunnel  ── 127.0.0.1:port ──>  SSH front, or a
 *     relay <── a connection a caller ──  (one process,                  published port of
 *                                          nobody's)                     the engine
 *                                                 ── container:8080 ──>  its notebook
 *
 * The tunnel is a process of its own, without privileges: what relays say is read there. It holds
 * no key; for each hello it asks the agent for one signature, which is good for one relay and one
 * nonce. It leads to the ports in its table and nowhere else. Losing a control connection costs no
 * caller that is through already.
 *
 *   tunnel.c          the agent's side: start, table, signatures
 *   tunnel_main.c     the process: its loop and its table
 *   tunnel_control.c  the connection to a relay
 *   tunnel_back.c     the connections for callers
 *   tunnel_flows.c    and for callers of UDP ports, all of a port in one
 *   tunnel_wire.h     what the two processes say to each other
 *
 * Bytes are not counted here: those of SSH are by the SSH front, all others by the container's own
 * interface, whichever way they came. */

#ifndef BERTH_AGENT_TUNNEL_H
#define BERTH_AGENT_TUNNEL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/identity.h"
#include "agent/loop.h"
#include "base/error.h"
#include "proto/desired.h"
#include "sys/log.h"

#define TUNNEL_VERB "relay-tunnel"

enum { TUNNEL_PORTS_MAX = 65536, TUNNEL_TABLE_MAX = 8 << 20 };

struct tunnel_options {
    struct loop *loop; /* borrowed, as is the identity: it signs */
    const struct identity *identity;
    uid_t uid; /* who speaks with relays: nobody, never 0 */
    gid_t gid;
    struct log log;
};

/* A port of an instance, and where it is for this host: at its own loopback, or at the container's
 * address in its network. */
struct tunnel_port {
    int64_t instance_id;
    struct in_addr address;
    uint16_t inside, outside;
    bool is_udp;
};

struct tunnel; /* opaque */

/* main() of every program that opens a tunnel begins with
 *
 *     if (count > 1 && strcmp(arguments[1], TUNNEL_VERB) == 0)
 *         return tunnel_main(count, arguments);
 */
int tunnel_main(int count, char *arguments[]);

/* Nothing runs before there is a relay to dial. */
struct tunnel *tunnel_open(const struct tunnel_options *options);
void tunnel_close(struct tunnel **tunnel);

/* All there is: epoch 0 where no session is open. Costs a comparison where nothing changed. */
struct tunnel_state {
    int64_t epoch;
    const struct desired_relay *relays;
    size_t relay_count;
    const struct tunnel_port *ports;
    size_t port_count;
};
void tunnel_update(struct tunnel *tunnel, const struct tunnel_state *state);

/* About every second: start it again if it died, deliver what is waiting. */
void tunnel_tend(struct tunnel *tunnel);

#endif
