/* SPDX-License-Identifier: Apache-2.0 */
/* The one thread that writes to an SQLite file, and how it commits in groups. Inside src/store/
 * only; store/store.h says what callers may rely on.
 *
 * There is no timer: while one group is being synced, the next one gathers. */

#ifndef BERTH_STORE_WRITER_H
#define BERTH_STORE_WRITER_H

#include "store/notify.h"
#include "store/store.h"

struct writer;

/* Takes over `db`, also where it fails. `notify` is borrowed. */
NODISCARD bool writer_start(struct db *db, struct notify *notify, struct writer **ret_writer,
                            struct error *err);

/* Finishes what waits. */
void writer_stop(struct writer **writer);

NODISCARD bool writer_run(struct writer *writer, store_work *work, void *context,
                          struct error *err);

/* Sets writes, commits, failures and queue_length. */
void writer_totals(struct writer *writer, struct store_totals *totals);

#endif
