/* SPDX-License-Identifier: Apache-2.0 */
#include "store/deposit.h"

#include "store/driver.h"

static bool deposit_read(struct db_rows *row, void *context, struct error *err)
{
    struct deposit_row *deposit = context;

    (void)err;
    deposit->id = db_column_int(row, 0);
    deposit->user_id = db_column_int(row, 1);
    deposit->amount = db_column_money(row, 2);
    return true;
}

bool deposit_arrive(struct db *db, struct deposit_row *deposit, struct instant now,
                    bool *ret_is_new, struct error *err)
{
    struct deposit_row before = { 0 };
    bool has;

    if (!db_query_one(db,
                      "INSERT INTO deposit (user_id, provider, object_id, amount, state, "
                      "created_us, settled_us) VALUES ($1, $2, $3, $4, 2, $5, $5) "
                      "ON CONFLICT (provider, object_id) DO NOTHING RETURNING id, user_id, amount",
                      DB_ARGS(db_int(deposit->user_id), db_text(deposit->provider),
                              db_text(deposit->object_id), db_money(deposit->amount),
                              db_instant(now)),
                      deposit_read, deposit, ret_is_new, err))
        return error_context(err, "store a deposit");
    if (*ret_is_new)
        return true;
    if (!db_query_one(db,
                      "SELECT id, user_id, amount FROM deposit "
                      "WHERE provider = $1 AND object_id = $2 AND state = 2",
                      DB_ARGS(db_text(deposit->provider), db_text(deposit->object_id)),
                      deposit_read, &before, &has, err))
        return error_context(err, "look for a deposit");
    if (!has || before.user_id != deposit->user_id ||
        money_compare(before.amount, deposit->amount) != 0)
        return db_fail(db, DB_FAILURE_FINAL, ERROR_CONFLICT, err, "%s was used for another deposit",
                       deposit->object_id);
    deposit->id = before.id;
    return true;
}
