/* SPDX-License-Identifier: Apache-2.0 */
/* On PostgreSQL: writes that come often and that nobody's thread waits for, many in one statement.
 * Inside src/store/ only; store_write_jointly() says what callers may rely on.
 *
 * A few threads take what waits: once the first of it has waited STORE_PATIENCE_MS, or there are
 * STORE_BATCH_MAX. What the joint work does not store is written alone, one after the other, on the
 * same thread, while the others take the next. */

#ifndef BERTH_STORE_GATHER_H
#define BERTH_STORE_GATHER_H

#include "store/store.h"

enum { GATHER_THREADS_MAX = 4 };

struct gather;

/* How one transaction is written, again where it conflicts. */
typedef bool gather_write(void *context, store_work *work, void *work_context, struct error *err);

/* With at most GATHER_THREADS_MAX threads, each of which takes a connection while it writes. */
NODISCARD bool gather_start(gather_write *write, void *context, size_t thread_count,
                            struct gather **ret_gather, struct error *err);

/* Finishes what waits. */
void gather_stop(struct gather **gather);

/* All that are submitted to one gather have the same joint work. */
void gather_submit(struct gather *gather, const struct store_joint *what);

uint64_t gather_queue_length(struct gather *gather);

#endif
