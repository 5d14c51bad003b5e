/* SPDX-License-Identifier: Apache-2.0 */
#include "store/standing_order.h"

#include <stdint.h>

#include "store/rows.h"

#define ORDER_COLUMNS                                                                              \
    "id, owner_id, label, query, launch, created_us, expires_us, state, ended_us, offer_id, "      \
    "contract_id, note"

/* Whether it was to rent stays; what, with the keys that may be in it, does not. */
#define LAUNCH_ENDED "CASE WHEN launch IS NULL THEN NULL ELSE '' END"

static bool order_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct order_row *order = item;
    int64_t state;

    order->created = db_column_instant(row, 5);
    order->expires = db_column_instant(row, 6);
    order->ended = db_column_instant(row, 8);
    order->offer_id = db_column_int(row, 9);
    order->contract_id = db_column_int(row, 10);
    if (!rows_number(row, 0, 1, INT64_MAX, &order->id, err) ||
        !rows_number(row, 1, 1, INT64_MAX, &order->owner_id, err) ||
        !rows_text(row, 2, arena, &order->label, err) ||
        !rows_text(row, 3, arena, &order->query, err) ||
        !rows_text_or_null(row, 4, arena, &order->launch, err) ||
        !rows_number(row, 7, ORDER_WAITS, ORDER_TOO_LATE, &state, err) ||
        !rows_text(row, 11, arena, &order->note, err))
        return false;
    order->state = (enum order_state)state;
    return true;
}

static const struct rows_reader reader = { "standing order", sizeof(struct order_row), order_read };

bool order_insert(struct db *db, const struct order_row *order, int64_t *ret_id, struct error *err)
{
    return db_insert(db,
                     "INSERT INTO standing_order (owner_id, label, query, launch, created_us, "
                     "expires_us) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
                     DB_ARGS(db_int(order->owner_id), db_text(order->label), db_text(order->query),
                             db_text(order->launch), db_instant(order->created),
                             db_instant(order->expires)),
                     ret_id, err);
}

bool order_load(struct db *db, int64_t id, struct arena *arena, struct order_row *ret,
                bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader, "SELECT " ORDER_COLUMNS " FROM standing_order WHERE id = $1",
                         DB_ARGS(db_int(id)), arena, ret, ret_has, err);
}

bool order_list(struct db *db, int64_t owner_id, int64_t max, struct arena *arena,
                struct order_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " ORDER_COLUMNS " FROM standing_order WHERE owner_id = $1 "
                     "ORDER BY id DESC LIMIT $2",
                     DB_ARGS(db_int(owner_id), db_int(max)), arena, ret, ret_count, err);
}

bool order_count_waiting(struct db *db, int64_t owner_id, int64_t *ret_count, struct error *err)
{
    auto_db_rows struct db_rows rows =
        db_query(db, "SELECT COUNT(*) FROM standing_order WHERE owner_id = $1 AND state = 0",
                 DB_ARGS(db_int(owner_id)));

    if (!db_next(&rows, err))
        return false;
    *ret_count = db_column_int(&rows, 0);
    return true;
}

bool order_waiting(struct db *db, int64_t after, int64_t max, struct arena *arena,
                   struct order_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " ORDER_COLUMNS " FROM standing_order WHERE state = 0 AND id > $1 "
                     "ORDER BY id LIMIT $2",
                     DB_ARGS(db_int(after), db_int(max)), arena, ret, ret_count, err);
}

bool order_fire(struct db *db, int64_t id, int64_t offer_id, struct instant now, int64_t *ret_count,
                struct error *err)
{
    return db_count(db,
                    "UPDATE standing_order SET state = 1, ended_us = $3, offer_id = $2, note = '', "
                    "launch = " LAUNCH_ENDED " WHERE id = $1 AND state = 0 AND expires_us > $3",
                    DB_ARGS(db_int(id), db_int(offer_id), db_instant(now)), ret_count, err);
}

bool order_set_contract(struct db *db, int64_t id, int64_t contract_id, struct error *err)
{
    return db_exec(db, "UPDATE standing_order SET contract_id = $2 WHERE id = $1 AND state = 1",
                   DB_ARGS(db_int(id), db_int(contract_id)), err);
}

bool order_cancel(struct db *db, int64_t owner_id, int64_t id, struct instant now,
                  int64_t *ret_count, struct error *err)
{
    return db_count(db,
                    "UPDATE standing_order SET state = 2, ended_us = $3, launch = " LAUNCH_ENDED
                    " WHERE owner_id = $1 AND id = $2 AND state = 0",
                    DB_ARGS(db_int(owner_id), db_int(id), db_instant(now)), ret_count, err);
}

bool order_set_note(struct db *db, int64_t id, const char *note, struct error *err)
{
    return db_exec(db, "UPDATE standing_order SET note = $2 WHERE id = $1 AND state = 0",
                   DB_ARGS(db_int(id), db_text(note)), err);
}

bool order_expire(struct db *db, struct instant now, int64_t *ret_count, struct error *err)
{
    return db_count(db,
                    "UPDATE standing_order SET state = 3, ended_us = $1, launch = " LAUNCH_ENDED
                    " WHERE state = 0 AND expires_us <= $1",
                    DB_ARGS(db_instant(now)), ret_count, err);
}
