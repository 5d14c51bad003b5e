/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tfa_method.h"

#include <stdint.h>

#include "store/rows.h"

bool tfa_method_insert(struct db *db, const struct tfa_method_row *method, int64_t *ret_id,
                       struct error *err)
{
    return db_insert(db,
                     "INSERT INTO tfa_method (user_id, label, sealed, created_us) "
                     "VALUES ($1, $2, $3, $4) RETURNING id",
                     DB_ARGS(db_int(method->user_id), db_text(method->label),
                             db_bytes(method->sealed, method->length), db_instant(method->created)),
                     ret_id, err);
}

static bool method_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct tfa_method_row *method = item;
    const void *sealed = db_column_bytes(row, 3, &method->length);

    method->created = db_column_instant(row, 4);
    method->confirmed = db_column_instant(row, 5);
    method->used = db_column_instant(row, 6);
    method->sealed = arena_copy(arena, sealed, method->length);
    if (method->sealed == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a second factor");
    return rows_number(row, 0, 1, INT64_MAX, &method->id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &method->user_id, err) &&
           rows_text(row, 2, arena, &method->label, err) &&
           rows_number(row, 7, 0, INT64_MAX, &method->last_step, err);
}

bool tfa_method_list(struct db *db, int64_t user_id, struct arena *arena,
                     struct tfa_method_row **ret, size_t *ret_count, struct error *err)
{
    static const struct rows_reader reader = { "second factor", sizeof **ret, method_read };

    return rows_load(db, &reader,
                     "SELECT id, user_id, label, sealed, created_us, confirmed_us, used_us, "
                     "last_step FROM tfa_method WHERE user_id = $1 ORDER BY id",
                     DB_ARGS(db_int(user_id)), arena, ret, ret_count, err);
}

bool tfa_method_use(struct db *db, int64_t id, int64_t step, struct instant now, struct error *err)
{
    int64_t count;

    if (!db_count(db,
                  "UPDATE tfa_method SET last_step = $2, used_us = $3 "
                  "WHERE id = $1 AND last_step < $2",
                  DB_ARGS(db_int(id), db_int(step), db_instant(now)), &count, err))
        return false;
    return count == 1 || error_set(err, ERROR_CONFLICT, "the code has just been used");
}

bool tfa_method_confirm(struct db *db, int64_t id, const char *label, struct instant now,
                        struct error *err)
{
    return db_exec(db, "UPDATE tfa_method SET confirmed_us = $2, label = $3 WHERE id = $1",
                   DB_ARGS(db_int(id), db_instant(now), db_text(label)), err);
}

bool tfa_method_set_label(struct db *db, int64_t user_id, int64_t id, const char *label,
                          int64_t *ret_count, struct error *err)
{
    return db_count(db,
                    "UPDATE tfa_method SET label = $3 "
                    "WHERE user_id = $1 AND id = $2 AND confirmed_us > 0",
                    DB_ARGS(db_int(user_id), db_int(id), db_text(label)), ret_count, err);
}

bool tfa_method_delete(struct db *db, int64_t user_id, int64_t id, int64_t *ret_count,
                       struct error *err)
{
    return db_count(db,
                    "DELETE FROM tfa_method WHERE user_id = $1 AND id = $2 AND confirmed_us > 0",
                    DB_ARGS(db_int(user_id), db_int(id)), ret_count, err);
}

bool tfa_method_drop_pending(struct db *db, int64_t user_id, struct error *err)
{
    return db_exec(db, "DELETE FROM tfa_method WHERE user_id = $1 AND confirmed_us = 0",
                   DB_ARGS(db_int(user_id)), err);
}

bool backup_code_insert(struct db *db, int64_t user_id, const struct hash *hash, struct error *err)
{
    return db_exec(db, "INSERT INTO backup_code (user_id, hash) VALUES ($1, $2)",
                   DB_ARGS(db_int(user_id), db_bytes(hash->bytes, sizeof hash->bytes)), err);
}

bool backup_code_take(struct db *db, int64_t user_id, const struct hash *hash, int64_t *ret_count,
                      struct error *err)
{
    return db_count(db, "DELETE FROM backup_code WHERE user_id = $1 AND hash = $2",
                    DB_ARGS(db_int(user_id), db_bytes(hash->bytes, sizeof hash->bytes)), ret_count,
                    err);
}

static bool count_read(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(int64_t *)context = db_column_int(row, 0);
    return true;
}

bool backup_code_count(struct db *db, int64_t user_id, int64_t *ret_count, struct error *err)
{
    bool has;

    *ret_count = 0;
    return db_query_one(db, "SELECT COUNT(*) FROM backup_code WHERE user_id = $1",
                        DB_ARGS(db_int(user_id)), count_read, ret_count, &has, err);
}

bool backup_code_drop(struct db *db, int64_t user_id, struct error *err)
{
    return db_exec(db, "DELETE FROM backup_code WHERE user_id = $1", DB_ARGS(db_int(user_id)), err);
}
