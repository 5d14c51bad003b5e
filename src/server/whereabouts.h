/* SPDX-License-Identifier: Apache-2.0 */
/* Where a command's --data and --store say that the books are.
 *
 * A slip of the hand there must not look like a market without anything in it: only `serve`,
 * `migrate`, `restore` and the far side of `move` make books. All other commands want to find
 * some, or they would call an empty folder sound, and keep backups of nothing. */

#ifndef BERTH_SERVER_WHEREABOUTS_H
#define BERTH_SERVER_WHEREABOUTS_H

#include <stdbool.h>

#include "server/options.h"

/* A folder or a URL, as store_open() takes it. ERROR_INVALID: neither is said, or --store is
 * neither "sqlite" nor a URL of PostgreSQL's. */
NODISCARD bool whereabouts_of(const struct options *options, const char **ret_location,
                              struct error *err);

/* The same of books that are there: else ERROR_NOT_FOUND, and nothing was made. */
NODISCARD bool whereabouts_find(const struct options *options, const char **ret_location,
                                struct error *err);

#endif
