/* SPDX-License-Identifier: Apache-2.0 */
#include "store/audit_log.h"

#include <stdint.h>

#include "store/rows.h"

bool audit_log_insert(struct db *db, const struct audit_log_row *row, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO audit_log (user_id, key_id, login_id, at_us, address, route, args, "
                   "member_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                   DB_ARGS(db_int(row->user_id), db_int(row->key_id), db_int(row->login_id),
                           db_instant(row->at), db_text(row->address), db_text(row->route),
                           db_text(row->args), db_int(row->member_id)),
                   err) &&
           (*row->address == '\0' ||
            db_exec(db,
                    "INSERT INTO user_address (user_id, address, first_us) VALUES ($1, $2, $3) "
                    "ON CONFLICT (user_id, address) DO NOTHING",
                    DB_ARGS(db_int(row->user_id), db_text(row->address), db_instant(row->at)),
                    err));
}

static bool log_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct audit_log_row *entry = item;

    entry->at = db_column_instant(row, 4);
    return rows_number(row, 0, 1, INT64_MAX, &entry->id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &entry->user_id, err) &&
           rows_number(row, 2, 0, INT64_MAX, &entry->key_id, err) &&
           rows_number(row, 3, 0, INT64_MAX, &entry->login_id, err) &&
           rows_text(row, 5, arena, &entry->address, err) &&
           rows_text(row, 6, arena, &entry->route, err) &&
           rows_text(row, 7, arena, &entry->args, err) &&
           rows_number(row, 8, 0, INT64_MAX, &entry->member_id, err);
}

static const struct rows_reader reader = { "audit log", sizeof(struct audit_log_row), log_read };

bool audit_log_list(struct db *db, int64_t user_id, size_t max, struct arena *arena,
                    struct audit_log_row **ret, size_t *ret_count, struct error *err)
{
    if (user_id == 0)
        return rows_load(db, &reader,
                         "SELECT id, user_id, key_id, login_id, at_us, address, route, args, "
                         "member_id FROM audit_log ORDER BY id DESC LIMIT $1",
                         DB_ARGS(db_int((int64_t)max)), arena, ret, ret_count, err);
    return rows_load(db, &reader,
                     "SELECT id, user_id, key_id, login_id, at_us, address, route, args, "
                     "member_id FROM audit_log WHERE user_id = $1 ORDER BY id DESC LIMIT $2",
                     DB_ARGS(db_int(user_id), db_int((int64_t)max)), arena, ret, ret_count, err);
}

bool audit_log_logins(struct db *db, int64_t user_id, size_t max, struct arena *arena,
                      struct audit_log_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT id, user_id, key_id, login_id, at_us, address, route, args, "
                     "member_id FROM audit_log WHERE user_id = $1 AND route IN ($3, $4) "
                     "ORDER BY id DESC LIMIT $2",
                     DB_ARGS(db_int(user_id), db_int((int64_t)max), db_text(AUDIT_ROUTE_LOGIN),
                             db_text(AUDIT_ROUTE_FACTOR)),
                     arena, ret, ret_count, err);
}

bool audit_log_forget(struct db *db, struct instant before, struct error *err)
{
    return db_exec(db, "DELETE FROM audit_log WHERE at_us < $1", DB_ARGS(db_instant(before)), err);
}

static bool address_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct user_address_row *address = item;

    address->first = db_column_instant(row, 1);
    return rows_text(row, 0, arena, &address->address, err);
}

bool user_address_list(struct db *db, int64_t user_id, size_t max, struct arena *arena,
                       struct user_address_row **ret, size_t *ret_count, struct error *err)
{
    static const struct rows_reader address = { "address", sizeof **ret, address_read };

    return rows_load(db, &address,
                     "SELECT address, first_us FROM user_address WHERE user_id = $1 "
                     "ORDER BY first_us DESC, address LIMIT $2",
                     DB_ARGS(db_int(user_id), db_int((int64_t)max)), arena, ret, ret_count, err);
}
