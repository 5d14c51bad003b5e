/* SPDX-License-Identifier: Apache-2.0 */
#include "store/secret.h"

#include <stdint.h>

#include "store/rows.h"

static bool data_key_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct data_key_row *key = item;

    (void)arena;
    return rows_number(row, 0, 1, INT64_MAX, &key->user_id, err) &&
           rows_number(row, 1, 0, INT64_MAX, &key->master_id, err) &&
           rows_bytes(row, 2, key->sealed, sizeof key->sealed, err);
}

bool data_key_insert(struct db *db, const struct data_key_row *key, struct instant now,
                     struct error *err)
{
    return db_exec(db,
                   "INSERT INTO data_key (user_id, master_id, sealed, created_us) "
                   "VALUES ($1, $2, $3, $4)",
                   DB_ARGS(db_int(key->user_id), db_int(key->master_id),
                           db_bytes(key->sealed, sizeof key->sealed), db_instant(now)),
                   err);
}

bool data_key_load(struct db *db, int64_t user_id, struct data_key_row *ret, bool *ret_has,
                   struct error *err)
{
    static const struct rows_reader reader = { "data key", sizeof *ret, data_key_read };

    return rows_load_one(db, &reader,
                         "SELECT user_id, master_id, sealed FROM data_key WHERE user_id = $1",
                         DB_ARGS(db_int(user_id)), NULL, ret, ret_has, err);
}

bool data_key_list(struct db *db, int64_t master_id, struct data_key_row *ret, size_t max,
                   size_t *ret_count, struct error *err)
{
    auto_db_rows struct db_rows rows =
        db_query(db,
                 "SELECT user_id, master_id, sealed FROM data_key WHERE master_id = $1 "
                 "ORDER BY user_id LIMIT $2",
                 DB_ARGS(db_int(master_id), db_int((int64_t)max)));
    size_t count = 0;

    while (db_next(&rows, err)) {
        if (!data_key_read(&rows, NULL, &ret[count++], err))
            return false;
    }
    if (rows.has_failed)
        return error_context(err, "list keys of accounts");
    *ret_count = count;
    return true;
}

bool data_key_replace(struct db *db, const struct data_key_row *key, int64_t master_before,
                      struct error *err)
{
    return db_exec(db,
                   "UPDATE data_key SET master_id = $2, sealed = $3 "
                   "WHERE user_id = $1 AND master_id = $4",
                   DB_ARGS(db_int(key->user_id), db_int(key->master_id),
                           db_bytes(key->sealed, sizeof key->sealed), db_int(master_before)),
                   err);
}

struct key_counts {
    int64_t count, all;
};

static bool counts_read(struct db_rows *row, void *context, struct error *err)
{
    struct key_counts *counts = context;

    (void)err;
    counts->count = db_column_int(row, 0);
    counts->all = db_column_int(row, 1);
    return true;
}

bool data_key_count(struct db *db, int64_t master_id, int64_t *ret_count, int64_t *ret_all,
                    struct error *err)
{
    struct key_counts counts = { 0 };
    bool has;

    if (!db_query_one(db,
                      "SELECT COALESCE(SUM(CASE WHEN master_id = $1 THEN 1 ELSE 0 END), 0), "
                      "COUNT(*) FROM data_key",
                      DB_ARGS(db_int(master_id)), counts_read, &counts, &has, err))
        return false;
    *ret_count = counts.count;
    *ret_all = counts.all;
    return true;
}

static bool secret_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct secret_row *secret = item;
    const void *sealed = db_column_bytes(row, 1, &secret->length);

    secret->sealed = arena_copy(arena, sealed, secret->length);
    if (secret->sealed == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a secret");
    return rows_text(row, 0, arena, &secret->name, err);
}

static const struct rows_reader secret_reader = { "secret", sizeof(struct secret_row),
                                                  secret_read };

bool secret_list(struct db *db, int64_t user_id, struct arena *arena, struct secret_row **ret,
                 size_t *ret_count, struct error *err)
{
    return rows_load(db, &secret_reader,
                     "SELECT name, sealed FROM secret WHERE user_id = $1 ORDER BY name",
                     DB_ARGS(db_int(user_id)), arena, ret, ret_count, err);
}

bool secret_insert(struct db *db, int64_t user_id, const struct secret_row *secret,
                   struct instant now, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO secret (user_id, name, sealed, updated_us) "
                   "VALUES ($1, $2, $3, $4)",
                   DB_ARGS(db_int(user_id), db_text(secret->name),
                           db_bytes(secret->sealed, secret->length), db_instant(now)),
                   err);
}

bool secret_update(struct db *db, int64_t user_id, const struct secret_row *secret,
                   struct instant now, int64_t *ret_count, struct error *err)
{
    return db_count(db,
                    "UPDATE secret SET sealed = $3, updated_us = $4 "
                    "WHERE user_id = $1 AND name = $2",
                    DB_ARGS(db_int(user_id), db_text(secret->name),
                            db_bytes(secret->sealed, secret->length), db_instant(now)),
                    ret_count, err);
}

bool secret_delete(struct db *db, int64_t user_id, const char *name, int64_t *ret_count,
                   struct error *err)
{
    return db_count(db, "DELETE FROM secret WHERE user_id = $1 AND name = $2",
                    DB_ARGS(db_int(user_id), db_text(name)), ret_count, err);
}

bool contract_env_insert(struct db *db, int64_t contract_id, const void *sealed, size_t length,
                         struct error *err)
{
    return db_exec(db, "INSERT INTO contract_env (contract_id, sealed) VALUES ($1, $2)",
                   DB_ARGS(db_int(contract_id), db_bytes(sealed, length)), err);
}

bool contract_env_load(struct db *db, int64_t contract_id, struct arena *arena,
                       struct secret_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &secret_reader,
                         "SELECT 'env', sealed FROM contract_env WHERE contract_id = $1",
                         DB_ARGS(db_int(contract_id)), arena, ret, ret_has, err);
}
