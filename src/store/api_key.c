/* SPDX-License-Identifier: Apache-2.0 */
#include "store/api_key.h"

#include <assert.h>
#include <inttypes.h>

#include "store/array.h"
#include "store/rows.h"

#define API_KEY_COLUMNS                                                                            \
    "k.id, k.user_id, k.name, k.rights, k.scopes, k.contract_id, k.hash, k.created_us, "           \
    "k.member_id, "                                                                                \
    "CASE WHEN k.member_id > 0 THEN (SELECT t.name FROM team t WHERE t.id = k.user_id) END, "      \
    "k.used_us"

static bool api_key_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct api_key_row *key = item;

    key->created = db_column_instant(row, 7);
    key->used = db_column_instant(row, 10);
    return rows_number(row, 0, 1, INT64_MAX, &key->id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &key->user_id, err) &&
           rows_text(row, 2, arena, &key->name, err) &&
           rows_text(row, 3, arena, &key->rights, err) &&
           rows_number(row, 4, 0, UINT32_MAX, &key->scopes, err) &&
           rows_number(row, 5, 0, INT64_MAX, &key->contract_id, err) &&
           rows_number(row, 8, 0, INT64_MAX, &key->member_id, err) &&
           rows_text_or_null(row, 9, arena, &key->team_name, err) &&
           rows_bytes(row, 6, key->hash.bytes, sizeof key->hash.bytes, err);
}

static const struct rows_reader reader = { "API key", sizeof(struct api_key_row), api_key_read };

bool api_key_insert(struct db *db, const struct api_key_row *key, int64_t *ret_id,
                    struct error *err)
{
    return db_insert(db,
                     "INSERT INTO api_key (user_id, name, rights, scopes, contract_id, hash, "
                     "created_us, member_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
                     DB_ARGS(db_int(key->user_id), db_text(key->name), db_text(key->rights),
                             db_int(key->scopes), db_int(key->contract_id),
                             db_bytes(key->hash.bytes, sizeof key->hash.bytes),
                             db_instant(key->created), db_int(key->member_id)),
                     ret_id, err);
}

static bool owned_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct api_key_owned *owned = item;

    owned->is_owner_admin = db_column_int(row, 11) != 0;
    owned->has_owner_tfa = db_column_int(row, 12) != 0;
    return api_key_read(row, arena, &owned->key, err);
}

bool api_key_find(struct db *db, const struct hash *hash, struct arena *arena,
                  struct api_key_owned *ret, bool *ret_has, struct error *err)
{
    static const struct rows_reader owned = { "API key", sizeof(struct api_key_owned), owned_read };

    return rows_load_one(db, &owned,
                         "SELECT " API_KEY_COLUMNS ", u.is_admin, u.tfa_us FROM api_key k "
                         "JOIN users u ON u.id = k.user_id "
                         "WHERE k.hash = $1 AND k.revoked_us IS NULL AND u.closed_us = 0",
                         DB_ARGS(db_bytes(hash->bytes, sizeof hash->bytes)), arena, ret, ret_has,
                         err);
}

#define OWNED "user_id = $1 AND member_id = $2 AND revoked_us IS NULL"

bool api_key_load(struct db *db, struct api_key_owner owner, int64_t id, struct arena *arena,
                  struct api_key_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader,
                         "SELECT " API_KEY_COLUMNS " FROM api_key k WHERE " OWNED " AND id = $3",
                         DB_ARGS(db_int(owner.user_id), db_int(owner.member_id), db_int(id)), arena,
                         ret, ret_has, err);
}

bool api_key_list(struct db *db, struct api_key_owner owner, struct arena *arena,
                  struct api_key_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(
        db, &reader,
        "SELECT " API_KEY_COLUMNS " FROM api_key k WHERE " OWNED " AND contract_id = 0 ORDER BY id",
        DB_ARGS(db_int(owner.user_id), db_int(owner.member_id)), arena, ret, ret_count, err);
}

static bool count_read(struct db_rows *row, void *context, struct error *err)
{
    int64_t *ret = context;

    (void)err;
    *ret = db_column_int(row, 0);
    return true;
}

bool api_key_count(struct db *db, struct api_key_owner owner, int64_t *ret_count, struct error *err)
{
    bool has;

    *ret_count = 0;
    return db_query_one(db, "SELECT COUNT(*) FROM api_key WHERE " OWNED " AND contract_id = 0",
                        DB_ARGS(db_int(owner.user_id), db_int(owner.member_id)), count_read,
                        ret_count, &has, err);
}

enum { USE_FIELDS = 2, USE_FIELD_TEXT_MAX = API_KEY_USES_MAX * 22 };

static void write_use(const void *items, size_t item, int field, struct buf *out)
{
    const struct api_key_use *use = (const struct api_key_use *)items + item;

    buf_printf(out, "%" PRId64, field == 0 ? use->id : use->used.microseconds);
}

/* Within one transaction SQLite takes as many small statements as fast. */
static bool use_each(struct db *db, const struct api_key_use *uses, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!db_exec(db, "UPDATE api_key SET used_us = $2 WHERE id = $1 AND used_us < $2",
                     DB_ARGS(db_int(uses[i].id), db_instant(uses[i].used)), err))
            return false;
    return true;
}

bool api_key_use_all(struct db *db, const struct api_key_use *uses, size_t count, struct error *err)
{
    auto_buf struct buf buf = buf_of(USE_FIELDS * (USE_FIELD_TEXT_MAX + 2));
    struct db_value values[USE_FIELDS];

    assert(count <= API_KEY_USES_MAX);
    if (!db->is_postgres || count < 2)
        return use_each(db, uses, count, err);
    array_values(&buf, write_use, uses, count, values, USE_FIELDS);
    return db_exec(db,
                   "UPDATE api_key SET used_us = u.used_us FROM (SELECT * FROM "
                   "unnest(CAST($1 AS BIGINT[]), CAST($2 AS BIGINT[])) AS t(id, used_us)) u "
                   "WHERE api_key.id = u.id AND api_key.used_us < u.used_us",
                   (struct db_args){ values, USE_FIELDS }, err);
}

bool api_key_revoke(struct db *db, struct api_key_owner owner, int64_t id, struct instant now,
                    int64_t *ret_count, struct error *err)
{
    return db_count(
        db, "UPDATE api_key SET revoked_us = $4 WHERE " OWNED " AND id = $3",
        DB_ARGS(db_int(owner.user_id), db_int(owner.member_id), db_int(id), db_instant(now)),
        ret_count, err);
}

bool api_key_revoke_all(struct db *db, struct api_key_owner owner, struct instant now,
                        struct error *err)
{
    return db_exec(db,
                   "UPDATE api_key SET revoked_us = $3 WHERE user_id = $1 "
                   "AND (member_id = $2 OR $2 = 0) AND revoked_us IS NULL",
                   DB_ARGS(db_int(owner.user_id), db_int(owner.member_id), db_instant(now)), err);
}

bool api_key_revoke_of_contract(struct db *db, int64_t user_id, int64_t contract_id,
                                struct instant now, struct error *err)
{
    return db_exec(db,
                   "UPDATE api_key SET revoked_us = $3 "
                   "WHERE user_id = $1 AND contract_id = $2 AND revoked_us IS NULL",
                   DB_ARGS(db_int(user_id), db_int(contract_id), db_instant(now)), err);
}
