/* SPDX-License-Identifier: Apache-2.0 */
#include "store/webhook.h"

#include <stdint.h>

#include "store/rows.h"

#define WEBHOOK_SELECT                                                                             \
    "SELECT id, user_id, name, url, events, secret, is_enabled, failing_us, created_us, "          \
    "updated_us FROM webhook WHERE "

static bool webhook_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct webhook_row *webhook = item;
    int64_t is_enabled;

    webhook->failing = db_column_instant(row, 7);
    webhook->created = db_column_instant(row, 8);
    webhook->updated = db_column_instant(row, 9);
    if (!rows_number(row, 0, 1, INT64_MAX, &webhook->id, err) ||
        !rows_number(row, 1, 1, INT64_MAX, &webhook->user_id, err) ||
        !rows_text(row, 2, arena, &webhook->name, err) ||
        !rows_text(row, 3, arena, &webhook->url, err) ||
        !rows_text(row, 4, arena, &webhook->events, err) ||
        !rows_text(row, 5, arena, &webhook->secret, err) ||
        !rows_number(row, 6, 0, 1, &is_enabled, err))
        return false;
    webhook->is_enabled = is_enabled != 0;
    return true;
}

static const struct rows_reader reader = { "webhook", sizeof(struct webhook_row), webhook_read };

bool webhook_insert(struct db *db, const struct webhook_row *row, int64_t *ret_id,
                    struct error *err)
{
    return db_insert(db,
                     "INSERT INTO webhook (user_id, name, url, events, secret, is_enabled, "
                     "failing_us, created_us, updated_us) "
                     "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
                     DB_ARGS(db_int(row->user_id), db_text(row->name), db_text(row->url),
                             db_text(row->events), db_text(row->secret), db_int(row->is_enabled),
                             db_instant(row->failing), db_instant(row->created),
                             db_instant(row->updated)),
                     ret_id, err);
}

bool webhook_load(struct db *db, int64_t user_id, int64_t id, struct arena *arena,
                  struct webhook_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader, WEBHOOK_SELECT "user_id = $1 AND id = $2",
                         DB_ARGS(db_int(user_id), db_int(id)), arena, ret, ret_has, err);
}

bool webhook_load_any(struct db *db, int64_t id, struct arena *arena, struct webhook_row *ret,
                      bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader, WEBHOOK_SELECT "id = $1", DB_ARGS(db_int(id)), arena, ret,
                         ret_has, err);
}

bool webhook_list(struct db *db, int64_t user_id, struct arena *arena, struct webhook_row **ret,
                  size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader, WEBHOOK_SELECT "user_id = $1 ORDER BY id",
                     DB_ARGS(db_int(user_id)), arena, ret, ret_count, err);
}

bool webhook_update(struct db *db, const struct webhook_row *row, struct error *err)
{
    return db_exec(db,
                   "UPDATE webhook SET name = $3, url = $4, events = $5, secret = $6, "
                   "is_enabled = $7, failing_us = $8, updated_us = $9 "
                   "WHERE user_id = $1 AND id = $2",
                   DB_ARGS(db_int(row->user_id), db_int(row->id), db_text(row->name),
                           db_text(row->url), db_text(row->events), db_text(row->secret),
                           db_int(row->is_enabled), db_instant(row->failing),
                           db_instant(row->updated)),
                   err);
}

bool webhook_delete(struct db *db, int64_t user_id, int64_t id, int64_t *ret_count,
                    struct error *err)
{
    return db_count(db, "DELETE FROM webhook WHERE user_id = $1 AND id = $2",
                    DB_ARGS(db_int(user_id), db_int(id)), ret_count, err);
}
