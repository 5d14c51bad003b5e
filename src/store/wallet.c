/* SPDX-License-Identifier: Apache-2.0 */
#include "store/wallet.h"

#include "store/rows.h"

static bool entry_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    int64_t kind;

    (void)arena;
    if (!rows_number(row, 1, JOURNAL_USAGE, JOURNAL_RESERVATION, &kind, err))
        return false;
    *(struct wallet_entry *)item = (struct wallet_entry){
        .journal_id = db_column_int(row, 0),
        .kind = (enum journal_kind)kind,
        .ref_id = db_column_int(row, 2),
        .at = db_column_instant(row, 3),
        .is_out = db_column_int(row, 4) != 0,
        .amount = db_column_money(row, 5),
    };
    return true;
}

/* By account, so that a market's other journals are never looked at. Code 65 is a transfer, 62 the
 * making of a payout, 63 credit that was sent back, 71 earnings that were kept back; kind 8 is a
 * refund to a card. */
bool wallet_list(struct db *db, int64_t user_id, struct instant from, struct instant until,
                 struct arena *arena, struct wallet_entry **ret, size_t *ret_count,
                 struct error *err)
{
    static const struct rows_reader entry = { "wallet entry", sizeof(struct wallet_entry),
                                              entry_read };

    return rows_load(
        db, &entry,
        "SELECT j.id, j.kind, j.ref_id, j.occurred_us, 0, CAST(SUM(t.amount) AS BIGINT) "
        "FROM account a JOIN transfer t ON t.cr = a.id JOIN journal j ON j.id = t.journal_id "
        "WHERE a.owner_id = $1 AND a.code IN (1210, 2010, 2020) AND j.kind IN (2, 3, 4, 11, "
        "13) "
        "AND j.occurred_us BETWEEN $2 AND $3 GROUP BY j.id, j.kind, j.ref_id, j.occurred_us "
        "UNION ALL "
        "SELECT j.id, j.kind, j.ref_id, j.occurred_us, 1, CAST(SUM(t.amount) AS BIGINT) "
        "FROM account a JOIN transfer t ON t.dr = a.id JOIN journal j ON j.id = t.journal_id "
        "WHERE a.owner_id = $1 AND j.occurred_us BETWEEN $2 AND $3 "
        "AND ((a.code = 2010 AND j.kind = 11 AND t.code = 65) OR (a.code = 2110 AND j.kind = 5) "
        "OR (a.code = 2120 AND j.kind = 6 AND t.code = 62) "
        "OR (a.code = 2010 AND j.kind = 8 AND t.code = 63) OR (a.code = 2010 AND j.kind = 13) "
        "OR (j.kind = 12 AND ((a.code = 2010 AND "
        "t.code = 63) OR (a.code = 2120 AND t.code = "
        "71)))) "
        "GROUP BY j.id, j.kind, j.ref_id, j.occurred_us ORDER BY 4, 1",
        DB_ARGS(db_int(user_id), db_instant(from), db_instant(until)), arena, ret, ret_count, err);
}
