/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine_bench.h"

#include <stdint.h>

#include "store/rows.h"

static bool bench_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct machine_bench_row *bench = item;

    bench->measured = db_column_instant(row, 2);
    return rows_number(row, 0, 1, INT64_MAX, &bench->id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &bench->machine_id, err) &&
           rows_text(row, 3, arena, &bench->report, err);
}

static const struct rows_reader reader = { "measurement", sizeof(struct machine_bench_row),
                                           bench_read };

bool machine_bench_insert(struct db *db, const struct machine_bench_row *bench, struct error *err)
{
    return db_exec(
        db,
        "INSERT INTO machine_bench (machine_id, measured_us, report) "
        "VALUES ($1, $2, $3)",
        DB_ARGS(db_int(bench->machine_id), db_instant(bench->measured), db_text(bench->report)),
        err);
}

bool machine_bench_last(struct db *db, int64_t machine_id, struct arena *arena,
                        struct machine_bench_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader,
                         "SELECT id, machine_id, measured_us, report FROM machine_bench "
                         "WHERE machine_id = $1 ORDER BY id DESC LIMIT 1",
                         DB_ARGS(db_int(machine_id)), arena, ret, ret_has, err);
}
