/* SPDX-License-Identifier: Apache-2.0 */
/* An account says how its person is called, below which credit to warn, and where its bills go. */

#ifndef BERTH_FLOW_UPDATE_USER_H
#define BERTH_FLOW_UPDATE_USER_H

#include "flow/caller.h"
#include "flow/flow.h"
#include "store/user.h"

/* NULL: as it was. */
struct update_user_request {
    const char *username, *fullname;    /* at most NAME_LENGTH_MAX bytes */
    const struct money *low_credit;     /* to be warned below it: not below zero; */
    const bool *warns_low;              /* and whether to */
    const char *address[ADDRESS_PARTS]; /* at most ADDRESS_LENGTH_MAX bytes each, in one line */
};

enum { ADDRESS_LENGTH_MAX = 256 };

enum update_user_outcome {
    UPDATE_USER_DONE,
    UPDATE_USER_NAME_TOO_LONG,
    UPDATE_USER_NAME_EMPTY,
    UPDATE_USER_ADDRESS_TOO_LONG,
    UPDATE_USER_BAD_ADDRESS, /* a control character is in it */
    UPDATE_USER_BAD_PHONE,   /* more than digits, blanks and +-(). */
};

NODISCARD bool flow_update_user(const struct flow *flow, const struct caller *caller,
                                const struct update_user_request *request,
                                enum update_user_outcome *ret, struct error *err);

#endif
