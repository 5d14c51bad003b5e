/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts and their API keys: who may come in.
 *
 * Keys are 256 random bits, shown once; the database has their SHA-256. */

#ifndef BERTH_FLOW_ACCOUNT_H
#define BERTH_FLOW_ACCOUNT_H

#include "base/arena.h"
#include "flow/caller.h"
#include "flow/flow.h"
#include "store/api_key.h"
#include "store/user.h"

enum account_outcome {
    ACCOUNT_CREATED,
    ACCOUNT_EXISTS,     /* the email has an account */
    ACCOUNT_BAD_EMAIL,  /* not local@domain, or too long */
    ACCOUNT_BAD_CREDIT, /* negative */
};

struct account_request {
    const char *email;    /* in any case */
    const char *username; /* NULL: the email's local part */
    struct money credit;  /* granted as promo credit; zero: none */
    bool is_admin;
    bool is_unverified;   /* its email is one that nobody vouches for yet */
    const char *password; /* what password_hash() made of one; NULL: none */
    int64_t parent_id;    /* of a subaccount; else 0 */
    bool is_host_only;
    const char *terms; /* that were accepted at `terms_at`; NULL: none */
    struct instant terms_at;
};

struct account_reply {
    enum account_outcome outcome;
    int64_t user_id, key_id;
    char api_key[TOKEN_TEXT_SIZE]; /* shown this once */
};

/* The address as it is kept, in lower case. False: it is none. */
bool account_email(const char *text, char email[static EMAIL_LENGTH_MAX + 1]);

/* The same within a transaction; its key is the one in `ret->api_key`, which crypto_token() made.
 */
NODISCARD bool account_insert(struct db *db, const struct account_request *request,
                              struct instant now, struct account_reply *ret, struct error *err);

NODISCARD bool flow_account_create(const struct flow *flow, const struct account_request *request,
                                   struct account_reply *ret, struct error *err);

/* Who has the key with that hash (its text, crypto_sha256()); `*ret_is_known` false for a key that
 * never was or was revoked. */
NODISCARD bool flow_authenticate(const struct flow *flow, const struct hash *key,
                                 struct caller *ret, bool *ret_is_known, struct error *err);

/* Who is logged in acts for a team that they are a member of, with what their role allows; whether
 * their session has shown their second factor lately stays as it is. `*ret_is_member` false: there
 * is no such team, or they are no member, and the caller is as it was. */
NODISCARD bool flow_act_for_team(const struct flow *flow, int64_t team_id, struct caller *caller,
                                 bool *ret_is_member, struct error *err);

/* The categories that a permission object (api.md 2.11) names, and those that it grants whole.
 * False where it is none. */
NODISCARD bool account_rights(const char *rights, int64_t *ret_named, int64_t *ret_whole);

/* Permission objects, JSON as in api.md 2.11, for routes that they narrow: the key's, and that of
 * the role by which it acts for a team. Both must allow a call; "" narrows nothing. Live in the
 * arena. */
struct key_rights {
    const char *key, *role;
};
NODISCARD bool flow_key_rights(const struct flow *flow, const struct caller *caller,
                               struct arena *arena, struct key_rights *ret, struct error *err);

enum { API_KEYS_MAX = 256 }; /* live ones of an account, its instances' own not counted */

enum key_outcome {
    KEY_DONE,
    KEY_NOT_FOUND,
    KEY_BAD_NAME,
    KEY_BAD_RIGHTS,
    KEY_EXCEEDS_CALLER,
    KEY_TOO_MANY,
};

struct key_reply {
    enum key_outcome outcome;
    int64_t key_id;
    char api_key[TOKEN_TEXT_SIZE];
};

/* `rights` is a permission object as JSON; NULL: all that the caller has. A key can never do more
 * than the one that made it. */
NODISCARD bool flow_key_create(const struct flow *flow, const struct caller *caller,
                               const char *name, const char *rights, struct key_reply *ret,
                               struct error *err);
NODISCARD bool flow_key_revoke(const struct flow *flow, const struct caller *caller, int64_t key_id,
                               struct key_reply *ret, struct error *err);

/* Revoke the caller's own key and give another with the same rights. */
NODISCARD bool flow_key_reset(const struct flow *flow, const struct caller *caller,
                              struct key_reply *ret, struct error *err);
NODISCARD bool flow_key_list(const struct flow *flow, const struct caller *caller,
                             struct arena *arena, struct api_key_row **ret, size_t *ret_count,
                             struct error *err);

/* Write down when keys were used last: at most API_KEY_USES_MAX, a key once. */
NODISCARD bool flow_keys_used(const struct flow *flow, const struct api_key_use *uses, size_t count,
                              struct error *err);

#endif
