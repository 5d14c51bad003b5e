/* SPDX-License-Identifier: Apache-2.0 */
/* `berthd master-key next|turn|show|forget`: another master key, while the market goes on.
 *
 * Each server needs the next one before any of them seals under it, and the one before for as long
 * as anything lies under it; so it goes in steps, with a restart of each server behind the first
 * two. */

#ifndef BERTH_SERVER_BOOKS_MASTER_H
#define BERTH_SERVER_BOOKS_MASTER_H

#include "base/error.h"
#include "server/options.h"

extern const struct option_row master_options[];

void master_describe(struct buf *out);
NODISCARD bool master_run(const struct options *options, struct buf *out, struct error *err);

#endif
