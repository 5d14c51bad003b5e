/* SPDX-License-Identifier: Apache-2.0 */
#include "store/interval.h"

#include <stdint.h>

#include "store/rows.h"

#define INTERVAL_COLUMNS                                                                           \
    "id, contract_id, owner_id, machine_id, start_token, run_ms, start_us, metered_us"

static bool interval_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct interval_row *interval = item;

    interval->start = db_column_instant(row, 6);
    interval->metered = db_column_instant(row, 7);
    return rows_number(row, 0, 1, INT64_MAX, &interval->id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &interval->contract_id, err) &&
           rows_number(row, 2, 1, INT64_MAX, &interval->owner_id, err) &&
           rows_number(row, 3, 1, INT64_MAX, &interval->machine_id, err) &&
           rows_text(row, 4, arena, &interval->start_token, err) &&
           rows_number(row, 5, 0, INT64_MAX, &interval->run_ms, err);
}

static const struct rows_reader reader = { "interval", sizeof(struct interval_row), interval_read };

bool interval_open(struct db *db, const struct interval_row *interval, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO run_interval (contract_id, owner_id, machine_id, start_token, "
                   "run_ms, start_us, metered_us) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                   DB_ARGS(db_int(interval->contract_id), db_int(interval->owner_id),
                           db_int(interval->machine_id), db_text(interval->start_token),
                           db_int(interval->run_ms), db_instant(interval->start),
                           db_instant(interval->metered)),
                   err);
}

bool interval_ever(struct db *db, int64_t contract_id, bool *ret, struct error *err)
{
    int64_t id;
    size_t count;

    if (!rows_load_ids(db, "SELECT id FROM run_interval WHERE contract_id = $1 LIMIT 1",
                       DB_ARGS(db_int(contract_id)), &id, 1, &count, err))
        return false;
    *ret = count > 0;
    return true;
}

bool interval_load(struct db *db, int64_t contract_id, struct arena *arena,
                   struct interval_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader,
                         "SELECT " INTERVAL_COLUMNS
                         " FROM run_interval WHERE contract_id = $1 AND end_us IS NULL",
                         DB_ARGS(db_int(contract_id)), arena, ret, ret_has, err);
}

bool interval_list_on(struct db *db, int64_t machine_id, struct arena *arena,
                      struct interval_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " INTERVAL_COLUMNS
                     " FROM run_interval WHERE machine_id = $1 AND end_us IS NULL ORDER BY id",
                     DB_ARGS(db_int(machine_id)), arena, ret, ret_count, err);
}

bool interval_list_owned(struct db *db, int64_t owner_id, struct arena *arena,
                         struct interval_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " INTERVAL_COLUMNS
                     " FROM run_interval WHERE owner_id = $1 AND end_us IS NULL ORDER BY id",
                     DB_ARGS(db_int(owner_id)), arena, ret, ret_count, err);
}

static bool sum_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct interval_sum *sum = item;

    (void)arena;
    sum->gpu_hour = db_column_money(row, 3);
    return rows_number(row, 0, 1, INT64_MAX, &sum->contract_id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &sum->machine_id, err) &&
           rows_number(row, 2, 0, INT64_MAX, &sum->num_gpus, err) &&
           rows_number(row, 4, 0, 10000, &sum->fee_bps, err) &&
           rows_number(row, 5, 0, INT64_MAX, &sum->run_us, err);
}

bool interval_sums(struct db *db, struct instant since, int64_t max, struct arena *arena,
                   struct interval_sum **ret, size_t *ret_count, struct error *err)
{
    static const struct rows_reader sums = { "sum of intervals", sizeof(struct interval_sum),
                                             sum_read };

    return rows_load(db, &sums,
                     "SELECT c.id, c.machine_id, c.num_gpus, c.gpu_hour, c.fee_bps, "
                     "CAST(SUM(i.metered_us - CASE WHEN i.start_us > $1 THEN i.start_us "
                     "ELSE $1 END) AS BIGINT) "
                     "FROM run_interval i JOIN contract c ON c.id = i.contract_id "
                     "WHERE (i.end_us IS NULL OR i.end_us > $1) AND i.metered_us > $1 "
                     "AND c.kind <> 4 "
                     "GROUP BY c.id, c.machine_id, c.num_gpus, c.gpu_hour, c.fee_bps "
                     "ORDER BY c.id DESC LIMIT $2",
                     DB_ARGS(db_instant(since), db_int(max)), arena, ret, ret_count, err);
}

static bool run_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct interval_run *run = item;

    (void)arena;
    run->gpu_hour = db_column_money(row, 2);
    run->start = db_column_instant(row, 3);
    run->end = db_column_instant(row, 4);
    return rows_number(row, 0, 1, INT64_MAX, &run->machine_id, err) &&
           rows_number(row, 1, 0, INT64_MAX, &run->num_gpus, err);
}

bool interval_runs(struct db *db, struct instant since, int64_t max, struct arena *arena,
                   struct interval_run **ret, size_t *ret_count, struct error *err)
{
    static const struct rows_reader runs = { "run", sizeof(struct interval_run), run_read };

    return rows_load(db, &runs,
                     "SELECT c.machine_id, c.num_gpus, c.gpu_hour, i.start_us, i.metered_us "
                     "FROM run_interval i JOIN contract c ON c.id = i.contract_id "
                     "WHERE (i.end_us IS NULL OR i.end_us > $1) AND i.metered_us > $1 "
                     "AND c.kind <> 4 ORDER BY i.id DESC LIMIT $2",
                     DB_ARGS(db_instant(since), db_int(max)), arena, ret, ret_count, err);
}

bool interval_meter(struct db *db, int64_t id, struct instant metered, struct error *err)
{
    return db_exec(db, "UPDATE run_interval SET metered_us = $2 WHERE id = $1 AND end_us IS NULL",
                   DB_ARGS(db_int(id), db_instant(metered)), err);
}

bool interval_close(struct db *db, int64_t id, struct instant end, struct error *err)
{
    return db_exec(db,
                   "UPDATE run_interval SET metered_us = $2, end_us = $2 "
                   "WHERE id = $1 AND end_us IS NULL",
                   DB_ARGS(db_int(id), db_instant(end)), err);
}

static bool count_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    (void)arena;
    return rows_number(row, 0, 0, INT64_MAX, item, err);
}

bool interval_count_open(struct db *db, int64_t *ret_count, struct error *err)
{
    static const struct rows_reader count = { "count of intervals", sizeof(int64_t), count_read };
    bool has;

    return rows_load_one(db, &count, "SELECT COUNT(*) FROM run_interval WHERE end_us IS NULL",
                         DB_NO_ARGS, NULL, ret_count, &has, err);
}
