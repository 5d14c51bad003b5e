/* SPDX-License-Identifier: Apache-2.0 */
/* `berthd serve`: opens everything from the store up to the sockets, serves until it is told to
 * stop, and closes it again in the other order. */

#ifndef BERTH_SERVER_SERVE_H
#define BERTH_SERVER_SERVE_H

#include "base/error.h"
#include "server/options.h"

extern const struct option_row serve_options[];

/* Runs until SIGTERM or SIGINT; SIGHUP makes it look at everything anew. ERROR_INVALID is wrong
 * usage. */
NODISCARD bool serve_run(const struct options *options, const char *version, struct error *err);

#endif
