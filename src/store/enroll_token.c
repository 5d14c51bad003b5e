/* SPDX-License-Identifier: Apache-2.0 */
#include "store/enroll_token.h"

#include <stdint.h>

#include "store/rows.h"

bool enroll_token_insert(struct db *db, const struct hash *hash,
                         const struct enroll_token_row *token, struct instant now,
                         struct instant expires, struct error *err)
{
    return db_exec(db, "DELETE FROM enroll_token WHERE expires_us <= $1", DB_ARGS(db_instant(now)),
                   err) &&
           db_exec(db,
                   "INSERT INTO enroll_token (hash, user_id, expires_us, machine_id) "
                   "VALUES ($1, $2, $3, $4)",
                   DB_ARGS(db_bytes(hash->bytes, sizeof hash->bytes), db_int(token->user_id),
                           db_instant(expires), db_int(token->machine_id)),
                   err);
}

static bool token_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct enroll_token_row *token = item;

    (void)arena;
    return rows_number(row, 0, 1, INT64_MAX, &token->user_id, err) &&
           rows_number(row, 1, 0, INT64_MAX, &token->machine_id, err);
}

bool enroll_token_find(struct db *db, const struct hash *hash, struct instant now,
                       struct enroll_token_row *ret, bool *ret_has, struct error *err)
{
    static const struct rows_reader reader = { "enrolment token", sizeof *ret, token_read };

    return rows_load_one(
        db, &reader,
        "SELECT user_id, machine_id FROM enroll_token WHERE hash = $1 AND expires_us > $2",
        DB_ARGS(db_bytes(hash->bytes, sizeof hash->bytes), db_instant(now)), NULL, ret, ret_has,
        err);
}

bool enroll_token_take(struct db *db, const struct hash *hash, struct error *err)
{
    int64_t count;

    if (!db_count(db, "DELETE FROM enroll_token WHERE hash = $1",
                  DB_ARGS(db_bytes(hash->bytes, sizeof hash->bytes)), &count, err))
        return false;
    return count == 1 || error_set(err, ERROR_CONFLICT, "the token has just been used");
}
