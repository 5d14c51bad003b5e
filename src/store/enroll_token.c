/* SPDX-License-Identifier: Apache-2.0 */
#include "store/enroll_token.h"

#include <stdint.h>

#include "store/rows.h"

bool enroll_token_insert(struct db *db, const struct hash *hash, int64_t user_id,
                         struct instant now, struct instant expires, struct error *err)
{
    return db_exec(db, "DELETE FROM enroll_token WHERE expires_us <= $1", DB_ARGS(db_instant(now)),
                   err) &&
           db_exec(db, "INSERT INTO enroll_token (hash, user_id, expires_us) VALUES ($1, $2, $3)",
                   DB_ARGS(db_bytes(hash->bytes, sizeof hash->bytes), db_int(user_id),
                           db_instant(expires)),
                   err);
}

static bool user_id_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    (void)arena;
    return rows_number(row, 0, 1, INT64_MAX, item, err);
}

bool enroll_token_find(struct db *db, const struct hash *hash, struct instant now,
                       int64_t *ret_user_id, bool *ret_has, struct error *err)
{
    static const struct rows_reader user_id = { "enrolment token", sizeof(int64_t), user_id_read };

    return rows_load_one(db, &user_id,
                         "SELECT user_id FROM enroll_token WHERE hash = $1 AND expires_us > $2",
                         DB_ARGS(db_bytes(hash->bytes, sizeof hash->bytes), db_instant(now)), NULL,
                         ret_user_id, ret_has, err);
}

bool enroll_token_take(struct db *db, const struct hash *hash, struct error *err)
{
    int64_t count;

    if (!db_count(db, "DELETE FROM enroll_token WHERE hash = $1",
                  DB_ARGS(db_bytes(hash->bytes, sizeof hash->bytes)), &count, err))
        return false;
    return count == 1 || error_set(err, ERROR_CONFLICT, "the token has just been used");
}
