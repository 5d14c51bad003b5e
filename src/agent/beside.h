/* SPDX-License-Identifier: Apache-2.0 */
/* A network made ready while the container that will live in it is made.
 *
 * The engine does not ask for the network before a container starts, and needs about as long for
 * the one as for the other. A thread of the worker makes the network, or what holds it, ready over
 * a connection of its own; the worker makes the container meanwhile, and waits for both before the
 * start. */

#ifndef BERTH_AGENT_BESIDE_H
#define BERTH_AGENT_BESIDE_H

#include <pthread.h>

#include "agent/container.h"

struct beside {
    const char *engine_socket; /* borrowed until beside_wait() */
    const struct container_host *host;
    int64_t slot;
    const char *hostname; /* it is held, and by that name; NULL: it is to be made */
    int64_t engine_us;    /* spent waiting for the engine */
    pthread_t thread;
    bool is_begun, is_made;
    struct error err;
};

/* Begin to make the bridge of `slot`, whose walls are for the caller to put up meanwhile; or, with
 * a name, to prepare its holder, walls and all. Once, and then beside_wait(), whatever else has
 * failed. */
NODISCARD bool beside_begin(struct beside *beside, struct error *err);

/* Until it is made or has failed; again and again gives the same. `*waited_us` is increased by what
 * this took, as far as the engine did. */
NODISCARD bool beside_wait(struct beside *beside, int64_t *waited_us, struct error *err);

#endif
