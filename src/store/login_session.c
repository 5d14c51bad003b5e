/* SPDX-License-Identifier: Apache-2.0 */
#include "store/login_session.h"

#include <stdint.h>

#include "store/rows.h"

#define SESSION_COLUMNS                                                                            \
    "id, user_id, kind, hash, address, agent, created_us, seen_us, expires_us, stepped_us"

bool login_session_insert(struct db *db, const struct login_session_row *session, int64_t *ret_id,
                          struct error *err)
{
    return db_insert(db,
                     "INSERT INTO login_session (user_id, kind, hash, address, agent, created_us, "
                     "seen_us, expires_us, stepped_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
                     "RETURNING id",
                     DB_ARGS(db_int(session->user_id), db_int(session->kind),
                             db_bytes(session->hash.bytes, sizeof session->hash.bytes),
                             db_text(session->address), db_text(session->agent),
                             db_instant(session->created), db_instant(session->seen),
                             db_instant(session->expires), db_instant(session->stepped)),
                     ret_id, err);
}

static bool session_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct login_session_row *session = item;
    int64_t kind;

    session->created = db_column_instant(row, 6);
    session->seen = db_column_instant(row, 7);
    session->expires = db_column_instant(row, 8);
    session->stepped = db_column_instant(row, 9);
    if (!rows_number(row, 0, 1, INT64_MAX, &session->id, err) ||
        !rows_number(row, 1, 1, INT64_MAX, &session->user_id, err) ||
        !rows_number(row, 2, LOGIN_OPEN, LOGIN_HALF, &kind, err) ||
        !rows_bytes(row, 3, session->hash.bytes, sizeof session->hash.bytes, err))
        return false;
    session->kind = (enum login_kind)kind;
    return rows_text(row, 4, arena, &session->address, err) &&
           rows_text(row, 5, arena, &session->agent, err);
}

static const struct rows_reader reader = { "login session", sizeof(struct login_session_row),
                                           session_read };

bool login_session_find(struct db *db, const struct login_session_find *wanted, struct arena *arena,
                        struct login_session_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader,
                         "SELECT " SESSION_COLUMNS " FROM login_session WHERE hash = $1 "
                         "AND kind = $2 AND expires_us > $3 AND seen_us > $4",
                         DB_ARGS(db_bytes(wanted->hash->bytes, sizeof wanted->hash->bytes),
                                 db_int(wanted->kind), db_instant(wanted->now),
                                 db_instant(wanted->idle_since)),
                         arena, ret, ret_has, err);
}

bool login_session_touch(struct db *db, int64_t id, struct instant now, struct error *err)
{
    return db_exec(db, "UPDATE login_session SET seen_us = $2 WHERE id = $1 AND seen_us < $2",
                   DB_ARGS(db_int(id), db_instant(now)), err);
}

bool login_session_step(struct db *db, int64_t user_id, int64_t id, struct instant stepped,
                        struct error *err)
{
    return db_exec(db, "UPDATE login_session SET stepped_us = $3 WHERE user_id = $1 AND id = $2",
                   DB_ARGS(db_int(user_id), db_int(id), db_instant(stepped)), err);
}

bool login_session_list(struct db *db, int64_t user_id, struct instant now, size_t max,
                        struct arena *arena, struct login_session_row **ret, size_t *ret_count,
                        struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " SESSION_COLUMNS " FROM login_session WHERE user_id = $1 "
                     "AND kind = 0 AND expires_us > $2 ORDER BY id DESC LIMIT $3",
                     DB_ARGS(db_int(user_id), db_instant(now), db_int((int64_t)max)), arena, ret,
                     ret_count, err);
}

bool login_session_delete(struct db *db, int64_t user_id, int64_t id, int64_t *ret_count,
                          struct error *err)
{
    return db_count(db, "DELETE FROM login_session WHERE user_id = $1 AND id = $2",
                    DB_ARGS(db_int(user_id), db_int(id)), ret_count, err);
}

bool login_session_delete_others(struct db *db, int64_t user_id, int64_t kept_id,
                                 int64_t *ret_count, struct error *err)
{
    return db_count(db, "DELETE FROM login_session WHERE user_id = $1 AND id <> $2",
                    DB_ARGS(db_int(user_id), db_int(kept_id)), ret_count, err);
}

bool login_session_trim(struct db *db, int64_t user_id, int64_t max, struct error *err)
{
    return db_exec(db,
                   "DELETE FROM login_session WHERE user_id = $1 AND id NOT IN (SELECT id FROM "
                   "login_session WHERE user_id = $1 ORDER BY id DESC LIMIT $2)",
                   DB_ARGS(db_int(user_id), db_int(max)), err);
}

bool login_session_forget(struct db *db, struct instant now, struct instant idle_since,
                          struct error *err)
{
    return db_exec(db, "DELETE FROM login_session WHERE expires_us <= $1 OR seen_us <= $2",
                   DB_ARGS(db_instant(now), db_instant(idle_since)), err);
}
