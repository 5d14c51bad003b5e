/* SPDX-License-Identifier: Apache-2.0 */
#include "store/debt.h"

#include "store/ledger.h"
#include "store/rows.h"

/* PostgreSQL sums BIGINT to NUMERIC. */
#define YOUNG(since)                                                                               \
    "(SELECT COALESCE(CAST(SUM(t.amount) AS BIGINT), 0) FROM transfer t "                          \
    "JOIN journal j ON j.id = t.journal_id WHERE t.dr = a.id AND j.posted_us > " since ") "

struct sums {
    struct money owed, young;
};

static bool sums_read(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(struct sums *)context = (struct sums){ db_column_money(row, 0), db_column_money(row, 1) };
    return true;
}

bool debt_load(struct db *db, int64_t user_id, struct instant since, struct money *ret_owed,
               struct money *ret_young, struct error *err)
{
    struct sums sums = { { 0 }, { 0 } };
    bool has;

    if (!db_query_one(db,
                      "SELECT a.dr_posted - a.cr_posted, " YOUNG(
                          "$2") "FROM account a WHERE a.code = $3 AND a.owner_id = $1 "
                                "AND a.sub_id = 0",
                      DB_ARGS(db_int(user_id), db_instant(since), db_int(LEDGER_RENTER_RECEIVABLE)),
                      sums_read, &sums, &has, err))
        return error_context(err, "what user %lld owes", (long long)user_id);
    *ret_owed = sums.owed;
    *ret_young = sums.young;
    return true;
}

bool debt_due(struct db *db, const struct debt_due *due, int64_t *ret_ids, size_t max,
              size_t *ret_count, struct error *err)
{
    return rows_load_ids(
        db,
        "SELECT owner_id FROM (SELECT a.owner_id, a.dr_posted - a.cr_posted AS owed, " YOUNG(
            "$2") "AS young FROM account a WHERE a.code = $1 AND a.dr_posted > a.cr_posted "
                  "AND a.created_us <= $2) AS debt "
                  "WHERE owed > young AND (young = 0 OR owed - young >= $3) "
                  "ORDER BY owner_id LIMIT $4",
        DB_ARGS(db_int(LEDGER_RENTER_RECEIVABLE), db_instant(due->since), db_money(due->part_min),
                db_int((int64_t)max)),
        ret_ids, max, ret_count, err);
}

static bool debt_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    (void)arena;
    (void)err;
    *(struct debt_row *)item = (struct debt_row){ .journal_id = db_column_int(row, 0),
                                                  .user_id = db_column_int(row, 1),
                                                  .amount = db_column_money(row, 2),
                                                  .at = db_column_instant(row, 3) };
    return true;
}

bool debt_list_written_off(struct db *db, int64_t after, size_t max, struct arena *arena,
                           struct debt_row **ret, size_t *ret_count, struct error *err)
{
    static const struct rows_reader reader = { "debt written off", sizeof(struct debt_row),
                                               debt_read };

    return rows_load(db, &reader,
                     "SELECT j.id, j.ref_id, t.amount, j.posted_us FROM transfer t "
                     "JOIN journal j ON j.id = t.journal_id "
                     "WHERE t.code = 68 AND t.journal_id > $1 ORDER BY t.journal_id LIMIT $2",
                     DB_ARGS(db_int(after), db_int((int64_t)max)), arena, ret, ret_count, err);
}
