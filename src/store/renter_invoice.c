/* SPDX-License-Identifier: Apache-2.0 */
#include "store/renter_invoice.h"

#include "store/rows.h"

#define INVOICE_SELECT                                                                             \
    "SELECT id, owner_id, number, month, gross, total, made_us FROM renter_invoice "

/* Posting goes on by itself, at the latest after an hour (flow/post_usage.h), and what is posted
 * later is of later days. */
#define ALL_IS_POSTED                                                                              \
    "NOT EXISTS (SELECT 1 FROM contract c WHERE c.owner_id = u.id AND c.destroyed_us = 0 "         \
    "AND c.started_us > 0 AND c.kind <> 4 AND c.posted_us < $2)"

bool renter_invoice_due(struct db *db, int64_t month, struct instant end, int64_t *ret_ids,
                        size_t max, size_t *ret_count, struct error *err)
{
    return rows_load_ids(db,
                         "SELECT u.id FROM users u WHERE u.billed_month < $1 AND " ALL_IS_POSTED
                         " ORDER BY u.billed_month, u.id LIMIT $3",
                         DB_ARGS(db_int(month), db_instant(end), db_int((int64_t)max)), ret_ids,
                         max, ret_count, err);
}

static bool int_read(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(int64_t *)context = db_column_int(row, 0);
    return true;
}

bool renter_invoice_is_due(struct db *db, int64_t owner_id, int64_t month, struct instant end,
                           bool *ret_is_due, int64_t *ret_billed, struct error *err)
{
    return db_query_one(db,
                        "SELECT u.billed_month FROM users u WHERE u.billed_month < $1 "
                        "AND " ALL_IS_POSTED " AND u.id = $3",
                        DB_ARGS(db_int(month), db_instant(end), db_int(owner_id)), int_read,
                        ret_billed, ret_is_due, err);
}

bool renter_invoice_set_billed(struct db *db, int64_t owner_id, int64_t month, struct error *err)
{
    return db_exec(db, "UPDATE users SET billed_month = $2 WHERE id = $1",
                   DB_ARGS(db_int(owner_id), db_int(month)), err);
}

bool renter_invoice_next_day(struct db *db, int64_t owner_id, int64_t from_day, int64_t *ret_day,
                             struct error *err)
{
    bool has;

    *ret_day = INT64_MAX;
    return db_query_one(db,
                        "SELECT day FROM usage_line WHERE owner_id = $1 AND day >= $2 "
                        "ORDER BY owner_id, day LIMIT 1",
                        DB_ARGS(db_int(owner_id), db_int(from_day)), int_read, ret_day, &has, err);
}

bool renter_invoice_gross(struct db *db, int64_t owner_id, int64_t from_day, int64_t until_day,
                          struct money *ret, struct error *err)
{
    bool has;

    return db_query_one(db,
                        "SELECT CAST(COALESCE(SUM(gross), 0) AS BIGINT) FROM usage_line "
                        "WHERE owner_id = $1 AND day BETWEEN $2 AND $3",
                        DB_ARGS(db_int(owner_id), db_int(from_day), db_int(until_day)), int_read,
                        &ret->nanodollars, &has, err);
}

bool renter_invoice_insert(struct db *db, const struct renter_invoice_row *invoice,
                           struct error *err)
{
    return db_exec(db,
                   "INSERT INTO renter_invoice (owner_id, number, month, gross, total, made_us) "
                   "VALUES ($1, $2, $3, $4, $5, $6)",
                   DB_ARGS(db_int(invoice->owner_id), db_text(invoice->number),
                           db_int(invoice->month), db_money(invoice->gross),
                           db_money(invoice->total), db_instant(invoice->made)),
                   err);
}

static bool invoice_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct renter_invoice_row *invoice = item;

    *invoice = (struct renter_invoice_row){ .id = db_column_int(row, 0),
                                            .owner_id = db_column_int(row, 1),
                                            .month = db_column_int(row, 3),
                                            .gross = db_column_money(row, 4),
                                            .total = db_column_money(row, 5),
                                            .made = db_column_instant(row, 6) };
    return rows_text(row, 2, arena, &invoice->number, err);
}

static const struct rows_reader reader = { "renter invoice", sizeof(struct renter_invoice_row),
                                           invoice_read };

bool renter_invoice_list(struct db *db, int64_t owner_id, struct arena *arena,
                         struct renter_invoice_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader, INVOICE_SELECT "WHERE owner_id = $1 ORDER BY month DESC",
                     DB_ARGS(db_int(owner_id)), arena, ret, ret_count, err);
}

bool renter_invoice_load(struct db *db, int64_t owner_id, int64_t month, struct arena *arena,
                         struct renter_invoice_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader, INVOICE_SELECT "WHERE owner_id = $1 AND month = $2",
                         DB_ARGS(db_int(owner_id), db_int(month)), arena, ret, ret_has, err);
}
