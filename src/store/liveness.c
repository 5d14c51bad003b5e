/* SPDX-License-Identifier: Apache-2.0 */
#include "store/liveness.h"

#include "store/rows.h"

bool liveness_say(struct db *db, const struct liveness *liveness, struct error *err)
{
    int64_t count;

    if (!db_count(db,
                  "UPDATE server_liveness SET alive_until_us = $3 "
                  "WHERE server_proc = $1 AND alive_until_us >= $2 AND start_us <= $3",
                  DB_ARGS(db_text(liveness->server_proc), db_instant(liveness->since),
                          db_instant(liveness->until)),
                  &count, err))
        return false;
    return count > 0 ||
           db_exec(db,
                   "INSERT INTO server_liveness (server_proc, start_us, alive_until_us) "
                   "VALUES ($1, $2, $3)",
                   DB_ARGS(db_text(liveness->server_proc), db_instant(liveness->now),
                           db_instant(liveness->until)),
                   err);
}

static bool span_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct span *span = item;

    (void)arena;
    (void)err;
    span->from = db_column_instant(row, 0);
    span->until = db_column_instant(row, 1);
    return true;
}

bool liveness_list(struct db *db, struct instant after, struct arena *arena, struct span **ret,
                   size_t *ret_count, struct error *err)
{
    static const struct rows_reader reader = { "liveness", sizeof(struct span), span_read };

    return rows_load(db, &reader,
                     "SELECT start_us, alive_until_us FROM server_liveness "
                     "WHERE alive_until_us > $1 ORDER BY start_us, alive_until_us",
                     DB_ARGS(db_instant(after)), arena, ret, ret_count, err);
}

bool liveness_forget(struct db *db, struct instant before, struct error *err)
{
    return db_exec(db, "DELETE FROM server_liveness WHERE alive_until_us < $1",
                   DB_ARGS(db_instant(before)), err);
}

static bool last_read(struct db_rows *row, void *context, struct error *err)
{
    struct instant *last = context;

    (void)err;
    *last = db_column_instant(row, 0);
    return true;
}

bool liveness_last(struct db *db, struct instant *ret, bool *ret_has, struct error *err)
{
    return db_query_one(
        db, "SELECT alive_until_us FROM server_liveness ORDER BY alive_until_us DESC LIMIT 1",
        DB_NO_ARGS, last_read, ret, ret_has, err);
}

bool liveness_deny(struct db *db, struct instant after, struct error *err)
{
    return db_exec(db, "DELETE FROM server_liveness WHERE alive_until_us > $1",
                   DB_ARGS(db_instant(after)), err);
}
