/* SPDX-License-Identifier: Apache-2.0 */
#include "store/approval.h"

#include "store/driver.h"
#include "store/rows.h"

#define APPROVAL_COLUMNS "id, what, body, amount, asked_by, asked_us, given_by, given_us"

static bool approval_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct approval_row *approval = item;

    *approval = (struct approval_row){ .id = db_column_int(row, 0),
                                       .amount = db_column_money(row, 3),
                                       .asked_by = db_column_int(row, 4),
                                       .asked = db_column_instant(row, 5),
                                       .given_by = db_column_int(row, 6),
                                       .given = db_column_instant(row, 7) };
    return rows_text(row, 1, arena, &approval->what, err) &&
           rows_text(row, 2, arena, &approval->body, err);
}

static const struct rows_reader reader = { "approval", sizeof(struct approval_row), approval_read };

bool approval_find(struct db *db, const char *what, struct arena *arena, struct approval_row *ret,
                   bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader, "SELECT " APPROVAL_COLUMNS " FROM approval WHERE what = $1",
                         DB_ARGS(db_text(what)), arena, ret, ret_has, err);
}

bool approval_ask(struct db *db, const struct approval_row *row, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO approval (what, body, amount, asked_by, asked_us) "
                   "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (what) DO UPDATE SET body = $2, "
                   "amount = $3, asked_by = $4, asked_us = $5",
                   DB_ARGS(db_text(row->what), db_text(row->body), db_money(row->amount),
                           db_int(row->asked_by), db_instant(row->asked)),
                   err);
}

bool approval_give(struct db *db, int64_t id, int64_t operator_id, struct instant now,
                   struct error *err)
{
    int64_t count;

    if (!db_count(db,
                  "UPDATE approval SET given_by = $2, given_us = $3 "
                  "WHERE id = $1 AND given_by IS NULL",
                  DB_ARGS(db_int(id), db_int(operator_id), db_instant(now)), &count, err))
        return false;
    if (count != 1)
        return db_fail(db, DB_FAILURE_RETRY, ERROR_CONFLICT, err, "approval %lld was given before",
                       (long long)id);
    return true;
}

bool approval_list(struct db *db, const struct approval_filter *filter, struct arena *arena,
                   struct approval_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(
        db, &reader,
        "SELECT " APPROVAL_COLUMNS " FROM approval WHERE id > $1 "
        "AND ($2 = 0 OR given_by IS NULL) ORDER BY id LIMIT $3",
        DB_ARGS(db_int(filter->after), db_int(filter->is_waiting), db_int((int64_t)filter->max)),
        arena, ret, ret_count, err);
}
