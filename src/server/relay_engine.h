/* SPDX-License-Identifier: Apache-2.0 */
/* The relay's one thread and loop: it listens at a port for each route, asks the agent of the
 * route's machine for a connection back, and carries bytes between the two (sys/pump.h).
 *
 *   relay_engine.c   the thread, the loop, the clock, the routes
 *   relay_links.c    what agents dial: hellos, control, connections back
 *   relay_calls.c    what renters dial
 *   relay_flows.c    what renters send datagrams to
 *
 * Ports of notebooks are dialled by browsers, in TLS that ends here: with the relay's certificate,
 * since no renter's would be known to a browser. A caller who has not finished its handshake costs
 * nobody but the relay anything. All other ports carry bytes as they are.
 *
 * It believes nobody: an agent proves its key over a fresh nonce in its newest epoch, a connection
 * back shows a token that only its agent was told. Everything has a deadline and a number.
 * An agent that loses its control connection keeps what is open; for RELAY_GRACE_MS new callers
 * wait for it, then they are turned away at once. */

#ifndef BERTH_SERVER_RELAY_ENGINE_H
#define BERTH_SERVER_RELAY_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/relay.h"
#include "sys/log.h"
#include "sys/tls.h"

enum {
    RELAY_GRACE_MS = 3000,
    RELAY_HELLO_MS = 10000,  /* from TCP connection to WELCOME or BACK */
    RELAY_SHAKE_MS = 5000,   /* a browser's: from TCP connection to the end of its handshake */
    RELAY_HELLOS_MAX = 1024, /* under way */
    RELAY_HELLOS_PER_ADDRESS = 64, /* a NAT may have many hosts behind it */
    RELAY_WAITING_MAX = 1024,      /* callers without their connection back */
    RELAY_WAITING_PER_ADDRESS = 64,
    /* Browsers within their handshake have places of their own: who is slow keeps one for long. */
    RELAY_SHAKING_MAX = 1024,
    RELAY_SHAKING_PER_ADDRESS = 32,
    RELAY_CALLS_PER_PORT = 256,
    RELAY_CALLS_PER_INSTANCE = 512,
    RELAY_CALLS_PER_MACHINE = 4096,
};

struct relay_engine_options {
    const char *listen;      /* where agents dial: "ADDRESS:PORT"; port 0 takes a free one */
    const char *bind;        /* the address of the routes' ports */
    struct tls_context *tls; /* borrowed; NULL: agents come over plain TCP */
    struct log log;
    /* An agent shows an epoch that no route has yet: they are old. On the engine's thread. */
    void (*on_stale)(void *context);
    void *context;
};

struct relay_engine;

/* Listens, but nobody is answered before it is started. */
NODISCARD bool relay_engine_open(const struct relay_engine_options *options,
                                 struct relay_engine **ret, struct error *err);
void relay_engine_close(struct relay_engine **engine);

/* The port that agents dial. */
uint16_t relay_engine_port(const struct relay_engine *engine);

/* Once, before the first route. The id is in what agents sign. */
NODISCARD bool relay_engine_start(struct relay_engine *engine, int64_t relay_id, struct error *err);

/* From now on browsers are shown that certificate, which is the engine's to close; who is through
 * stays through. Before the first one nobody listens at ports of RELAYING_HTTPS. */
void relay_engine_https(struct relay_engine *engine, struct tls_context *https);

/* All routes there are, copied. What lost its route is closed, with all its connections. */
void relay_engine_routes(struct relay_engine *engine, const struct relay_route *routes,
                         size_t count);

struct relay_counts {
    int64_t agents, calls, waiting; /* now */
    uint64_t bytes_up, bytes_down;  /* since the start; up: from instances to callers */
    uint64_t served, refused;       /* calls */
};
struct relay_counts relay_engine_counts(struct relay_engine *engine);

/* The same of one instance, as long as it has a route: what went up and down. */
NODISCARD bool relay_engine_traffic(struct relay_engine *engine, int64_t instance_id,
                                    uint64_t *ret_up, uint64_t *ret_down);

#endif
