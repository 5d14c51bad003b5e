/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine_bench.h"

#include <stdint.h>

#include "store/rows.h"

enum { PEERS_ARENA_MAX = 1 << 20 };

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

/* Columns stand in the order of enum dlperf_rate. */
static bool rates_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct dlperf_rates *rates = item;

    (void)arena;
    for (int i = 0; i < DLPERF_RATES; i++) {
        if (!rows_number(row, i, 0, INT64_MAX, &rates->of[i], err))
            return false;
    }
    return true;
}

static const struct rows_reader rates_reader = { "measurement", sizeof(struct dlperf_rates),
                                                 rates_read };

bool machine_bench_peers(struct db *db, const struct machine_bench_like *like, size_t max,
                         struct dlperf_rates *ret, size_t *ret_count, struct error *err)
{
    auto_arena struct arena arena = arena_of(PEERS_ARENA_MAX);
    struct dlperf_rates *peers;

    if (!rows_load(db, &rates_reader,
                   "SELECT tf32_gflops, f32_gflops, f16_gflops, bf16_gflops, memory_mbs "
                   "FROM machine WHERE id IN (SELECT MAX(id) FROM machine WHERE bench_model = $1 "
                   "AND bench_gpu_gb = $2 AND owner_id <> $3 AND bench_us >= $4 "
                   "AND removed_us = 0 AND bench_model <> '' GROUP BY owner_id) "
                   "ORDER BY id DESC LIMIT $5",
                   DB_ARGS(db_text(like->model), db_int(like->gpu_gb), db_int(like->owner_id),
                           db_instant(like->since), db_int((int64_t)max)),
                   &arena, &peers, ret_count, err))
        return false;
    for (size_t i = 0; i < *ret_count; i++)
        ret[i] = peers[i];
    return true;
}
