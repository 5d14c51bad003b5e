/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that one reading connection found, kept until anything at all is written. Inside
 * src/store/ only; see store_read_kept().
 *
 * Never stale: each time the database is asked for its version (PRAGMA data_version of SQLite),
 * which differs as soon as any other connection, of this process or of another one, has committed.
 * What was found at the same version is what a read at this moment would find. Versions of two
 * connections say nothing of each other, so each has answers of its own, and nobody shares them.
 *
 * A name has one place. Who falls together with another takes its place. */

#ifndef BERTH_STORE_KEPT_H
#define BERTH_STORE_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { KEPT_PLACES = 64, KEPT_NAME_MAX = 48, KEPT_BYTES_MAX = 4096 };

struct kept_name {
    const void *bytes;
    size_t length; /* 1 to KEPT_NAME_MAX */
};

struct kept; /* NULL holds nothing */

/* What was put under that name at that version, appended to `out`. */
bool kept_find(const struct kept *kept, int64_t version, struct kept_name name, struct buf *out);

/* All of other versions go. What is longer than KEPT_BYTES_MAX is not kept. */
void kept_put(struct kept **kept, int64_t version, struct kept_name name, const struct buf *bytes);

void kept_release(struct kept **kept);

#endif
