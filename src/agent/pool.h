/* SPDX-License-Identifier: Apache-2.0 */
/* What is made ahead for the next rentals: some holders (agent/holder.h), and as many bare
 * networks for instances that cannot join one.
 *
 * Nothing of it is kept on disk. What the engine has with our label, and no container and no
 * record uses, is the pool: so it outlives an agent that is killed, and the next one takes it
 * over, or away. A slot leaves the pool when the record that names it is durable.
 *
 * It is filled one at a time, in the background, while no step of an instance is under way. An
 * agent that ends takes the pool with it. */

#ifndef BERTH_AGENT_POOL_H
#define BERTH_AGENT_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/container.h"
#include "agent/holder.h"
#include "agent/job.h"
#include "agent/loop.h"
#include "sys/log.h"

enum { POOL_TARGET_MAX = 16, POOL_TARGET_DEFAULT = 1, POOL_QUIET_MS = 300 };

struct pool;

struct pool_options {
    const char *engine_socket; /* borrowed, as is `host` */
    const struct container_host *host;
    int64_t target; /* of holders, and of bare networks */
    struct log log;
    bool (*is_used)(void *context, int64_t slot); /* a record names it */
    int64_t (*next_slot)(void *context);          /* one that nobody has; 0: none is left */
    void *context;
};

struct pool *pool_open(struct loop *loop, const struct pool_options *options);

/* Removes what is in it; takes some tenths of a second where the engine answers. */
void pool_close(struct pool **pool);

/* Look after it: `session` counts the engines that were found, 0 while there is none; `is_busy`
 * while steps of instances are under way. To be called whenever one of these may have changed. */
void pool_tend(struct pool *pool, int64_t session, bool is_busy);

/* Name what is in it to the walls anew. */
void pool_admit(const struct pool *pool);

/* One that is ready: a holder, or a bare network. 0: none is. It stays until pool_drop(). */
int64_t pool_find(const struct pool *pool, bool is_held);
void pool_drop(struct pool *pool, int64_t slot);

/* Whether it is in the pool, or on its way into it. */
bool pool_has(const struct pool *pool, int64_t slot);

#endif
