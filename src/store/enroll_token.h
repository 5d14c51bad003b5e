/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens with which a machine joins an account: used once, of which only the hash is kept. */

#ifndef BERTH_STORE_ENROLL_TOKEN_H
#define BERTH_STORE_ENROLL_TOKEN_H

#include "store/db.h"
#include "sys/crypto.h"

/* Drops expired ones on the way. */
NODISCARD bool enroll_token_insert(struct db *db, const struct hash *hash, int64_t user_id,
                                   struct instant now, struct instant expires, struct error *err);

/* Whose it is. `*ret_has` is false for one that never was, has expired, or was used. */
NODISCARD bool enroll_token_find(struct db *db, const struct hash *hash, struct instant now,
                                 int64_t *ret_user_id, bool *ret_has, struct error *err);

/* Use it up: one that somebody else has just used is ERROR_CONFLICT. */
NODISCARD bool enroll_token_take(struct db *db, const struct hash *hash, struct error *err);

#endif
