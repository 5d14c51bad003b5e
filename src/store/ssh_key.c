/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ssh_key.h"

#include <stdint.h>

#include "store/rows.h"

#define SSH_KEY_COLUMNS "k.id, k.user_id, k.public_key, k.is_account, k.created_us"

static bool ssh_key_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct ssh_key_row *key = item;

    key->is_account = db_column_int(row, 3) != 0;
    key->created = db_column_instant(row, 4);
    return rows_number(row, 0, 1, INT64_MAX, &key->id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &key->user_id, err) &&
           rows_text(row, 2, arena, &key->public_key, err);
}

static const struct rows_reader reader = { "SSH key", sizeof(struct ssh_key_row), ssh_key_read };

bool ssh_key_insert(struct db *db, const struct ssh_key_row *key, int64_t *ret_id,
                    struct error *err)
{
    return db_insert(db,
                     "INSERT INTO ssh_key (user_id, public_key, is_account, created_us) "
                     "VALUES ($1, $2, $3, $4) RETURNING id",
                     DB_ARGS(db_int(key->user_id), db_text(key->public_key),
                             db_int(key->is_account), db_instant(key->created)),
                     ret_id, err);
}

bool ssh_key_load(struct db *db, int64_t user_id, int64_t id, struct arena *arena,
                  struct ssh_key_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader,
                         "SELECT " SSH_KEY_COLUMNS " FROM ssh_key k "
                         "WHERE k.user_id = $1 AND k.id = $2 AND k.deleted_us IS NULL",
                         DB_ARGS(db_int(user_id), db_int(id)), arena, ret, ret_has, err);
}

bool ssh_key_list(struct db *db, int64_t user_id, struct arena *arena, struct ssh_key_row **ret,
                  size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " SSH_KEY_COLUMNS " FROM ssh_key k WHERE k.user_id = $1 "
                     "AND k.deleted_us IS NULL AND k.is_account = 1 ORDER BY k.id",
                     DB_ARGS(db_int(user_id)), arena, ret, ret_count, err);
}

bool ssh_key_list_of(struct db *db, int64_t user_id, int64_t contract_id, struct arena *arena,
                     struct ssh_key_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " SSH_KEY_COLUMNS " FROM ssh_key k "
                     "JOIN contract_ssh_key a ON a.ssh_key_id = k.id "
                     "WHERE k.user_id = $1 AND a.contract_id = $2 AND k.deleted_us IS NULL "
                     "ORDER BY k.id",
                     DB_ARGS(db_int(user_id), db_int(contract_id)), arena, ret, ret_count, err);
}

bool ssh_key_update(struct db *db, int64_t user_id, int64_t id, const char *public_key,
                    int64_t *ret_count, struct error *err)
{
    return db_count(db,
                    "UPDATE ssh_key SET public_key = $3 "
                    "WHERE user_id = $1 AND id = $2 AND deleted_us IS NULL",
                    DB_ARGS(db_int(user_id), db_int(id), db_text(public_key)), ret_count, err);
}

bool ssh_key_delete(struct db *db, int64_t user_id, int64_t id, struct instant now,
                    int64_t *ret_count, struct error *err)
{
    return db_count(db,
                    "UPDATE ssh_key SET deleted_us = $3 "
                    "WHERE user_id = $1 AND id = $2 AND deleted_us IS NULL",
                    DB_ARGS(db_int(user_id), db_int(id), db_instant(now)), ret_count, err);
}

bool ssh_key_attach(struct db *db, int64_t user_id, int64_t contract_id, int64_t key_id,
                    int64_t *ret_count, struct error *err)
{
    return db_count(db,
                    "INSERT INTO contract_ssh_key (contract_id, ssh_key_id) "
                    "SELECT c.id, k.id FROM contract c JOIN ssh_key k ON k.user_id = c.owner_id "
                    "WHERE c.owner_id = $1 AND c.id = $2 AND c.destroyed_us = 0 AND k.id = $3 "
                    "AND k.deleted_us IS NULL ON CONFLICT DO NOTHING",
                    DB_ARGS(db_int(user_id), db_int(contract_id), db_int(key_id)), ret_count, err);
}

bool ssh_key_detach(struct db *db, int64_t user_id, int64_t contract_id, int64_t key_id,
                    int64_t *ret_count, struct error *err)
{
    return db_count(db,
                    "DELETE FROM contract_ssh_key WHERE contract_id = $2 AND ssh_key_id = $3 "
                    "AND EXISTS (SELECT 1 FROM contract c WHERE c.id = $2 AND c.owner_id = $1)",
                    DB_ARGS(db_int(user_id), db_int(contract_id), db_int(key_id)), ret_count, err);
}

bool ssh_key_attach_everywhere(struct db *db, int64_t user_id, int64_t key_id, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO contract_ssh_key (contract_id, ssh_key_id) "
                   "SELECT c.id, k.id FROM contract c JOIN ssh_key k ON k.user_id = c.owner_id "
                   "WHERE c.owner_id = $1 AND c.destroyed_us = 0 AND k.id = $2 "
                   "AND k.deleted_us IS NULL ON CONFLICT DO NOTHING",
                   DB_ARGS(db_int(user_id), db_int(key_id)), err);
}

bool ssh_key_attach_all(struct db *db, int64_t user_id, int64_t contract_id, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO contract_ssh_key (contract_id, ssh_key_id) "
                   "SELECT c.id, k.id FROM contract c JOIN ssh_key k ON k.user_id = c.owner_id "
                   "WHERE c.owner_id = $1 AND c.id = $2 AND k.is_account = 1 "
                   "AND k.deleted_us IS NULL ON CONFLICT DO NOTHING",
                   DB_ARGS(db_int(user_id), db_int(contract_id)), err);
}
