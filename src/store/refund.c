/* SPDX-License-Identifier: Apache-2.0 */
#include "store/refund.h"

bool refund_insert(struct db *db, const struct refund_row *row, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO usage_refund (ticket, contract_id, comp, rate, qty, used, gross, "
                   "host, at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                   DB_ARGS(db_text(row->ticket), db_int(row->contract_id), db_int(row->component),
                           db_money(row->refund.rate), db_int(row->refund.quantity),
                           db_int(row->refund.used), db_money(row->gross), db_money(row->host),
                           db_instant(row->at)),
                   err);
}

static bool amount_read(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(struct money *)context = db_column_money(row, 0);
    return true;
}

/* Charges are debits of the renter's accounts (code 11 for the first component), what goes back
 * credits (14). */
bool refund_paid_bought(struct db *db, int64_t contract_id, enum component component,
                        struct money *ret, struct error *err)
{
    struct money charged = { 0 }, back = { 0 };
    bool has;

    if (!db_query_one(db,
                      "SELECT CAST(COALESCE(SUM(t.amount), 0) AS BIGINT) FROM journal j "
                      "JOIN transfer t ON t.journal_id = j.id JOIN account a ON a.id = t.dr "
                      "WHERE j.ref_kind = 1 AND j.ref_id = $1 AND j.kind = 1 AND t.code = $2 "
                      "AND a.code IN (1210, 2010, 2050)",
                      DB_ARGS(db_int(contract_id), db_int(10 * component + LEG_CHARGE)),
                      amount_read, &charged, &has, err) ||
        !db_query_one(db,
                      "SELECT CAST(COALESCE(SUM(t.amount), 0) AS BIGINT) FROM journal j "
                      "JOIN transfer t ON t.journal_id = j.id JOIN account a ON a.id = t.cr "
                      "WHERE j.ref_kind = 1 AND j.ref_id = $1 AND j.kind = 4 AND t.code = $2 "
                      "AND a.code IN (1210, 2010)",
                      DB_ARGS(db_int(contract_id), db_int(10 * component + LEG_BACK)), amount_read,
                      &back, &has, err))
        return false;
    /* More may have gone back to settle a debt than was paid like that. */
    int64_t left = charged.nanodollars - back.nanodollars;
    *ret = (struct money){ left > 0 ? left : 0 };
    return true;
}

bool refund_sum(struct db *db, int64_t renter_id, struct instant since, struct money *ret,
                struct error *err)
{
    bool has;

    return db_query_one(db,
                        "SELECT CAST(COALESCE(SUM(r.gross), 0) AS BIGINT) FROM usage_refund r "
                        "JOIN contract c ON c.id = r.contract_id "
                        "WHERE c.owner_id = $1 AND r.at_us > $2",
                        DB_ARGS(db_int(renter_id), db_instant(since)), amount_read, ret, &has, err);
}
