/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reclaim.h"

#include <stdint.h>

#include "store/rows.h"

static bool reclaim_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct reclaim_row *reclaim = item;

    reclaim->at = db_column_instant(row, 2);
    reclaim->due = db_column_instant(row, 3);
    return rows_number(row, 0, 1, INT64_MAX, &reclaim->id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &reclaim->machine_id, err) &&
           rows_text(row, 4, arena, &reclaim->reason, err);
}

static const struct rows_reader reader = { "reclaim", sizeof(struct reclaim_row), reclaim_read };

bool reclaim_insert(struct db *db, const struct reclaim_row *reclaim, int64_t *ret_id,
                    struct error *err)
{
    return db_insert(db,
                     "INSERT INTO reclaim (machine_id, at_us, due_us, reason) "
                     "VALUES ($1, $2, $3, $4) RETURNING id",
                     DB_ARGS(db_int(reclaim->machine_id), db_instant(reclaim->at),
                             db_instant(reclaim->due), db_text(reclaim->reason)),
                     ret_id, err);
}

bool reclaim_last(struct db *db, int64_t machine_id, struct arena *arena, struct reclaim_row *ret,
                  bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader,
                         "SELECT id, machine_id, at_us, due_us, reason FROM reclaim "
                         "WHERE machine_id = $1 ORDER BY id DESC LIMIT 1",
                         DB_ARGS(db_int(machine_id)), arena, ret, ret_has, err);
}
