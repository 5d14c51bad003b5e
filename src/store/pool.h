/* SPDX-License-Identifier: Apache-2.0 */
/* Connections, lent to one thread at a time. Inside src/store/ only.
 *
 * Opened when first needed and kept. A thread that finds none waits for one, for a while. */

#ifndef BERTH_STORE_POOL_H
#define BERTH_STORE_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "store/driver.h"

enum { POOL_SIZE_MAX = 64, POOL_WAIT_MS = 10000 };

struct pool;

typedef bool pool_open(const char *location, struct db **ret_db, struct error *err);

/* `location` is copied. */
struct pool *pool_start(pool_open *open, const char *location, size_t size);

/* All connections must be back. */
void pool_stop(struct pool **pool);

/* ERROR_TIMEOUT: none came free within `wait_ms`. */
NODISCARD bool pool_take(struct pool *pool, int wait_ms, struct db **ret_db, struct error *err);
void pool_give(struct pool *pool, struct db *db);

/* Give back a connection that broke. Those that lie idle are no better: all are closed. */
void pool_give_broken(struct pool *pool, struct db *db);

#endif
