/* SPDX-License-Identifier: Apache-2.0 */
#include "store/mail_code.h"

#include <stdint.h>

#include "store/rows.h"

bool mail_code_insert(struct db *db, const struct mail_code_row *code, int64_t *ret_id,
                      struct error *err)
{
    return db_insert(db,
                     "INSERT INTO mail_code (kind, user_id, email, payload, expires_us) "
                     "VALUES ($1, $2, $3, $4, $5) RETURNING id",
                     DB_ARGS(db_int(code->kind), db_int(code->user_id), db_text(code->email),
                             db_text(code->payload), db_instant(code->expires)),
                     ret_id, err);
}

static bool code_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct mail_code_row *code = item;

    code->expires = db_column_instant(row, 5);
    return rows_number(row, 0, 1, INT64_MAX, &code->id, err) &&
           rows_number(row, 1, 0, INT64_MAX, &code->kind, err) &&
           rows_number(row, 2, 0, INT64_MAX, &code->user_id, err) &&
           rows_text(row, 3, arena, &code->email, err) &&
           rows_text(row, 4, arena, &code->payload, err);
}

bool mail_code_load(struct db *db, int64_t id, struct instant now, struct arena *arena,
                    struct mail_code_row *ret, bool *ret_has, struct error *err)
{
    static const struct rows_reader reader = { "mail code", sizeof *ret, code_read };

    return rows_load_one(db, &reader,
                         "SELECT id, kind, user_id, email, payload, expires_us FROM mail_code "
                         "WHERE id = $1 AND expires_us > $2",
                         DB_ARGS(db_int(id), db_instant(now)), arena, ret, ret_has, err);
}

bool mail_code_take(struct db *db, int64_t id, struct error *err)
{
    int64_t count;

    if (!db_count(db, "DELETE FROM mail_code WHERE id = $1", DB_ARGS(db_int(id)), &count, err))
        return false;
    return count == 1 || error_set(err, ERROR_CONFLICT, "the code has just been used");
}

static bool count_read(struct db_rows *row, void *context, struct error *err)
{
    struct mail_codes *codes = context;

    (void)err;
    codes->all = db_column_int(row, 0);
    codes->of_email = db_column_int(row, 1);
    return true;
}

bool mail_code_count(struct db *db, int64_t user_id, int64_t kind, const char *email,
                     struct instant now, struct mail_codes *ret, struct error *err)
{
    bool has;

    *ret = (struct mail_codes){ 0, 0 };
    return db_query_one(db,
                        "SELECT COUNT(*), COALESCE(SUM(CASE WHEN email = $3 THEN 1 ELSE 0 END), 0) "
                        "FROM mail_code WHERE user_id = $1 AND kind = $2 AND expires_us > $4",
                        DB_ARGS(db_int(user_id), db_int(kind), db_text(email), db_instant(now)),
                        count_read, ret, &has, err);
}

bool mail_code_drop(struct db *db, int64_t user_id, int64_t kind, struct error *err)
{
    return db_exec(db, "DELETE FROM mail_code WHERE user_id = $1 AND kind = $2",
                   DB_ARGS(db_int(user_id), db_int(kind)), err);
}

bool mail_code_forget(struct db *db, struct instant now, struct error *err)
{
    return db_exec(db, "DELETE FROM mail_code WHERE expires_us <= $1", DB_ARGS(db_instant(now)),
                   err);
}
