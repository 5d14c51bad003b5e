/* SPDX-License-Identifier: Apache-2.0 */
/* What is made ready while a container is made that will need it.
 *
 * The engine does not ask for a network before a container starts, and needs about as long for the
 * one as for the other. Threads of the worker make the network, or what holds it, and its walls
 * ready meanwhile, and the record of the instance durable; the worker waits for the last before it
 * asks for the container, and for all of it before the start. */

#ifndef BERTH_AGENT_BESIDE_H
#define BERTH_AGENT_BESIDE_H

#include <pthread.h>

#include "agent/container.h"

struct beside_task {
    pthread_t thread;
    bool is_begun, is_done;
    struct error err;
};

/* The first six are the caller's, and borrowed until beside_wait(). */
struct beside {
    const char *engine_socket;
    const struct container_host *host;
    const char *instances_path;
    int64_t instance_id, slot;
    const char *hostname; /* the network is held, and by that name; NULL: it is to be made */
    int64_t engine_us;    /* spent waiting for the engine */
    struct beside_task network, walls, record;
};

/* Begin to make the bridge of `slot`, and to put up its walls; or, with a name, to prepare its
 * holder, walls and all; and to sync the record. Once, and then beside_wait(), whatever else has
 * failed. What gets no thread is done here. */
void beside_begin(struct beside *beside);

/* Until the record is durable. */
NODISCARD bool beside_recorded(struct beside *beside, struct error *err);

/* Until all is done or has failed; again and again gives the same. `*waited_us` is increased by
 * what this took, as far as the engine did. */
NODISCARD bool beside_wait(struct beside *beside, int64_t *waited_us, struct error *err);

#endif
