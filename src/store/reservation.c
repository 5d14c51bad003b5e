/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reservation.h"

#include "store/ledger.h"
#include "store/rows.h"

bool reservation_insert(struct db *db, struct reservation_row *row, struct error *err)
{
    return db_insert(
        db,
        "INSERT INTO reservation (contract_id, owner_id, begun_us, gpu_hour, disk_month, "
        "gpu_from, disk_from, discount_ppm, hours, paid, payments, last_paid, last_paid_us, "
        "ends_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) "
        "RETURNING id",
        DB_ARGS(db_int(row->contract_id), db_int(row->owner_id), db_instant(row->begun),
                db_money(row->gpu_hour), db_money(row->disk_month), db_int(row->gpu_from),
                db_int(row->disk_from), db_int(row->discount_ppm), db_int(row->hours),
                db_money(row->paid), db_int(row->payments), db_money(row->last_paid),
                db_instant(row->last_paid_at), db_instant(row->ends)),
        &row->id, err);
}

static bool reservation_read(struct db_rows *row, struct arena *arena, void *item,
                             struct error *err)
{
    struct reservation_row *reservation = item;

    (void)arena;
    reservation->begun = db_column_instant(row, 3);
    reservation->closed = db_column_instant(row, 4);
    reservation->gpu_hour = db_column_money(row, 5);
    reservation->disk_month = db_column_money(row, 6);
    reservation->paid = db_column_money(row, 11);
    reservation->last_paid = db_column_money(row, 13);
    reservation->last_paid_at = db_column_instant(row, 14);
    reservation->kept = db_column_money(row, 15);
    reservation->given_back = db_column_money(row, 16);
    reservation->ends = db_column_instant(row, 17);
    if (!meter_rate_is_valid(reservation->gpu_hour) ||
        !meter_rate_is_valid(reservation->disk_month))
        return error_set(err, ERROR_CORRUPT, "a reservation at prices that cannot be");
    return rows_number(row, 0, 1, INT64_MAX, &reservation->id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &reservation->contract_id, err) &&
           rows_number(row, 2, 1, INT64_MAX, &reservation->owner_id, err) &&
           rows_number(row, 7, 0, INT64_MAX, &reservation->gpu_from, err) &&
           rows_number(row, 8, 0, INT64_MAX, &reservation->disk_from, err) &&
           rows_number(row, 9, 0, RESERVED_PPM, &reservation->discount_ppm, err) &&
           rows_number(row, 10, 1, RESERVED_HOURS_MAX, &reservation->hours, err) &&
           rows_number(row, 12, 1, INT64_MAX, &reservation->payments, err);
}

static const struct rows_reader reader = { "reservation", sizeof(struct reservation_row),
                                           reservation_read };

bool reservation_load(struct db *db, int64_t contract_id, struct reservation_row *ret,
                      bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader,
                         "SELECT id, contract_id, owner_id, begun_us, closed_us, gpu_hour, "
                         "disk_month, gpu_from, disk_from, discount_ppm, hours, paid, payments, "
                         "last_paid, last_paid_us, kept, given_back, ends_us FROM reservation "
                         "WHERE contract_id = $1 AND closed_us = 0",
                         DB_ARGS(db_int(contract_id)), NULL, ret, ret_has, err);
}

bool reservation_update(struct db *db, const struct reservation_row *row, struct error *err)
{
    return db_exec(
        db,
        "UPDATE reservation SET closed_us = $2, discount_ppm = $3, hours = $4, paid = $5, "
        "payments = $6, last_paid = $7, last_paid_us = $8, kept = $9, given_back = $10, "
        "ends_us = $11 WHERE id = $1 AND closed_us = 0",
        DB_ARGS(db_int(row->id), db_instant(row->closed), db_int(row->discount_ppm),
                db_int(row->hours), db_money(row->paid), db_int(row->payments),
                db_money(row->last_paid), db_instant(row->last_paid_at), db_money(row->kept),
                db_money(row->given_back), db_instant(row->ends)),
        err);
}

bool reservation_set_ends(struct db *db, int64_t contract_id, struct instant ends,
                          struct error *err)
{
    return db_exec(db,
                   "UPDATE reservation SET ends_us = $2 WHERE contract_id = $1 AND closed_us = 0",
                   DB_ARGS(db_int(contract_id), db_instant(ends)), err);
}

bool reservation_due(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                     size_t *ret_count, struct error *err)
{
    return rows_load_ids(
        db,
        "SELECT contract_id FROM reservation WHERE closed_us = 0 AND ends_us <= $1 "
        "ORDER BY ends_us, contract_id LIMIT $2",
        DB_ARGS(db_instant(now), db_int((int64_t)max)), ret_ids, max, ret_count, err);
}

bool reservation_left(struct db *db, const struct contract_row *contract, struct money *ret,
                      struct error *err)
{
    struct ledger_sums sums;

    if (!ledger_load_sums(
            db, (struct ledger_key){ LEDGER_RENTER_RESERVED, contract->owner_id, contract->id },
            &sums, err))
        return false;
    *ret = ledger_free(LEDGER_RENTER_RESERVED, &sums);
    return true;
}

bool reservation_mark(struct db *db, const struct contract_row *contract, struct error *err)
{
    return db_exec(db,
                   "UPDATE contract SET kind = $2, gpu_hour = $3, discount_ppm = $4 WHERE id = $1",
                   DB_ARGS(db_int(contract->id), db_int(contract->kind),
                           db_money(contract->terms.gpu_hour), db_int(contract->discount_ppm)),
                   err);
}
