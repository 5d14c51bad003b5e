/* SPDX-License-Identifier: Apache-2.0 */
#include "store/maintenance.h"

#include <stdint.h>

#include "store/rows.h"

static bool maintenance_read(struct db_rows *row, struct arena *arena, void *item,
                             struct error *err)
{
    struct maintenance_row *window = item;

    window->start = db_column_instant(row, 2);
    window->end = db_column_instant(row, 3);
    window->created = db_column_instant(row, 5);
    return rows_number(row, 0, 1, INT64_MAX, &window->id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &window->machine_id, err) &&
           rows_text(row, 4, arena, &window->category, err);
}

static const struct rows_reader reader = { "maintenance", sizeof(struct maintenance_row),
                                           maintenance_read };

bool maintenance_insert(struct db *db, const struct maintenance_row *window, int64_t *ret_id,
                        struct error *err)
{
    return db_insert(db,
                     "INSERT INTO maintenance (machine_id, start_us, end_us, category, created_us) "
                     "VALUES ($1, $2, $3, $4, $5) RETURNING id",
                     DB_ARGS(db_int(window->machine_id), db_instant(window->start),
                             db_instant(window->end), db_text(window->category),
                             db_instant(window->created)),
                     ret_id, err);
}

bool maintenance_list(struct db *db, int64_t machine_id, struct instant now, struct arena *arena,
                      struct maintenance_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT id, machine_id, start_us, end_us, category, created_us "
                     "FROM maintenance WHERE machine_id = $1 AND cancelled_us IS NULL "
                     "AND end_us > $2 ORDER BY start_us, id",
                     DB_ARGS(db_int(machine_id), db_instant(now)), arena, ret, ret_count, err);
}

bool maintenance_cancel(struct db *db, int64_t machine_id, struct instant now, int64_t *ret_count,
                        struct error *err)
{
    return db_count(db,
                    "UPDATE maintenance SET cancelled_us = $2 WHERE machine_id = $1 "
                    "AND cancelled_us IS NULL AND end_us > $2",
                    DB_ARGS(db_int(machine_id), db_instant(now)), ret_count, err);
}
