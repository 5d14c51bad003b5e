/* SPDX-License-Identifier: Apache-2.0 */
#include "store/trial.h"

#include <assert.h>

static struct ledger_sums *place_of(struct ledger_sums *sums, int64_t code)
{
    size_t count;
    const struct ledger_account *chart = ledger_chart(&count);

    for (size_t i = 0; i < count; i++)
        if (chart[i].code == code)
            return &sums[i];
    return NULL;
}

/* Rows of code, debits and credits. */
static bool add(struct db *db, const char *sql, struct ledger_sums *sums, struct error *err)
{
    auto_db_rows struct db_rows rows = db_query(db, sql, DB_ARGS(db_int(LEDGER_S)));

    while (db_next(&rows, err)) {
        struct ledger_sums *place = place_of(sums, db_column_int(&rows, 0));

        if (place == NULL)
            return error_set(err, ERROR_CORRUPT, "code %lld is not in the chart",
                             (long long)db_column_int(&rows, 0));
        if (!money_add(place->debits, db_column_money(&rows, 1), &place->debits) ||
            !money_add(place->credits, db_column_money(&rows, 2), &place->credits))
            return error_set(err, ERROR_OUT_OF_RANGE, "more than money holds");
    }
    return !rows.has_failed;
}

bool trial_load(struct db *db, struct ledger_sums *ret_sums, struct error *err)
{
    size_t count;

    (void)ledger_chart(&count);
    for (size_t i = 0; i < count; i++)
        ret_sums[i] = (struct ledger_sums){ .debits = { 0 } };
    if (!add(db,
             "SELECT code, sum(dr_posted), sum(cr_posted) FROM account "
             "WHERE flags & $1 = 0 GROUP BY code",
             ret_sums, err) ||
        !add(db,
             "SELECT a.code, sum(t.amount), 0 FROM account a JOIN transfer t ON t.dr = a.id "
             "WHERE a.flags & $1 <> 0 GROUP BY a.code",
             ret_sums, err) ||
        !add(db,
             "SELECT a.code, 0, sum(t.amount) FROM account a JOIN transfer t ON t.cr = a.id "
             "WHERE a.flags & $1 <> 0 GROUP BY a.code",
             ret_sums, err))
        return error_context(err, "sum up the books");
    return true;
}
