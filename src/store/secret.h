/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets of accounts, sealed: their variables, what contracts got of them, and the key of each
 * account under which they are. What is in here tells nothing without the market's master key. */

#ifndef BERTH_STORE_SECRET_H
#define BERTH_STORE_SECRET_H

#include "base/arena.h"
#include "store/db.h"
#include "sys/crypto.h"

enum { DATA_KEY_SEALED_SIZE = SEAL_KEY_SIZE + SEAL_EXTRA };

/* An account's key, sealed under the master key with that id. */
struct data_key_row {
    int64_t user_id, master_id;
    uint8_t sealed[DATA_KEY_SEALED_SIZE];
};

NODISCARD bool data_key_insert(struct db *db, const struct data_key_row *key, struct instant now,
                               struct error *err);
NODISCARD bool data_key_load(struct db *db, int64_t user_id, struct data_key_row *ret,
                             bool *ret_has, struct error *err);

/* Those under that master key, up to `max` of them. */
NODISCARD bool data_key_list(struct db *db, int64_t master_id, struct data_key_row *ret, size_t max,
                             size_t *ret_count, struct error *err);

/* As it is under another master key, where it is still under `master_before`. */
NODISCARD bool data_key_replace(struct db *db, const struct data_key_row *key,
                                int64_t master_before, struct error *err);
NODISCARD bool data_key_count(struct db *db, int64_t master_id, int64_t *ret_count,
                              int64_t *ret_all, struct error *err);

struct secret_row {
    const char *name;
    const void *sealed;
    size_t length;
};

/* By name. */
NODISCARD bool secret_list(struct db *db, int64_t user_id, struct arena *arena,
                           struct secret_row **ret, size_t *ret_count, struct error *err);
NODISCARD bool secret_insert(struct db *db, int64_t user_id, const struct secret_row *secret,
                             struct instant now, struct error *err);

/* `*ret_count` is 0 where there is none of that name. */
NODISCARD bool secret_update(struct db *db, int64_t user_id, const struct secret_row *secret,
                             struct instant now, int64_t *ret_count, struct error *err);
NODISCARD bool secret_delete(struct db *db, int64_t user_id, const char *name, int64_t *ret_count,
                             struct error *err);

/* What a contract got when it was made: nothing where there is no row. */
NODISCARD bool contract_env_insert(struct db *db, int64_t contract_id, const void *sealed,
                                   size_t length, struct error *err);
NODISCARD bool contract_env_load(struct db *db, int64_t contract_id, struct arena *arena,
                                 struct secret_row *ret, bool *ret_has, struct error *err);

#endif
