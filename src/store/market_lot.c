/* SPDX-License-Identifier: Apache-2.0 */
#include "store/market_lot.h"

#include <stdio.h>

#include "market/machine.h"
#include "store/rows.h"

bool market_look_begin(struct db *db, int64_t hour, struct instant at, bool *ret_is_first,
                       struct error *err)
{
    int64_t count;

    if (!db_count(db,
                  "INSERT INTO market_look (hour, at_us) VALUES ($1, $2) "
                  "ON CONFLICT (hour) DO NOTHING",
                  DB_ARGS(db_int(hour), db_instant(at)), &count, err))
        return false;
    *ret_is_first = count > 0;
    return true;
}

bool market_lot_insert(struct db *db, const struct market_lot_row *row, struct error *err)
{
    const struct prices_lot *lot = &row->lot;

    return db_exec(db,
                   "INSERT INTO market_lot (hour, gpu_name, is_rented, is_verified, is_datacenter, "
                   "gpus, size, gpu_hour, lots) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                   DB_ARGS(db_int(row->hour), db_text(lot->gpu_name), db_int(lot->is_rented),
                           db_int(lot->is_verified), db_int(lot->is_datacenter), db_int(lot->gpus),
                           db_int(lot->size), db_money(lot->gpu_hour), db_int(row->lots)),
                   err);
}

bool market_look_forget(struct db *db, int64_t before_hour, struct error *err)
{
    return db_exec(db, "DELETE FROM market_lot WHERE hour < $1", DB_ARGS(db_int(before_hour)),
                   err) &&
           db_exec(db, "DELETE FROM market_look WHERE hour < $1", DB_ARGS(db_int(before_hour)),
                   err);
}

static bool row_read(struct db_rows *rows, struct arena *arena, void *item, struct error *err)
{
    struct market_lot_row *row = item;
    struct prices_lot *lot = &row->lot;
    const char *name;

    row->at = db_column_instant(rows, 1);
    lot->is_rented = db_column_int(rows, 3) != 0;
    lot->is_verified = db_column_int(rows, 4) != 0;
    lot->is_datacenter = db_column_int(rows, 5) != 0;
    lot->gpu_hour = db_column_money(rows, 8);
    if (!rows_number(rows, 0, 0, INT64_MAX, &row->hour, err) ||
        !rows_text(rows, 2, arena, &name, err) ||
        !rows_number(rows, 6, 1, GPUS_MAX, &lot->gpus, err) ||
        !rows_number(rows, 7, 0, GPUS_MAX, &lot->size, err) ||
        !rows_number(rows, 9, 1, INT32_MAX, &row->lots, err))
        return false;
    (void)snprintf(lot->gpu_name, sizeof lot->gpu_name, "%.*s", GPU_NAME_SIZE - 1, name);
    return true;
}

bool market_lot_list(struct db *db, const struct market_lot_range *range, struct arena *arena,
                     struct market_lot_row **ret, size_t *ret_count, struct error *err)
{
    static const struct rows_reader reader = { "sample", sizeof(struct market_lot_row), row_read };

    return rows_load(db, &reader,
                     "SELECT l.hour, k.at_us, l.gpu_name, l.is_rented, l.is_verified, "
                     "l.is_datacenter, l.gpus, l.size, l.gpu_hour, l.lots "
                     "FROM market_lot l JOIN market_look k ON k.hour = l.hour "
                     "WHERE l.gpu_name = $1 AND l.hour >= $2 AND l.hour <= $3 "
                     "AND (l.hour - $2) % $4 = 0 ORDER BY l.hour, l.gpu_hour, l.gpus, l.size",
                     DB_ARGS(db_text(range->gpu_name), db_int(range->first_hour),
                             db_int(range->last_hour), db_int(range->step_hours)),
                     arena, ret, ret_count, err);
}
