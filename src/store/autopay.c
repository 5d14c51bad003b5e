/* SPDX-License-Identifier: Apache-2.0 */
#include "store/autopay.h"

#include "store/rows.h"

static bool row_read(struct db_rows *row, void *context, struct error *err)
{
    struct autopay_row *autopay = context;

    (void)err;
    *autopay = (struct autopay_row){ .user_id = db_column_int(row, 0),
                                     .threshold = db_column_money(row, 1),
                                     .topup = db_column_money(row, 2),
                                     .tries = db_column_int(row, 3),
                                     .next = db_column_instant(row, 4),
                                     .debt_day = db_column_int(row, 5) };
    return true;
}

bool autopay_load(struct db *db, int64_t user_id, struct autopay_row *ret, struct error *err)
{
    bool has;

    *ret = (struct autopay_row){ .user_id = user_id };
    return db_query_one(db,
                        "SELECT user_id, threshold, topup, tries, next_us, debt_day FROM autopay "
                        "WHERE user_id = $1",
                        DB_ARGS(db_int(user_id)), row_read, ret, &has, err);
}

bool autopay_put(struct db *db, const struct autopay_row *row, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO autopay (user_id, threshold, topup, tries, next_us, debt_day) "
                   "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id) DO UPDATE SET "
                   "threshold = $2, topup = $3, tries = $4, next_us = $5, debt_day = $6",
                   DB_ARGS(db_int(row->user_id), db_money(row->threshold), db_money(row->topup),
                           db_int(row->tries), db_instant(row->next), db_int(row->debt_day)),
                   err);
}

bool autopay_due(struct db *db, struct instant now, struct money debt_min, int64_t *ret_ids,
                 size_t max, size_t *ret_count, struct error *err)
{
    return rows_load_ids(
        db,
        "SELECT u.id FROM (SELECT a.owner_id AS id FROM account a LEFT JOIN autopay p "
        "ON p.user_id = a.owner_id WHERE a.code = 1210 AND a.dr_posted - a.cr_posted >= $2 "
        "AND COALESCE(p.next_us, 0) <= $1 UNION "
        "SELECT user_id FROM autopay WHERE topup > 0 AND next_us <= $1) u "
        "WHERE EXISTS (SELECT 1 FROM card c WHERE c.user_id = u.id AND c.removed_us IS NULL) "
        "AND NOT EXISTS (SELECT 1 FROM deposit d WHERE d.user_id = u.id AND d.is_automatic = 1 "
        "AND d.state < 2) ORDER BY u.id LIMIT $3",
        DB_ARGS(db_instant(now), db_money(debt_min), db_int((int64_t)max)), ret_ids, max, ret_count,
        err);
}

struct history {
    struct money charged;
    struct instant first;
};

static bool history_read(struct db_rows *row, void *context, struct error *err)
{
    struct history *history = context;

    (void)err;
    history->charged = db_column_money(row, 0);
    history->first = db_column_is_null(row, 1) ? INSTANT_NEVER : db_column_instant(row, 1);
    return true;
}

bool autopay_history(struct db *db, int64_t user_id, struct instant since,
                     struct money *ret_charged, struct instant *ret_first, struct error *err)
{
    struct history history = { .first = INSTANT_NEVER };
    bool has;

    if (!db_query_one(db,
                      "SELECT CAST(COALESCE(SUM(CASE WHEN is_automatic = 1 AND state IN (0, 1, 2) "
                      "AND created_us >= $2 THEN amount ELSE 0 END), 0) AS BIGINT), "
                      "MIN(CASE WHEN state = 2 THEN settled_us END) "
                      "FROM deposit WHERE user_id = $1",
                      DB_ARGS(db_int(user_id), db_instant(since)), history_read, &history, &has,
                      err))
        return false;
    *ret_charged = history.charged;
    *ret_first = history.first;
    return true;
}
