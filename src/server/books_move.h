/* SPDX-License-Identifier: Apache-2.0 */
/* `berthd move`: all of the books from SQLite to an empty PostgreSQL, and the same things computed
 * on both sides: every invariant, counts, the chain of seals, the trial balance. The books that are
 * moved are only read. */

#ifndef BERTH_SERVER_BOOKS_MOVE_H
#define BERTH_SERVER_BOOKS_MOVE_H

#include "base/error.h"
#include "server/options.h"

extern const struct option_row move_options[];

/* ERROR_CONFLICT: a server runs, or the target is not empty. */
NODISCARD bool move_run(const struct options *options, struct buf *out, struct error *err);

#endif
