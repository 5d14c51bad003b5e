/* SPDX-License-Identifier: Apache-2.0 */
/* Envelope encryption of what people entrust to the market (control.md 3.7): each account has a
 * data key, which is stored under the master key; the master key is in a file of the server, and
 * never in the database or its backups. What is sealed is bound to what it is for, so that one row
 * cannot be put in the place of another. */

#ifndef BERTH_FLOW_VAULT_H
#define BERTH_FLOW_VAULT_H

#include "base/arena.h"
#include "flow/flow.h"
#include "store/secret.h"

struct vault_master {
    int64_t id; /* tells master keys apart; says nothing of them */
    uint8_t key[SEAL_KEY_SIZE];
    struct hash code_key; /* what codes in mails are made with */
};

/* While a master key takes another's place, the one before and the next open what is sealed under
 * them; all that is sealed anew is under the present one (flow/rewrap.h). */
enum { VAULT_OTHERS_MAX = 2 };

struct vault {
    struct vault_master master;
    struct vault_master others[VAULT_OTHERS_MAX];
    size_t other_count;
};

/* The vault of a master key; and one more that opens what is sealed under it. */
struct vault vault_of(const uint8_t master_key[static SEAL_KEY_SIZE]);
void vault_add(struct vault *vault, const uint8_t master_key[static SEAL_KEY_SIZE]);

/* NULL: it has none of that id. */
const struct vault_master *vault_master_of(const struct vault *vault, int64_t id);

/* An account's data key, for one transaction: wipe it afterwards. */
struct vault_key {
    uint8_t bytes[SEAL_KEY_SIZE];
};
#define auto_vault_key __attribute__((cleanup(vault_key_wipe)))
void vault_key_wipe(struct vault_key *key);

/* `*ret_has` false: the account has none yet, and so nothing sealed. ERROR_CORRUPT: it is sealed
 * under another master key than this server has. */
NODISCARD bool vault_key_load(struct db *db, const struct vault *vault, int64_t user_id,
                              struct vault_key *ret, bool *ret_has, struct error *err);

/* The same, made where there is none. Under the user's lock (store/user.h). */
NODISCARD bool vault_key_need(struct db *db, const struct vault *vault, int64_t user_id,
                              struct instant now, struct vault_key *ret, struct error *err);

/* A row as it is under the present master key. ERROR_CORRUPT: it is sealed under none of ours. */
NODISCARD bool vault_key_rewrap(const struct vault *vault, struct data_key_row *row,
                                struct error *err);

/* Into the arena. `about` names what it is for, and must be the same for both. */
NODISCARD bool vault_seal(const struct vault_key *key, const char *about, const char *text,
                          struct arena *arena, struct secret_row *ret, struct error *err);
NODISCARD bool vault_unseal(const struct vault_key *key, const char *about,
                            const struct secret_row *sealed, struct arena *arena, const char **ret,
                            struct error *err);

/* Text in a column of text, which says of itself that it is sealed. Without a vault, as in
 * simulations, it lies there as it is, and so does what was written before: it is read as well. */
struct vault_text {
    int64_t user_id;
    const char *about;
};
NODISCARD bool vault_text_seal(struct db *db, const struct vault *vault,
                               const struct vault_text *of, const char *text, struct instant now,
                               struct arena *arena, const char **ret, struct error *err);

/* ERROR_CORRUPT: it does not open. */
NODISCARD bool vault_text_open(struct db *db, const struct vault *vault,
                               const struct vault_text *of, const char *stored, struct arena *arena,
                               const char **ret, struct error *err);

#endif
