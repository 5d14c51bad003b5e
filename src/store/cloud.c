/* SPDX-License-Identifier: Apache-2.0 */
#include "store/cloud.h"

#include <stdint.h>

#include "store/rows.h"

#define CLOUD_SELECT "SELECT id, user_id, name, kind, config, created_us FROM cloud_connection "

static bool cloud_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct cloud_row *cloud = item;

    cloud->created = db_column_instant(row, 5);
    return rows_number(row, 0, 1, INT64_MAX, &cloud->id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &cloud->user_id, err) &&
           rows_text(row, 2, arena, &cloud->name, err) &&
           rows_text(row, 3, arena, &cloud->kind, err) &&
           rows_text(row, 4, arena, &cloud->config, err);
}

static const struct rows_reader reader = { "connection", sizeof(struct cloud_row), cloud_read };

bool cloud_insert(struct db *db, const struct cloud_row *row, int64_t *ret_id, struct error *err)
{
    return db_insert(db,
                     "INSERT INTO cloud_connection (user_id, name, kind, config, created_us) "
                     "VALUES ($1, $2, $3, $4, $5) RETURNING id",
                     DB_ARGS(db_int(row->user_id), db_text(row->name), db_text(row->kind),
                             db_text(row->config), db_instant(row->created)),
                     ret_id, err);
}

bool cloud_load(struct db *db, int64_t user_id, int64_t id, struct arena *arena,
                struct cloud_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader, CLOUD_SELECT "WHERE user_id = $1 AND id = $2",
                         DB_ARGS(db_int(user_id), db_int(id)), arena, ret, ret_has, err);
}

bool cloud_list(struct db *db, int64_t user_id, struct arena *arena, struct cloud_row **ret,
                size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader, CLOUD_SELECT "WHERE user_id = $1 ORDER BY id",
                     DB_ARGS(db_int(user_id)), arena, ret, ret_count, err);
}

bool cloud_delete(struct db *db, int64_t user_id, int64_t id, int64_t *ret_count, struct error *err)
{
    return db_count(db, "DELETE FROM cloud_connection WHERE user_id = $1 AND id = $2",
                    DB_ARGS(db_int(user_id), db_int(id)), ret_count, err);
}
