/* SPDX-License-Identifier: Apache-2.0 */
/* `berthd relay`: a relay that is a process of its own, beside the servers of its market or on
 * another machine, with nothing in common with them but the database. */

#ifndef BERTH_SERVER_RELAY_ALONE_H
#define BERTH_SERVER_RELAY_ALONE_H

#include "base/error.h"
#include "server/options.h"

extern const struct option_row relay_alone_options[];

/* Until SIGTERM or SIGINT. */
NODISCARD bool relay_alone_run(const struct options *options, const char *store, struct error *err);

#endif
