/* SPDX-License-Identifier: Apache-2.0 */
/* Many rows as parameters of one statement, on PostgreSQL: an array a column, for unnest().
 * Inside src/store/ only. */

#ifndef BERTH_STORE_ARRAY_H
#define BERTH_STORE_ARRAY_H

#include "base/buf.h"
#include "store/driver.h"

/* Writes one column of one item, in characters that an array's text needs no quotes for: digits,
 * letters, a sign; and at least one of them. */
typedef void array_write(const void *items, size_t item, int column, struct buf *out);

/* Fills `ret_values`, one a column, which point into `buf`: it was empty, has room for all, and
 * stays the caller's. */
void array_values(struct buf *buf, array_write *write, const void *items, size_t count,
                  struct db_value *ret_values, int column_count);

#endif
