/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens with which a machine joins an account: used once, of which only the hash is kept. */

#ifndef BERTH_STORE_ENROLL_TOKEN_H
#define BERTH_STORE_ENROLL_TOKEN_H

#include "store/db.h"
#include "sys/crypto.h"

/* What a token is for. */
struct enroll_token_row {
    int64_t user_id;
    int64_t machine_id; /* which comes back by it; 0: a new one joins */
};

/* Drops expired ones on the way. */
NODISCARD bool enroll_token_insert(struct db *db, const struct hash *hash,
                                   const struct enroll_token_row *token, struct instant now,
                                   struct instant expires, struct error *err);

/* `*ret_has` is false for one that never was, has expired, or was used. */
NODISCARD bool enroll_token_find(struct db *db, const struct hash *hash, struct instant now,
                                 struct enroll_token_row *ret, bool *ret_has, struct error *err);

/* Use it up: one that somebody else has just used is ERROR_CONFLICT. */
NODISCARD bool enroll_token_take(struct db *db, const struct hash *hash, struct error *err);

#endif
