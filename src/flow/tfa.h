/* SPDX-License-Identifier: Apache-2.0 */
/* The second factor of an account (api.md 3.3): codes of an authenticator app, and ten codes for
 * when it is lost.
 *
 * From the first method on, a password alone opens half a session, and sensitive acts want the
 * factor to have been shown lately. A code counts once. Guesses are counted for the account and for
 * the address (flow/throttle.h), whichever way they come. */

#ifndef BERTH_FLOW_TFA_H
#define BERTH_FLOW_TFA_H

#include "flow/login.h"
#include "flow/totp.h"
#include "store/tfa_method.h"

enum { TFA_METHODS_MAX = 8, BACKUP_CODES = 10, TFA_LABEL_MAX = 64, TFA_URI_SIZE = 512 };

enum tfa_outcome {
    TFA_DONE,
    TFA_WRONG,        /* no code of the account now, or one that was used */
    TFA_WRONG_BACKUP, /* likewise */
    TFA_MISSING,      /* neither was given */
    TFA_NO_METHOD,    /* the account has no second factor, or nothing waits to be confirmed */
    TFA_NO_CHALLENGE, /* the secret is unknown or has run out */
    TFA_NOT_FOUND,    /* no such method */
    TFA_TOO_MANY,     /* methods */
    TFA_NO_SESSION,   /* keys cannot show a factor: log in */
    TFA_THROTTLED,
};

struct tfa_proof {
    const char *code, *backup_code; /* one of them */
    const char *address;
};

struct tfa_codes {
    size_t count; /* 0: none were made */
    char text[BACKUP_CODES][BACKUP_CODE_SIZE];
};

struct tfa_reply {
    enum tfa_outcome outcome;
    int64_t wait_us, backup_left, methods_left, method_id;
    struct login_reply login;
    struct tfa_codes codes;
    char seed[TOTP_SEED_SIZE], uri[TFA_URI_SIZE];
};

/* With the other half of a session, `secret`, or as a caller with a key: a whole one, stepped. */
struct tfa_login {
    const char *secret; /* NULL: the caller's account */
    const struct caller *caller;
    const struct login_client *client;
    struct tfa_proof proof;
};
NODISCARD bool flow_tfa_login(const struct flow *flow, const struct tfa_login *request,
                              struct tfa_reply *ret, struct error *err);

/* Show it again in the session that calls. */
NODISCARD bool flow_tfa_step(const struct flow *flow, const struct caller *caller,
                             const struct tfa_proof *proof, struct tfa_reply *ret,
                             struct error *err);

/* A seed for an app; it counts once a code of it comes back. */
NODISCARD bool flow_tfa_setup(const struct flow *flow, const struct caller *caller,
                              struct tfa_reply *ret, struct error *err);
NODISCARD bool flow_tfa_confirm(const struct flow *flow, const struct caller *caller,
                                const struct tfa_proof *proof, const char *label,
                                struct tfa_reply *ret, struct error *err);

/* Those that are confirmed; `*ret_left` backup codes are left. */
NODISCARD bool flow_tfa_list(const struct flow *flow, const struct caller *caller,
                             struct arena *arena, struct tfa_method_row **ret, size_t *ret_count,
                             int64_t *ret_left, struct error *err);

NODISCARD bool flow_tfa_label(const struct flow *flow, const struct caller *caller, int64_t id,
                              const char *label, struct tfa_reply *ret, struct error *err);

/* With the last one goes the second factor. */
NODISCARD bool flow_tfa_delete(const struct flow *flow, const struct caller *caller, int64_t id,
                               struct tfa_reply *ret, struct error *err);

/* Other backup codes in place of all. */
NODISCARD bool flow_tfa_regenerate(const struct flow *flow, const struct caller *caller,
                                   struct tfa_reply *ret, struct error *err);

#endif
