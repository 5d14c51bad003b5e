/* SPDX-License-Identifier: Apache-2.0 */
/* An account is deleted by its owner: with a session, the password, and the email typed out.
 *
 * Refused with all that stands against it (market/closing.h). Otherwise, in one transaction: what
 * is given up goes to the house, given credit lapses, and what says whose the account was is gone
 * (store/closing.h). Its email may sign up again. Whatever was under way for the account meanwhile
 * either comes first, and is counted, or finds no account (user_lock_open()). */

#ifndef BERTH_FLOW_CLOSE_ACCOUNT_H
#define BERTH_FLOW_CLOSE_ACCOUNT_H

#include "flow/caller.h"
#include "flow/flow.h"
#include "market/closing.h"

enum close_account_outcome {
    CLOSE_ACCOUNT_DONE,
    CLOSE_ACCOUNT_STANDS,     /* `facts` say what is against it */
    CLOSE_ACCOUNT_NO_SESSION, /* a key alone cannot */
    CLOSE_ACCOUNT_TEAM,       /* a team is destroyed, by its owner */
    CLOSE_ACCOUNT_OTHER_EMAIL,
    CLOSE_ACCOUNT_WRONG, /* not the account's password */
    CLOSE_ACCOUNT_THROTTLED,
    CLOSE_ACCOUNT_BUSY,
};

struct close_account_request {
    const char *password; /* NULL: none was given */
    const char *email;    /* as it was typed */
    const char *address;  /* whence the call came */
    struct money given_up;
};

struct close_account_reply {
    enum close_account_outcome outcome;
    int64_t wait_us;
    struct closing_facts facts;
};

NODISCARD bool flow_close_account(const struct flow *flow, const struct caller *caller,
                                  const struct close_account_request *request,
                                  struct close_account_reply *ret, struct error *err);

/* What stands against it now. */
NODISCARD bool flow_close_account_look(const struct flow *flow, const struct caller *caller,
                                       struct closing_facts *ret, struct error *err);

#endif
