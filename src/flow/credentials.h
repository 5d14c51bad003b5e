/* SPDX-License-Identifier: Apache-2.0 */
/* An account's password: forgotten, set anew by a code from a mail, or changed.
 *
 * Whenever it changes, all sessions end but the one that changed it, and its owner is told by mail.
 * Asking for a code answers alike whether the email has an account or not. */

#ifndef BERTH_FLOW_CREDENTIALS_H
#define BERTH_FLOW_CREDENTIALS_H

#include "flow/caller.h"
#include "flow/flow.h"

enum { RESET_SECONDS = 3600 };

enum credentials_outcome {
    CREDENTIALS_DONE,
    CREDENTIALS_WRONG, /* not the password of the account, or the key may not set a first one */
    CREDENTIALS_BAD,   /* the new one is too short or too long */
    CREDENTIALS_BAD_CODE,
    CREDENTIALS_THROTTLED,
    CREDENTIALS_BUSY,
};

/* Whether a new password is one: its length, in bytes. */
bool credentials_are_good(const char *password);

/* Send a code to the email if it has an account. */
NODISCARD bool flow_credentials_forgot(const struct flow *flow, const char *email,
                                       const char *address, enum credentials_outcome *ret,
                                       int64_t *ret_wait_us, struct error *err);

/* With the code from the mail. */
NODISCARD bool flow_credentials_reset(const struct flow *flow, const char *code,
                                      const char *password, const char *address,
                                      enum credentials_outcome *ret, int64_t *ret_wait_us,
                                      struct error *err);

/* Knowing the present one; an account that has none gets its first, from whoever may do all. */
struct credentials_change {
    const char *password, *new_password; /* the first may be NULL */
    const char *address;
};
NODISCARD bool flow_credentials_change(const struct flow *flow, const struct caller *caller,
                                       const struct credentials_change *change,
                                       enum credentials_outcome *ret, int64_t *ret_wait_us,
                                       struct error *err);

/* Whether that is the caller's password. Where the account has none, whether the caller may do all.
 */
NODISCARD bool credentials_confirm(const struct flow *flow, const struct caller *caller,
                                   const char *password, const char *address,
                                   enum credentials_outcome *ret, int64_t *ret_wait_us,
                                   struct error *err);

#endif
