/* SPDX-License-Identifier: Apache-2.0 */
/* `berthd backup` and `berthd restore`: SQLite's books as a whole. */

#ifndef BERTH_SERVER_BOOKS_H
#define BERTH_SERVER_BOOKS_H

#include "base/error.h"
#include "server/options.h"

extern const struct option_row backup_options[], restore_options[];

/* A copy of SQLite's file while the market goes on, held against every invariant before it counts,
 * sealed where a key is given; the oldest beyond --keep go. */
NODISCARD bool backup_run(const struct options *options, struct buf *out, struct error *err);

/* A backup into a folder in which there are no books, held against every invariant, and in
 * recovery. */
NODISCARD bool restore_run(const struct options *options, struct buf *out, struct error *err);

#endif
