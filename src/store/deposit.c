/* SPDX-License-Identifier: Apache-2.0 */
#include "store/deposit.h"

#include "market/billing.h"
#include "store/driver.h"
#include "store/host_invoice.h"
#include "store/rows.h"

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

bool deposit_number(struct db *db, int64_t id, struct instant now, struct error *err)
{
    char number[BILL_NUMBER_SIZE];
    int64_t count = 0;

    if (!bill_number(db, "REC", billing_date(billing_day(instant_add(now, 1))).year, number, err) ||
        !db_count(db,
                  "UPDATE deposit SET receipt = $2 WHERE id = $1 AND state = 2 "
                  "AND receipt IS NULL",
                  DB_ARGS(db_int(id), db_text(number)), &count, err))
        return error_context(err, "number a receipt");
    if (count != 1)
        return db_fail(db, DB_FAILURE_FINAL, ERROR_CORRUPT, err,
                       "deposit %lld has a receipt, or has not arrived", (long long)id);
    return true;
}

bool deposit_cancel(struct db *db, int64_t id, struct instant now, struct error *err)
{
    return db_exec(db, "UPDATE deposit SET state = 4, settled_us = $2 WHERE id = $1 AND state < 2",
                   DB_ARGS(db_int(id), db_instant(now)), err);
}

#define DEPOSIT_SELECT                                                                             \
    "SELECT id, user_id, provider, COALESCE(object_id, ''), amount, state, is_automatic, page, "   \
    "url, reason, created_us, COALESCE(settled_us, 0), COALESCE(receipt, '') FROM deposit WHERE "

static bool row_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct deposit_row *deposit = item;
    int64_t state;

    *deposit = (struct deposit_row){ .id = db_column_int(row, 0),
                                     .user_id = db_column_int(row, 1),
                                     .amount = db_column_money(row, 4),
                                     .is_automatic = db_column_int(row, 6) != 0,
                                     .created = db_column_instant(row, 10),
                                     .settled = db_column_instant(row, 11) };
    if (!rows_number(row, 5, DEPOSIT_MADE, DEPOSIT_CANCELLED, &state, err))
        return false;
    deposit->state = (enum deposit_state)state;
    return rows_text(row, 2, arena, &deposit->provider, err) &&
           rows_text(row, 3, arena, &deposit->object_id, err) &&
           rows_text(row, 7, arena, &deposit->page, err) &&
           rows_text(row, 8, arena, &deposit->url, err) &&
           rows_text(row, 9, arena, &deposit->reason, err) &&
           rows_text(row, 12, arena, &deposit->receipt, err);
}

static const struct rows_reader reader = { "deposit", sizeof(struct deposit_row), row_read };

bool deposit_make(struct db *db, struct deposit_row *row, struct error *err)
{
    return db_insert(db,
                     "INSERT INTO deposit (user_id, provider, amount, is_automatic, created_us) "
                     "VALUES ($1, $2, $3, $4, $5) RETURNING id",
                     DB_ARGS(db_int(row->user_id), db_text(row->provider), db_money(row->amount),
                             db_int(row->is_automatic), db_instant(row->created)),
                     &row->id, err);
}

bool deposit_load(struct db *db, int64_t id, struct arena *arena, struct deposit_row *ret,
                  bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader, DEPOSIT_SELECT "id = $1", DB_ARGS(db_int(id)), arena, ret,
                         ret_has, err);
}

bool deposit_find(struct db *db, const char *provider, const char *object_id, struct arena *arena,
                  struct deposit_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader, DEPOSIT_SELECT "provider = $1 AND object_id = $2",
                         DB_ARGS(db_text(provider), db_text(object_id)), arena, ret, ret_has, err);
}

bool deposit_list(struct db *db, int64_t user_id, size_t max, struct arena *arena,
                  struct deposit_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader, DEPOSIT_SELECT "user_id = $1 ORDER BY id DESC LIMIT $2",
                     DB_ARGS(db_int(user_id), db_int((int64_t)max)), arena, ret, ret_count, err);
}

bool deposit_open_page(struct db *db, const struct deposit_row *wanted, struct instant since,
                       struct arena *arena, struct deposit_row *ret, bool *ret_has,
                       struct error *err)
{
    return rows_load_one(db, &reader,
                         DEPOSIT_SELECT "user_id = $1 AND provider = $2 AND amount = $3 "
                                        "AND created_us >= $4 AND state = 0 AND is_automatic = 0 "
                                        "AND object_id IS NULL ORDER BY id DESC LIMIT 1",
                         DB_ARGS(db_int(wanted->user_id), db_text(wanted->provider),
                                 db_money(wanted->amount), db_instant(since)),
                         arena, ret, ret_has, err);
}

bool deposit_unsent(struct db *db, int64_t user_id, const char *provider, struct arena *arena,
                    struct deposit_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     DEPOSIT_SELECT "user_id = $1 AND provider = $2 AND state = 0 AND page = '' "
                                    "AND object_id IS NULL ORDER BY id",
                     DB_ARGS(db_int(user_id), db_text(provider)), arena, ret, ret_count, err);
}

bool deposit_update(struct db *db, const struct deposit_row *row, int64_t *ret_count,
                    struct error *err)
{
    bool is_open = row->state == DEPOSIT_MADE || row->state == DEPOSIT_ON_ITS_WAY;

    return db_count(db,
                    "UPDATE deposit SET object_id = $2, state = $3, page = $4, url = $5, "
                    "reason = $6, settled_us = $7 WHERE id = $1 AND state <> 2",
                    DB_ARGS(db_int(row->id),
                            row->object_id[0] != '\0' ? db_text(row->object_id) : db_null(),
                            db_int(row->state), db_text(row->page), db_text(row->url),
                            db_text(row->reason), is_open ? db_null() : db_instant(row->settled)),
                    ret_count, err);
}
