/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rows.h"

#include <assert.h>
#include <string.h>

enum { LIST_FIRST = 8 };

struct list {
    void *items;
    size_t count, capacity;
};

/* Room for one more, zeroed. The arena keeps what is outgrown: at most as much again. */
static void *list_add(struct list *list, size_t size, struct arena *arena)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? LIST_FIRST : 2 * list->capacity;
        void *items = arena_alloc(arena, capacity, size);

        if (items == NULL)
            return NULL;
        if (list->count > 0)
            memcpy(items, list->items, list->count * size);
        list->items = items;
        list->capacity = capacity;
    }
    return (char *)list->items + size * list->count++;
}

bool rows_load(struct db *db, const struct rows_reader *reader, const char *sql,
               struct db_args args, struct arena *arena, void *ret_items, size_t *ret_count,
               struct error *err)
{
    auto_db_rows struct db_rows rows = db_query(db, sql, args);
    struct list list = { 0 };

    while (db_next(&rows, err)) {
        void *item = list_add(&list, reader->size, arena);

        if (item == NULL)
            return error_set(err, ERROR_OUT_OF_RANGE, "too many rows of %s", reader->what);
        if (!reader->read(&rows, arena, item, err))
            return error_context(err, "%s", reader->what);
    }
    if (rows.has_failed)
        return error_context(err, "%s", reader->what);
    /* `ret_items` is the address of a pointer to whatever the items are. */
    memcpy(ret_items, &list.items, sizeof list.items);
    *ret_count = list.count;
    return true;
}

bool rows_load_one(struct db *db, const struct rows_reader *reader, const char *sql,
                   struct db_args args, struct arena *arena, void *ret_item, bool *ret_has,
                   struct error *err)
{
    auto_db_rows struct db_rows rows = db_query(db, sql, args);
    bool has = db_next(&rows, err);

    if (has && !reader->read(&rows, arena, ret_item, err))
        return error_context(err, "%s", reader->what);
    if (rows.has_failed)
        return error_context(err, "%s", reader->what);
    *ret_has = has;
    return true;
}

bool rows_load_ids(struct db *db, const char *sql, struct db_args args, int64_t *ret_ids,
                   size_t max, size_t *ret_count, struct error *err)
{
    auto_db_rows struct db_rows rows = db_query(db, sql, args);
    size_t count = 0;

    while (count < max && db_next(&rows, err))
        ret_ids[count++] = db_column_int(&rows, 0);
    if (rows.has_failed)
        return false;
    *ret_count = count;
    return true;
}

bool rows_text(struct db_rows *row, int column, struct arena *arena, const char **ret,
               struct error *err)
{
    assert(arena != NULL);
    const char *text = arena_text(arena, db_column_text(row, column));

    if (text == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "more text than there is room for");
    *ret = text;
    return true;
}

bool rows_text_or_null(struct db_rows *row, int column, struct arena *arena, const char **ret,
                       struct error *err)
{
    if (!db_column_is_null(row, column))
        return rows_text(row, column, arena, ret, err);
    *ret = NULL;
    return true;
}

bool rows_bytes(struct db_rows *row, int column, void *ret, size_t size, struct error *err)
{
    size_t length = 0;
    const void *bytes = db_column_bytes(row, column, &length);

    if (length != size)
        return error_set(err, ERROR_CORRUPT, "column %d has %zu bytes instead of %zu", column,
                         length, size);
    memcpy(ret, bytes, size);
    return true;
}

bool rows_number(struct db_rows *row, int column, int64_t min, int64_t max, int64_t *ret,
                 struct error *err)
{
    int64_t number = db_column_int(row, column);

    if (number < min || number > max)
        return error_set(err, ERROR_CORRUPT, "column %d is %lld", column, (long long)number);
    *ret = number;
    return true;
}
