/* SPDX-License-Identifier: Apache-2.0 */
/* Which ports of an instance a relay lends its own to, and which of its own.
 *
 * A host with open ports is reached there; a relay's port for SSH is in addition, for who asks for
 * the proxy. A host behind NAT has nothing else: SSH and every TCP port that was asked for are lent
 * one, and every UDP port. A notebook has one wherever it is, since a browser takes it without a
 * warning only through a relay's certificate. A port that must be the same inside and outside has
 * the relay's number in the container. */

#ifndef BERTH_MARKET_RELAYING_H
#define BERTH_MARKET_RELAYING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "market/launch.h"

enum {
    RELAYING_WANTS_MAX = LAUNCH_PORTS_MAX + 2,
    RELAYING_SSH_PORT = 22,
};

struct relaying_ask {
    struct launch_mode mode;
    bool wants_proxy; /* a `..._proxy` among the launch modes */
    bool is_behind_nat;
    size_t port_count;
    const struct launch_port *ports;
};

/* As the database has them. */
enum relaying_protocol { RELAYING_TCP, RELAYING_HTTPS, RELAYING_UDP };

struct relaying_want {
    int64_t inside; /* as it was asked for: from LAUNCH_IDENTITY_PORT up it is the relay's own */
    int64_t run;    /* so many ports in a row, which all lead there */
    enum relaying_protocol protocol;
};

/* In order of what matters most. Clients take an instance with a notebook to have SSH one port
 * above the one that is named (api.md 2.8), or at that one: so it has both. */
size_t relaying_wants(const struct relaying_ask *ask,
                      struct relaying_want ret[static RELAYING_WANTS_MAX]);

/* The lowest port from which on `run` of them are neither taken nor past `last`; 0: none.
 * `taken` ascends; nothing is known above its last one where it is `is_cut`. */
struct relaying_window {
    int64_t first, last;
    const int64_t *taken;
    size_t taken_count;
    bool is_cut;
};
int64_t relaying_pick(const struct relaying_window *window, int64_t run);

#endif
