/* SPDX-License-Identifier: Apache-2.0 */
/* `berthd recovery begin|show|end`: restored books beside what machines run (flow/recovery.h). On
 * PostgreSQL whoever restores it says so with `begin`. */

#ifndef BERTH_SERVER_BOOKS_RECOVERY_H
#define BERTH_SERVER_BOOKS_RECOVERY_H

#include "base/error.h"
#include "server/options.h"

extern const struct option_row recovery_options[];

NODISCARD bool recovery_run(const struct options *options, struct buf *out, struct error *err);

#endif
