/* SPDX-License-Identifier: Apache-2.0 */
/* Rows into structs: what every aggregate of src/store/ does, once.
 *
 * A reader says how large a struct is and how one row fills it. Texts are copied into the arena.
 * What a row may not hold is found here, on loading, and is ERROR_CORRUPT. */

#ifndef BERTH_STORE_ROWS_H
#define BERTH_STORE_ROWS_H

#include "base/arena.h"
#include "store/db.h"

typedef bool rows_read(struct db_rows *row, struct arena *arena, void *item, struct error *err);

struct rows_reader {
    const char *what; /* for errors: "machine" */
    size_t size;      /* of an item */
    rows_read *read;
};

/* All rows, as an array in the arena: `ret_items` points to a pointer to items. */
NODISCARD bool rows_load(struct db *db, const struct rows_reader *reader, const char *sql,
                         struct db_args args, struct arena *arena, void *ret_items,
                         size_t *ret_count, struct error *err);

/* The one row. Fills `ret_item` only if there is one. `arena` may be NULL for a reader that
 * copies no text. */
NODISCARD bool rows_load_one(struct db *db, const struct rows_reader *reader, const char *sql,
                             struct db_args args, struct arena *arena, void *ret_item,
                             bool *ret_has, struct error *err);

/* Numbers in the first column, at most `max`. */
NODISCARD bool rows_load_ids(struct db *db, const char *sql, struct db_args args, int64_t *ret_ids,
                             size_t max, size_t *ret_count, struct error *err);

/* A text column, copied. */
NODISCARD bool rows_text(struct db_rows *row, int column, struct arena *arena, const char **ret,
                         struct error *err);

/* The same, where null is NULL. */
NODISCARD bool rows_text_or_null(struct db_rows *row, int column, struct arena *arena,
                                 const char **ret, struct error *err);

/* Exactly `size` bytes. */
NODISCARD bool rows_bytes(struct db_rows *row, int column, void *ret, size_t size,
                          struct error *err);

/* A number between both, included. */
NODISCARD bool rows_number(struct db_rows *row, int column, int64_t min, int64_t max, int64_t *ret,
                           struct error *err);

#endif
