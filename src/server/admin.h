/* SPDX-License-Identifier: Apache-2.0 */
/* `berthd admin`: what the operator does by hand, straight on the store.
 *
 * It works whether or not a server runs. One that serves from the same folder is told to look at
 * everything anew; servers on PostgreSQL hear of it by themselves. Answers are JSON on standard
 * output. */

#ifndef BERTH_SERVER_ADMIN_H
#define BERTH_SERVER_ADMIN_H

#include "base/error.h"
#include "server/options.h"

extern const struct option_row admin_options[];

/* The commands, as lines for --help. */
void admin_describe(struct buf *out);

/* ERROR_INVALID is wrong usage; else the command failed, or the market said no. `out` takes the
 * answer. */
NODISCARD bool admin_run(const struct options *options, struct buf *out, struct error *err);

#endif
