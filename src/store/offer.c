/* SPDX-License-Identifier: Apache-2.0 */
#include "store/offer.h"

#include <stdint.h>

#include "store/rows.h"

bool offer_terms_read(struct db_rows *row, int column, struct offer_terms *ret, struct error *err)
{
    return rows_number(row, column, 0, GPUS_MAX, &ret->num_gpus, err) &&
           rows_number(row, column + 1, 0, INT64_MAX, &ret->gpu_hour.nanodollars, err) &&
           rows_number(row, column + 2, 0, INT64_MAX, &ret->min_bid_hour.nanodollars, err) &&
           rows_number(row, column + 3, 0, INT64_MAX, &ret->disk_month.nanodollars, err) &&
           rows_number(row, column + 4, 0, INT64_MAX, &ret->up_tb.nanodollars, err) &&
           rows_number(row, column + 5, 0, INT64_MAX, &ret->down_tb.nanodollars, err);
}

static bool offer_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct offer_row *offer = item;

    (void)arena;
    offer->terms.start = db_column_instant(row, 11);
    offer->terms.end = db_column_instant(row, 12);
    offer->run_bid_hour = db_column_money(row, 13);
    return rows_number(row, 0, 1, INT64_MAX, &offer->id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &offer->machine_id, err) &&
           rows_number(row, 2, 1, INT64_MAX, &offer->host_id, err) &&
           offer_terms_read(row, 3, &offer->terms, err) &&
           rows_number(row, 9, 0, INT64_MAX, &offer->terms.disk_gb, err) &&
           rows_number(row, 10, 0, 1000000, &offer->discount_max_ppm, err);
}

const struct rows_reader offer_reader = { "offer", sizeof(struct offer_row), offer_read };

bool offer_insert(struct db *db, const struct offer_row *offer, int64_t *ret_id, struct error *err)
{
    const struct offer_terms *terms = &offer->terms;

    return db_insert(db,
                     "INSERT INTO offer (machine_id, host_id, num_gpus, gpu_hour, min_bid_hour, "
                     "disk_month, up_tb, down_tb, disk_gb, discount_max_ppm, start_us, end_us) "
                     "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id",
                     DB_ARGS(db_int(offer->machine_id), db_int(offer->host_id),
                             db_int(terms->num_gpus), db_money(terms->gpu_hour),
                             db_money(terms->min_bid_hour), db_money(terms->disk_month),
                             db_money(terms->up_tb), db_money(terms->down_tb),
                             db_int(terms->disk_gb), db_int(offer->discount_max_ppm),
                             db_instant(terms->start), db_instant(terms->end)),
                     ret_id, err);
}

bool offer_load(struct db *db, int64_t id, struct offer_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &offer_reader,
                         "SELECT " OFFER_COLUMNS " FROM offer "
                         "WHERE id = $1 AND removed_us IS NULL AND is_volume = 0",
                         DB_ARGS(db_int(id)), NULL, ret, ret_has, err);
}

bool offer_list(struct db *db, int64_t machine_id, struct arena *arena, struct offer_row **ret,
                size_t *ret_count, struct error *err)
{
    return rows_load(db, &offer_reader,
                     "SELECT " OFFER_COLUMNS
                     " FROM offer WHERE machine_id = $1 AND removed_us IS NULL AND "
                     "is_volume = 0 ORDER BY id",
                     DB_ARGS(db_int(machine_id)), arena, ret, ret_count, err);
}

bool offer_set_run_bid(struct db *db, int64_t id, struct money run_bid_hour, struct error *err)
{
    return db_exec(db, "UPDATE offer SET run_bid_hour = $2 WHERE id = $1",
                   DB_ARGS(db_int(id), db_money(run_bid_hour)), err);
}

bool offer_remove(struct db *db, int64_t id, struct instant now, struct error *err)
{
    return db_exec(db, "UPDATE offer SET removed_us = $2 WHERE id = $1 AND removed_us IS NULL",
                   DB_ARGS(db_int(id), db_instant(now)), err);
}

bool offer_set_end(struct db *db, int64_t id, struct instant end, struct error *err)
{
    return db_exec(db, "UPDATE offer SET end_us = $2 WHERE id = $1 AND removed_us IS NULL",
                   DB_ARGS(db_int(id), db_instant(end)), err);
}

bool offer_machines(struct db *db, int64_t after, int64_t *ret_ids, size_t max, size_t *ret_count,
                    struct error *err)
{
    return rows_load_ids(db,
                         "SELECT m.id FROM machine m WHERE m.id > $1 AND m.is_online = 1 "
                         "AND m.is_quarantined = 0 AND (EXISTS (SELECT 1 FROM offer o "
                         "WHERE o.machine_id = m.id AND o.removed_us IS NULL AND o.is_volume = 0) "
                         "OR EXISTS (SELECT 1 FROM gpu g JOIN gpu_claim c ON c.gpu_id = g.id "
                         "WHERE g.machine_id = m.id AND c.released_us IS NULL)) "
                         "ORDER BY m.id LIMIT $2",
                         DB_ARGS(db_int(after), db_int((int64_t)max)), ret_ids, max, ret_count,
                         err);
}
