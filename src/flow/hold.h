/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator sets aside by hand (market/hold.h), and how that ends.
 *
 * Bought credit that is held pays for nothing: credit ends sooner, as for money that was spent. It
 * is captured when it has been sent back. Earnings that are held are in no payout; captured, the
 * house keeps them for what they were not earned by. Both end by themselves when their time is
 * over. Money that is announced is pending until it arrives. */

#ifndef BERTH_FLOW_HOLD_H
#define BERTH_FLOW_HOLD_H

#include "flow/flow.h"
#include "store/hold.h"

enum hold_outcome {
    HOLD_DONE,
    HOLD_WAS_DONE, /* under that ticket, or in that state: nothing changed */
    HOLD_NOT_FOUND,
    HOLD_BAD_AMOUNT,  /* not above zero, or more than is held */
    HOLD_NOT_COVERED, /* the account has not got that much to hold */
    HOLD_NO_WAY,      /* it has ended another way; or is a deposit, which arrives */
    HOLD_TOO_LONG,    /* ticket or note, or empty ticket */
    HOLD_TICKET_USED, /* for another */
    HOLD_NOBODY,      /* it takes two operators (flow/approval.h), and nobody said who this is */
    HOLD_WAITS,       /* for another operator to ask for the same */
};

enum { HOLD_TICKET_MAX = 48, HOLD_NOTE_MAX = 256, HOLDS_EXPIRE_MAX = 64 };

struct hold_request {
    enum hold_kind kind;
    int64_t user_id;
    struct money amount;
    const char *ticket, *note;
    struct instant until; /* INSTANT_NEVER: until somebody ends it */
};

/* `*ret_id`: of the hold, where it is done or was. */
NODISCARD bool flow_hold_place(const struct flow *flow, const struct hold_request *request,
                               enum hold_outcome *ret, int64_t *ret_id, struct error *err);

NODISCARD bool flow_hold_release(const struct flow *flow, int64_t hold_id, enum hold_outcome *ret,
                                 struct error *err);

struct hold_taking {
    int64_t hold_id;
    struct money amount; /* so much of it; zero: all. The rest is let go */
    int64_t operator_id; /* who asks for it; 0: not said */
};
NODISCARD bool flow_hold_take(const struct flow *flow, const struct hold_taking *taking,
                              enum hold_outcome *ret, struct error *err);

/* Holds whose time is over: a job. */
NODISCARD bool flow_hold_expire(const struct flow *flow, size_t *ret_count, struct error *err);

NODISCARD bool flow_hold_list(const struct flow *flow, const struct hold_filter *filter,
                              struct arena *arena, struct hold_row **ret, size_t *ret_count,
                              struct error *err);

#endif
