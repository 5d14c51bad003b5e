/* SPDX-License-Identifier: Apache-2.0 */
/* A request's target, taken apart: path and query, decoded once, strictly.
 *
 * Slashes in front collapse into one and those behind are dropped, so that every spelling which
 * clients use for a route is one path. Nothing else is rewritten: a dot segment or an empty one
 * in the middle is no route's, and ends as "not found". What would change its meaning by being
 * decoded, a slash, a NUL or a control character in the path, is refused. */

#ifndef BERTH_SERVER_TARGET_H
#define BERTH_SERVER_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/error.h"
#include "server/http.h"

struct target {
    const char *origin; /* path and query as sent, without scheme and host */
    const char *path;
    size_t query_count;
    struct http_pair *query; /* in order; a name without "=" has an empty value */
};

/* `text` is what stood in the request line. Everything returned lives in `arena`. ERROR_INVALID:
 * malformed; ERROR_OUT_OF_RANGE: more than HTTP_QUERY_MAX parameters. */
NODISCARD bool target_parse(const char *text, struct arena *arena, struct target *ret_target,
                            struct error *err);

#endif
