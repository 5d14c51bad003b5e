/* SPDX-License-Identifier: Apache-2.0 */
/* Connections, lent to one thread at a time. Inside src/store/ only.
 *
 * Opened when first needed. A thread that finds none waits for one, for a while. The last one given
 * is the next one taken, so after a busy moment the others lie idle: one that did for POOL_IDLE_US
 * is closed when another is given back, so that a server holds what it needs and not what it once
 * needed. */

#ifndef BERTH_STORE_POOL_H
#define BERTH_STORE_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/instant.h"
#include "store/driver.h"

enum { POOL_SIZE_MAX = 64, POOL_WAIT_MS = 10000 };
#define POOL_IDLE_US (60 * US_PER_SECOND)

struct pool;

typedef bool pool_open(const char *location, struct db **ret_db, struct error *err);

/* `location` is copied. */
struct pool *pool_start(pool_open *open, const char *location, size_t size);

/* All connections must be back. */
void pool_stop(struct pool **pool);

/* ERROR_TIMEOUT: none came free within `wait_ms`. */
NODISCARD bool pool_take(struct pool *pool, int wait_ms, struct db **ret_db, struct error *err);
void pool_give(struct pool *pool, struct db *db);

/* The same at this time of a steady clock. */
void pool_give_at(struct pool *pool, struct db *db, int64_t now_us);

/* Give back a connection that broke. Those that lie idle are no better: all are closed. */
void pool_give_broken(struct pool *pool, struct db *db);

#endif
