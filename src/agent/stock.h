/* SPDX-License-Identifier: Apache-2.0 */
/* Which images this host holds, and what it took for those that it fetched and for those that it
 * started: the server tells people who look for a machine how soon an image runs there.
 *
 * Images that were fetched with somebody's login are that renter's secret, and are not told. The
 * list is asked of the engine every minute and told when it has changed, and now and then again;
 * what was measured goes to disk then, and when the agent ends. */

#ifndef BERTH_AGENT_STOCK_H
#define BERTH_AGENT_STOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/loop.h"
#include "agent/pull.h"
#include "agent/web.h"
#include "base/arena.h"
#include "base/json.h"
#include "proto/heartbeat.h"
#include "sys/log.h"

struct stock; /* opaque */

struct stock_options {
    struct loop *loop;
    struct web *web;
    const char *engine_socket; /* these two are borrowed */
    int dir;                   /* stock.json is kept there */
    struct log log;
    bool (*is_secret)(void *context, const char *image);
    void *context;
};

/* Never fails: what was kept and cannot be read is measured anew. */
struct stock *stock_open(const struct stock_options *options);
void stock_close(struct stock **stock);

/* Ask the engine soon: something has come or gone. */
void stock_refresh(struct stock *stock);

/* A pull was measured. What fetched little says nothing of the line. */
void stock_pulled(struct stock *stock, const char *image, const struct pull_measure *measure);

/* From an image that is there to a container that runs. */
void stock_started(struct stock *stock, int64_t ms);

/* Add the images to a heartbeat, where there is something to tell; texts in the arena. */
void stock_fill(struct stock *stock, struct arena *arena, struct heartbeat *heartbeat);

/* The server has been reached since. */
void stock_told(struct stock *stock);

/* For tests: the names in the answer of GET /images/json, in full and by name, each once. They are
 * the arena's. */
const char **stock_names(const json_t *root, struct arena *arena, size_t *ret_count);

#endif
