/* SPDX-License-Identifier: Apache-2.0 */
/* The one connection that writes to an SQLite file, and the thread that commits in groups. Inside
 * src/store/ only; store/store.h says what callers may rely on.
 *
 * Who comes alone writes on its own thread: to wake another one, and be woken, can take longer than
 * the write. While one group is being synced, the next one gathers, for the thread. Only writes
 * that are in no hurry wait for company: until the first of them has waited STORE_PATIENCE_MS, or
 * there are WRITER_COMPANY of them, or one comes that is in a hurry. */

#ifndef BERTH_STORE_WRITER_H
#define BERTH_STORE_WRITER_H

#include "store/notify.h"
#include "store/store.h"

enum { WRITER_COMPANY = 16 };

struct writer;

struct writer_job {
    store_work *work;
    void *context;
    bool is_patient;
    store_done *done; /* of writer_submit() */
};

/* Takes over `db`, also where it fails. `notify` is borrowed. */
NODISCARD bool writer_start(struct db *db, struct notify *notify, struct writer **ret_writer,
                            struct error *err);

/* Finishes what waits. */
void writer_stop(struct writer **writer);

NODISCARD bool writer_run(struct writer *writer, const struct writer_job *what, struct error *err);

/* Does not wait: `done` hears of it, on the writer's thread. */
void writer_submit(struct writer *writer, const struct writer_job *what);

/* Sets writes, commits, failures and queue_length. */
void writer_totals(struct writer *writer, struct store_totals *totals);

#endif
