/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bid.h"

#include <stdint.h>

#include "store/rows.h"

#define BID_COLUMNS                                                                                \
    "b.contract_id, b.ticks, b.max_ticks, b.floor_ticks, b.grace_s, b.resumes, b.placed_us, "      \
    "b.lowered_us, b.keep_ticks"

static bool bid_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct bid_row *bid = item;

    (void)arena;
    bid->resumes = db_column_int(row, 5) != 0;
    bid->placed = db_column_instant(row, 6);
    bid->lowered = db_column_instant(row, 7);
    return rows_number(row, 0, 1, INT64_MAX, &bid->contract_id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &bid->ticks, err) &&
           rows_number(row, 2, 0, INT64_MAX, &bid->max_ticks, err) &&
           rows_number(row, 3, 0, INT64_MAX, &bid->floor_ticks, err) &&
           rows_number(row, 4, 0, 120, &bid->grace_s, err) &&
           rows_number(row, 8, -1, INT64_MAX, &bid->keep_ticks, err);
}

static const struct rows_reader reader = { "bid", sizeof(struct bid_row), bid_read };

bool bid_insert(struct db *db, const struct bid_row *bid, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO bid (contract_id, ticks, max_ticks, floor_ticks, grace_s, resumes, "
                   "placed_us, lowered_us, keep_ticks) "
                   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                   DB_ARGS(db_int(bid->contract_id), db_int(bid->ticks), db_int(bid->max_ticks),
                           db_int(bid->floor_ticks), db_int(bid->grace_s), db_int(bid->resumes),
                           db_instant(bid->placed), db_instant(bid->lowered),
                           db_int(bid->keep_ticks)),
                   err);
}

bool bid_load(struct db *db, int64_t contract_id, struct bid_row *ret, bool *ret_has,
              struct error *err)
{
    return rows_load_one(db, &reader, "SELECT " BID_COLUMNS " FROM bid b WHERE b.contract_id = $1",
                         DB_ARGS(db_int(contract_id)), NULL, ret, ret_has, err);
}

bool bid_list_on(struct db *db, int64_t machine_id, struct arena *arena, struct bid_row **ret,
                 size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " BID_COLUMNS " FROM bid b JOIN contract c ON c.id = b.contract_id "
                     "WHERE c.machine_id = $1 AND c.state <> 9 AND c.destroyed_us = 0 "
                     "ORDER BY b.contract_id",
                     DB_ARGS(db_int(machine_id)), arena, ret, ret_count, err);
}

bool bid_update(struct db *db, const struct bid_row *bid, struct error *err)
{
    int64_t count;

    if (!db_count(db,
                  "UPDATE bid SET ticks = $2, max_ticks = $3, resumes = $4, placed_us = $5, "
                  "lowered_us = $6, keep_ticks = $7 WHERE contract_id = $1",
                  DB_ARGS(db_int(bid->contract_id), db_int(bid->ticks), db_int(bid->max_ticks),
                          db_int(bid->resumes), db_instant(bid->placed), db_instant(bid->lowered),
                          db_int(bid->keep_ticks)),
                  &count, err))
        return false;
    return count == 1 ||
           error_set(err, ERROR_NOT_FOUND, "contract %lld has no bid", (long long)bid->contract_id);
}
