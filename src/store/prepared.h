/* SPDX-License-Identifier: Apache-2.0 */
/* The prepared statements of one connection, found by the address of their text.
 *
 * Statements are string literals, so an address stands for a text; that it still does is
 * asserted, by a number made from it: copies of all texts, of each connection that comes and goes,
 * would leave a heap in pieces. PostgreSQL fixes the types of the parameters when it prepares, so
 * the same text with other types (a null for a number) is another statement.
 *
 * The table grows with what is in it: connections come and go with the load, each with its own, and
 * most use a few hundred statements. */

#ifndef BERTH_STORE_PREPARED_H
#define BERTH_STORE_PREPARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/db.h"

struct prepared_entry {
    const char *sql; /* NULL: a free place */
    uint64_t digest; /* of the text */
    uint64_t types[2];
    void *statement; /* the driver's; NULL: to be prepared (again) */
};

struct prepared {
    struct prepared_entry *entries; /* owned; they move when the table grows */
    size_t place_count;             /* a power of two */
    size_t count, count_max;
};

struct prepared prepared_of(size_t count_max);

/* Free the table; the driver frees its statements first. */
void prepared_release(struct prepared *prepared);

/* The place of the statement, new ones with `statement` NULL. NULL when there are too many. Good
 * until the next is asked for. */
NODISCARD struct prepared_entry *prepared_find(struct prepared *prepared, const char *sql,
                                               struct db_args args);

/* Call `each` with every statement there is. */
void prepared_each(struct prepared *prepared, void (*each)(void *statement));

#endif
