/* SPDX-License-Identifier: Apache-2.0 */
/* From the query object of api.md 2.3.2 to a query.
 *
 * The same route is spoken to by clients that send every value as text and by clients that send
 * numbers: operands are read by the type of their field, here, once. Hints that consoles send in
 * the same object are left out; any other field that nobody knows, and an operand that makes no
 * sense, is an error that names it. The work is bounded by the limits here and in market/query.h,
 * whatever is sent. */

#ifndef BERTH_MARKET_QUERY_PARSE_H
#define BERTH_MARKET_QUERY_PARSE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/error.h"
#include "base/json.h"
#include "market/query.h"

enum {
    QUERY_TEXT_MAX = 256,          /* one operand */
    QUERY_ARENA_SIZE = 256 * 1024, /* plenty for a query: past it is ERROR_OUT_OF_RANGE */
};

/* Lists and texts live in the arena. A NULL root is the default query. */
NODISCARD bool query_parse(const json_t *root, struct arena *arena, struct query *ret,
                           struct error *err);

/* A field by its name on the wire, or an alias of it; `*ret_scale` is what operands under that
 * name are multiplied with. False: no such field. */
bool query_field_find(const char *name, enum query_field *ret_field, double *ret_scale);

#endif
