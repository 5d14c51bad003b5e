/* SPDX-License-Identifier: Apache-2.0 */
/* How an account comes into being without an operator: sign-up, and the email that proves itself.
 *
 * Who signs up is told to look into their mail, whatever happens: an email that has an account gets
 * a mail that says so, and nobody else learns of it. The account is made when the code comes back.
 * Until then it is a row that runs out by itself, and its password belongs to nobody. Where the
 * market has terms, which version was accepted and when stays with the account. */

#ifndef BERTH_FLOW_SIGN_UP_H
#define BERTH_FLOW_SIGN_UP_H

#include "flow/account.h"
#include "flow/caller.h"
#include "flow/flow.h"

enum {
    SIGN_UP_SECONDS = 24 * 3600,     /* that a code is good for */
    CHANGE_EMAIL_SECONDS = 2 * 3600, /* likewise */
    SUBACCOUNTS_MAX = 100,
    TERMS_LENGTH_MAX = 64, /* of what they call a version */
};

enum sign_up_outcome {
    SIGN_UP_DONE,
    SIGN_UP_BAD_EMAIL,
    SIGN_UP_BAD_NAME,
    SIGN_UP_BAD_PASSWORD, /* too short or too long */
    SIGN_UP_TERMS,        /* the market has terms, and these were not accepted */
    SIGN_UP_EXISTS,       /* subaccounts alone: the email has an account */
    SIGN_UP_TOO_MANY,     /* subaccounts */
    SIGN_UP_BAD_CODE,     /* unknown, used, or run out */
    SIGN_UP_WRONG_PASSWORD,
    SIGN_UP_THROTTLED,
    SIGN_UP_BUSY,
};

struct sign_up_request {
    const char *email, *username, *password;
    bool is_host_only;
    const char *address;
    const char
        *terms; /* the version that was accepted; NULL: none. A subaccount's are its parent's */
};

struct sign_up_reply {
    enum sign_up_outcome outcome;
    int64_t wait_us;
    struct account_reply account; /* of an account that was made */
    char email[EMAIL_LENGTH_MAX + 1];
};

NODISCARD bool flow_sign_up(const struct flow *flow, const struct sign_up_request *request,
                            struct sign_up_reply *ret, struct error *err);

/* An account of its own below the caller's, whose email is still to be verified. */
NODISCARD bool flow_subaccount(const struct flow *flow, const struct caller *caller,
                               const struct sign_up_request *request, struct sign_up_reply *ret,
                               struct error *err);
NODISCARD bool flow_subaccount_list(const struct flow *flow, const struct caller *caller,
                                    struct arena *arena, struct user_row **ret, size_t *ret_count,
                                    struct error *err);

/* What came by mail: makes an account, verifies an email, or changes one. `account` has a key where
 * one was made. */
NODISCARD bool flow_verify(const struct flow *flow, const char *code, const char *address,
                           struct sign_up_reply *ret, struct error *err);

/* Send a code to another email; it counts once the code comes back. Takes the password of an
 * account that has one. */
NODISCARD bool flow_change_email(const struct flow *flow, const struct caller *caller,
                                 const struct sign_up_request *request, struct sign_up_reply *ret,
                                 struct error *err);

/* Within a transaction: another code for an account whose email is not verified. */
NODISCARD bool sign_up_remind(struct db *db, const struct flow *flow, const struct user_row *user,
                              struct instant now, struct error *err);

#endif
