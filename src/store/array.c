/* SPDX-License-Identifier: Apache-2.0 */
#include "store/array.h"

#include <assert.h>

enum { COLUMNS_MAX = 16 };

/* As PostgreSQL writes it: {1,2,3}. */
static void write_column(struct buf *buf, array_write *write, const void *items, size_t count,
                         int column)
{
    for (size_t i = 0; i < count; i++) {
        buf_append(buf, i == 0 ? "{" : ",", 1);
        write(items, i, column, buf);
    }
    buf_append(buf, count == 0 ? "{}" : "}", count == 0 ? 2 : 1);
}

void array_values(struct buf *buf, array_write *write, const void *items, size_t count,
                  struct db_value *ret_values, int column_count)
{
    size_t begins[COLUMNS_MAX + 1] = { 0 };

    assert(column_count <= COLUMNS_MAX && buf->length == 0);
    for (int column = 0; column < column_count; column++) {
        write_column(buf, write, items, count, column);
        begins[column + 1] = buf->length;
    }
    assert(!buf->has_overflowed);
    /* Only now does it move no more. */
    for (int column = 0; column < column_count; column++)
        ret_values[column] = (struct db_value){ .type = DB_TEXT,
                                                .bytes = buf->bytes + begins[column],
                                                .length = begins[column + 1] - begins[column] };
}
