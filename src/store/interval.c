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
