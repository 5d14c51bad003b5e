/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine_gauge.h"

#include <stdint.h>

#include "store/rows.h"

static bool gauge_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct machine_gauge_row *gauge = item;

    gauge->told = db_column_instant(row, 1);
    return rows_number(row, 0, 1, INT64_MAX, &gauge->machine_id, err) &&
           rows_text(row, 2, arena, &gauge->gpus, err);
}

static const struct rows_reader reader = { "gauges", sizeof(struct machine_gauge_row), gauge_read };

bool machine_gauge_put(struct db *db, const struct machine_gauge_row *gauge, struct error *err)
{
    return db_exec(
        db,
        "INSERT INTO machine_gauge (machine_id, told_us, gpus) VALUES ($1, $2, $3) "
        "ON CONFLICT (machine_id) DO UPDATE SET told_us = excluded.told_us, gpus = excluded.gpus",
        DB_ARGS(db_int(gauge->machine_id), db_instant(gauge->told), db_text(gauge->gpus)), err);
}

bool machine_gauge_load(struct db *db, int64_t machine_id, struct arena *arena,
                        struct machine_gauge_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(
        db, &reader, "SELECT machine_id, told_us, gpus FROM machine_gauge WHERE machine_id = $1",
        DB_ARGS(db_int(machine_id)), arena, ret, ret_has, err);
}
