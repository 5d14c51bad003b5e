/* SPDX-License-Identifier: Apache-2.0 */
/* SSH public keys of accounts, and which instances admit them.
 *
 * An account key is admitted by every instance of its owner, those made later too; a key
 * attached to one instance belongs to that instance alone. */

#ifndef BERTH_STORE_SSH_KEY_H
#define BERTH_STORE_SSH_KEY_H

#include "base/arena.h"
#include "store/db.h"

enum { SSH_KEYS_PER_USER_MAX = 32 };

struct ssh_key_row {
    int64_t id, user_id;
    const char *public_key; /* "type base64 comment", without options */
    bool is_account;        /* admitted by all instances, not only by those it is attached to */
    struct instant created;
};

NODISCARD bool ssh_key_insert(struct db *db, const struct ssh_key_row *key, int64_t *ret_id,
                              struct error *err);
NODISCARD bool ssh_key_load(struct db *db, int64_t user_id, int64_t id, struct arena *arena,
                            struct ssh_key_row *ret, bool *ret_has, struct error *err);

/* Live account keys, oldest first. */
NODISCARD bool ssh_key_list(struct db *db, int64_t user_id, struct arena *arena,
                            struct ssh_key_row **ret, size_t *ret_count, struct error *err);

/* Keys that the user's instance admits, oldest first. */
NODISCARD bool ssh_key_list_of(struct db *db, int64_t user_id, int64_t contract_id,
                               struct arena *arena, struct ssh_key_row **ret, size_t *ret_count,
                               struct error *err);
NODISCARD bool ssh_key_update(struct db *db, int64_t user_id, int64_t id, const char *public_key,
                              int64_t *ret_count, struct error *err);
NODISCARD bool ssh_key_delete(struct db *db, int64_t user_id, int64_t id, struct instant now,
                              int64_t *ret_count, struct error *err);

/* Attaching twice changes nothing; `*ret_count` says whether anything changed. */
NODISCARD bool ssh_key_attach(struct db *db, int64_t user_id, int64_t contract_id, int64_t key_id,
                              int64_t *ret_count, struct error *err);
NODISCARD bool ssh_key_detach(struct db *db, int64_t user_id, int64_t contract_id, int64_t key_id,
                              int64_t *ret_count, struct error *err);

/* Attach to every instance of the user that is not destroyed; and every account key to one. */
NODISCARD bool ssh_key_attach_everywhere(struct db *db, int64_t user_id, int64_t key_id,
                                         struct error *err);
NODISCARD bool ssh_key_attach_all(struct db *db, int64_t user_id, int64_t contract_id,
                                  struct error *err);

#endif
