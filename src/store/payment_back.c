/* SPDX-License-Identifier: Apache-2.0 */
#include "store/payment_back.h"

#include <string.h>

#include "store/rows.h"

#define REFUND_SELECT                                                                              \
    "SELECT id, deposit_id, user_id, ticket, amount, state, object_id, reason, created_us, "       \
    "state_us FROM pay_refund WHERE "

static bool refund_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct pay_refund_row *refund = item;
    int64_t state;

    *refund = (struct pay_refund_row){ .id = db_column_int(row, 0),
                                       .deposit_id = db_column_int(row, 1),
                                       .user_id = db_column_int(row, 2),
                                       .amount = db_column_money(row, 4),
                                       .created = db_column_instant(row, 8),
                                       .state_at = db_column_instant(row, 9) };
    if (!rows_number(row, 5, PAY_REFUND_ASKED, PAY_REFUND_FAILED, &state, err))
        return false;
    refund->state = (enum pay_refund_state)state;
    return rows_text(row, 3, arena, &refund->ticket, err) &&
           rows_text(row, 6, arena, &refund->object_id, err) &&
           rows_text(row, 7, arena, &refund->reason, err);
}

static const struct rows_reader refund_reader = { "refund of a deposit",
                                                  sizeof(struct pay_refund_row), refund_read };

bool pay_refund_insert(struct db *db, struct pay_refund_row *row, struct error *err)
{
    return db_insert(db,
                     "INSERT INTO pay_refund (deposit_id, user_id, ticket, amount, created_us, "
                     "state_us) VALUES ($1, $2, $3, $4, $5, $5) RETURNING id",
                     DB_ARGS(db_int(row->deposit_id), db_int(row->user_id), db_text(row->ticket),
                             db_money(row->amount), db_instant(row->created)),
                     &row->id, err);
}

static bool ignore_row(struct db_rows *row, void *context, struct error *err)
{
    (void)row;
    (void)context;
    (void)err;
    return true;
}

bool pay_refund_used(struct db *db, const char *ticket, bool *ret_is_used, struct error *err)
{
    return db_query_one(db, "SELECT 1 FROM pay_refund WHERE ticket = $1", DB_ARGS(db_text(ticket)),
                        ignore_row, NULL, ret_is_used, err);
}

bool pay_refund_load(struct db *db, int64_t id, struct arena *arena, struct pay_refund_row *ret,
                     bool *ret_has, struct error *err)
{
    return rows_load_one(db, &refund_reader, REFUND_SELECT "id = $1", DB_ARGS(db_int(id)), arena,
                         ret, ret_has, err);
}

bool pay_refund_update(struct db *db, const struct pay_refund_row *row, struct error *err)
{
    return db_exec(db,
                   "UPDATE pay_refund SET state = $2, object_id = $3, reason = $4, state_us = $5 "
                   "WHERE id = $1",
                   DB_ARGS(db_int(row->id), db_int(row->state), db_text(row->object_id),
                           db_text(row->reason), db_instant(row->state_at)),
                   err);
}

static bool read_amount(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(struct money *)context = db_column_money(row, 0);
    return true;
}

bool pay_refund_of_deposit(struct db *db, int64_t deposit_id, struct money *ret, struct error *err)
{
    bool has;

    return db_query_one(db,
                        "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM pay_refund "
                        "WHERE deposit_id = $1 AND state <> 3",
                        DB_ARGS(db_int(deposit_id)), read_amount, ret, &has, err);
}

bool pay_refund_since(struct db *db, int64_t user_id, struct instant since, struct money *ret,
                      struct error *err)
{
    bool has;

    return db_query_one(db,
                        "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM pay_refund "
                        "WHERE user_id = $1 AND created_us >= $2 AND state <> 3",
                        DB_ARGS(db_int(user_id), db_instant(since)), read_amount, ret, &has, err);
}

#define DISPUTE_COLUMNS                                                                            \
    "id, deposit_id, user_id, provider, object_id, amount, frozen, state, reason, created_us, "    \
    "state_us, asks, due_us"

static bool dispute_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct dispute_row *dispute = item;
    int64_t state;

    *dispute = (struct dispute_row){ .id = db_column_int(row, 0),
                                     .deposit_id = db_column_int(row, 1),
                                     .user_id = db_column_int(row, 2),
                                     .amount = db_column_money(row, 5),
                                     .frozen = db_column_money(row, 6),
                                     .created = db_column_instant(row, 9),
                                     .state_at = db_column_instant(row, 10),
                                     .asks = db_column_int(row, 11) != 0,
                                     .due = db_column_instant(row, 12) };
    if (!rows_number(row, 7, DISPUTE_SAID, DISPUTE_LOST, &state, err))
        return false;
    dispute->state = (enum dispute_state)state;
    return rows_text(row, 3, arena, &dispute->provider, err) &&
           rows_text(row, 4, arena, &dispute->object_id, err) &&
           rows_text(row, 8, arena, &dispute->reason, err);
}

static const struct rows_reader dispute_reader = { "dispute", sizeof(struct dispute_row),
                                                   dispute_read };

bool dispute_insert(struct db *db, struct dispute_row *row, struct error *err)
{
    return db_insert(db,
                     "INSERT INTO dispute (provider, object_id, deposit_id, user_id, amount, "
                     "reason, created_us, state_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $7) "
                     "RETURNING id",
                     DB_ARGS(db_text(row->provider), db_text(row->object_id),
                             db_int(row->deposit_id), db_int(row->user_id), db_money(row->amount),
                             db_text(row->reason), db_instant(row->created)),
                     &row->id, err);
}

bool dispute_load(struct db *db, int64_t id, struct arena *arena, struct dispute_row *ret,
                  bool *ret_has, struct error *err)
{
    return rows_load_one(db, &dispute_reader,
                         "SELECT " DISPUTE_COLUMNS " FROM dispute WHERE id = $1",
                         DB_ARGS(db_int(id)), arena, ret, ret_has, err);
}

bool dispute_find(struct db *db, const char *provider, const char *object_id, struct arena *arena,
                  struct dispute_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &dispute_reader,
                         "SELECT " DISPUTE_COLUMNS " FROM dispute "
                         "WHERE provider = $1 AND object_id = $2",
                         DB_ARGS(db_text(provider), db_text(object_id)), arena, ret, ret_has, err);
}

bool dispute_update(struct db *db, const struct dispute_row *row, struct error *err)
{
    return db_exec(db,
                   "UPDATE dispute SET state = $2, frozen = $3, reason = $4, state_us = $5, "
                   "asks = $6, due_us = $7 WHERE id = $1",
                   DB_ARGS(db_int(row->id), db_int(row->state), db_money(row->frozen),
                           db_text(row->reason), db_instant(row->state_at), db_int(row->asks),
                           db_instant(row->due)),
                   err);
}

static const char *const dispute_states[] = { "said", "taken", "won", "lost" };

const char *dispute_state_name(enum dispute_state state)
{
    return dispute_states[state];
}

bool dispute_state_parse(const char *text, enum dispute_state *ret)
{
    for (size_t i = 0; i < sizeof dispute_states / sizeof dispute_states[0]; i++) {
        if (strcmp(text, dispute_states[i]) == 0) {
            *ret = (enum dispute_state)i;
            return true;
        }
    }
    return false;
}

bool dispute_list(struct db *db, const struct dispute_filter *filter, struct arena *arena,
                  struct dispute_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(
        db, &dispute_reader,
        "SELECT " DISPUTE_COLUMNS " FROM dispute WHERE id > $1 "
        "AND ($2 < 0 OR state = $2) ORDER BY id LIMIT $3",
        DB_ARGS(db_int(filter->after), db_int(filter->state), db_int((int64_t)filter->max)), arena,
        ret, ret_count, err);
}
