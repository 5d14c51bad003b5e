/* SPDX-License-Identifier: Apache-2.0 */
/* API keys, of which only the SHA-256 is kept. */

#ifndef BERTH_STORE_API_KEY_H
#define BERTH_STORE_API_KEY_H

#include "base/arena.h"
#include "store/db.h"
#include "sys/crypto.h"

struct api_key_row {
    int64_t id, user_id;
    const char *name;
    const char *rights;    /* the permission object as JSON, api.md 2.11; "" for all */
    int64_t scopes;        /* its categories as bits (flow/caller.h) */
    int64_t contract_id;   /* of an instance key; else 0 */
    int64_t member_id;     /* of a team's key: who acts with it (flow/team.h); else 0 */
    const char *team_name; /* likewise; else NULL. Not written */
    struct hash hash;
    struct instant created;
    struct instant used; /* last, about; 0: never. Not written */
};

NODISCARD bool api_key_insert(struct db *db, const struct api_key_row *key, int64_t *ret_id,
                              struct error *err);

/* With what a caller is by being its owner. */
struct api_key_owned {
    struct api_key_row key;
    bool is_owner_admin, has_owner_tfa;
};

/* The live key with that hash. */
NODISCARD bool api_key_find(struct db *db, const struct hash *hash, struct arena *arena,
                            struct api_key_owned *ret, bool *ret_has, struct error *err);

/* Whose keys: an account's own, or one member's of a team's account. */
struct api_key_owner {
    int64_t user_id, member_id;
};
NODISCARD bool api_key_load(struct db *db, struct api_key_owner owner, int64_t id,
                            struct arena *arena, struct api_key_row *ret, bool *ret_has,
                            struct error *err);
NODISCARD bool api_key_list(struct db *db, struct api_key_owner owner, struct arena *arena,
                            struct api_key_row **ret, size_t *ret_count, struct error *err);

/* How many live ones there are, those of instances not counted. */
NODISCARD bool api_key_count(struct db *db, struct api_key_owner owner, int64_t *ret_count,
                             struct error *err);

/* That keys were used, a key once; an older use than what is known changes nothing. */
enum { API_KEY_USES_MAX = 1024 };
struct api_key_use {
    int64_t id;
    struct instant used;
};
NODISCARD bool api_key_use_all(struct db *db, const struct api_key_use *uses, size_t count,
                               struct error *err);

/* `*ret_count` is 0 where the owner has no such live key. */
NODISCARD bool api_key_revoke(struct db *db, struct api_key_owner owner, int64_t id,
                              struct instant now, int64_t *ret_count, struct error *err);

/* All of a member's; with member 0 all of the account's. */
NODISCARD bool api_key_revoke_all(struct db *db, struct api_key_owner owner, struct instant now,
                                  struct error *err);
NODISCARD bool api_key_revoke_of_contract(struct db *db, int64_t user_id, int64_t contract_id,
                                          struct instant now, struct error *err);

#endif
