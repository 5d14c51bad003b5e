/* SPDX-License-Identifier: Apache-2.0 */
#include "store/deposit.h"

#include "store/driver.h"

struct found {
    struct deposit_row deposit;
    int64_t state;
};

static bool deposit_read(struct db_rows *row, void *context, struct error *err)
{
    struct found *found = context;

    (void)err;
    found->deposit.id = db_column_int(row, 0);
    found->deposit.user_id = db_column_int(row, 1);
    found->deposit.amount = db_column_money(row, 2);
    found->state = db_column_int(row, 3);
    return true;
}

/* Make it in that state, or find what was made under its name before. */
static bool insert(struct db *db, struct deposit_row *deposit, enum deposit_state state,
                   struct instant now, struct found *ret_before, bool *ret_is_new,
                   struct error *err)
{
    struct found found = { .state = 0 };
    bool is_settled = state == DEPOSIT_ARRIVED, has;

    if (!db_query_one(db,
                      "INSERT INTO deposit (user_id, provider, object_id, amount, state, "
                      "created_us, settled_us) VALUES ($1, $2, $3, $4, $5, $6, $7) "
                      "ON CONFLICT (provider, object_id) DO NOTHING "
                      "RETURNING id, user_id, amount, state",
                      DB_ARGS(db_int(deposit->user_id), db_text(deposit->provider),
                              db_text(deposit->object_id), db_money(deposit->amount), db_int(state),
                              db_instant(now), is_settled ? db_instant(now) : db_null()),
                      deposit_read, &found, ret_is_new, err))
        return error_context(err, "store a deposit");
    if (!*ret_is_new &&
        !db_query_one(db,
                      "SELECT id, user_id, amount, state FROM deposit "
                      "WHERE provider = $1 AND object_id = $2",
                      DB_ARGS(db_text(deposit->provider), db_text(deposit->object_id)),
                      deposit_read, &found, &has, err))
        return error_context(err, "look for a deposit");
    if (found.deposit.user_id != deposit->user_id ||
        money_compare(found.deposit.amount, deposit->amount) != 0)
        return db_fail(db, DB_FAILURE_FINAL, ERROR_CONFLICT, err, "%s was used for another deposit",
                       deposit->object_id);
    deposit->id = found.deposit.id;
    *ret_before = found;
    return true;
}

bool deposit_expect(struct db *db, struct deposit_row *deposit, struct instant now,
                    bool *ret_is_new, struct error *err)
{
    struct found before;

    return insert(db, deposit, DEPOSIT_ON_ITS_WAY, now, &before, ret_is_new, err);
}

bool deposit_arrive(struct db *db, struct deposit_row *deposit, struct instant now,
                    bool *ret_is_new, struct error *err)
{
    struct found before;
    int64_t count;

    if (!insert(db, deposit, DEPOSIT_ARRIVED, now, &before, ret_is_new, err))
        return false;
    if (*ret_is_new || before.state == DEPOSIT_ARRIVED)
        return true;
    if (!db_count(db, "UPDATE deposit SET state = 2, settled_us = $2 WHERE id = $1 AND state <> 2",
                  DB_ARGS(db_int(deposit->id), db_instant(now)), &count, err))
        return error_context(err, "settle a deposit");
    *ret_is_new = count == 1;
    return true;
}

bool deposit_cancel(struct db *db, int64_t id, struct instant now, struct error *err)
{
    return db_exec(db, "UPDATE deposit SET state = 4, settled_us = $2 WHERE id = $1 AND state < 2",
                   DB_ARGS(db_int(id), db_instant(now)), err);
}
