/* SPDX-License-Identifier: Apache-2.0 */
#include "store/notification.h"

#include <stdint.h>

#include "store/rows.h"

static bool choice_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct notification_row *choice = item;
    int64_t email, webhooks;

    if (!rows_text(row, 0, arena, &choice->kind, err) || !rows_number(row, 1, 0, 1, &email, err) ||
        !rows_number(row, 2, 0, 1, &webhooks, err))
        return false;
    choice->email = email != 0;
    choice->webhooks = webhooks != 0;
    return true;
}

bool notification_list(struct db *db, int64_t user_id, struct arena *arena,
                       struct notification_row **ret, size_t *ret_count, struct error *err)
{
    static const struct rows_reader reader = { "choice", sizeof **ret, choice_read };

    return rows_load(db, &reader,
                     "SELECT kind, email, webhooks FROM notification_choice WHERE user_id = $1 "
                     "ORDER BY kind",
                     DB_ARGS(db_int(user_id)), arena, ret, ret_count, err);
}

bool notification_put(struct db *db, int64_t user_id, const struct notification_row *row,
                      struct error *err)
{
    return db_exec(
        db,
        "INSERT INTO notification_choice (user_id, kind, email, webhooks) "
        "VALUES ($1, $2, $3, $4) ON CONFLICT (user_id, kind) DO UPDATE SET "
        "email = excluded.email, webhooks = excluded.webhooks",
        DB_ARGS(db_int(user_id), db_text(row->kind), db_int(row->email), db_int(row->webhooks)),
        err);
}

bool notification_clear(struct db *db, int64_t user_id, struct error *err)
{
    return db_exec(db, "DELETE FROM notification_choice WHERE user_id = $1",
                   DB_ARGS(db_int(user_id)), err);
}
