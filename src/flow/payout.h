/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator does to a payout that is made by hand: it was sent, it arrived, it came back
 * (market/payout.h). Asking for what has happened already changes nothing. */

#ifndef BERTH_FLOW_PAYOUT_H
#define BERTH_FLOW_PAYOUT_H

#include "base/arena.h"
#include "flow/flow.h"
#include "store/payout.h"

enum payout_outcome {
    PAYOUT_DONE,
    PAYOUT_WAS_DONE, /* it is in that state, under that reference: nothing changed */
    PAYOUT_NOT_FOUND,
    PAYOUT_NO_WAY,   /* not from the state that it is in */
    PAYOUT_TOO_LONG, /* reference or reason */
};

enum { PAYOUT_TEXT_MAX = 256 };

struct payout_request {
    int64_t payout_id;
    enum payout_state to;
    const char *reference; /* "" keeps what is known */
    const char *reason;    /* of what failed; "" */
};

/* `*ret_state` is the state that it is in then. */
NODISCARD bool flow_payout_move(const struct flow *flow, const struct payout_request *request,
                                enum payout_outcome *ret, enum payout_state *ret_state,
                                struct error *err);

NODISCARD bool flow_payout_list(const struct flow *flow, const struct payout_filter *filter,
                                struct arena *arena, struct payout_row **ret, size_t *ret_count,
                                struct error *err);

/* Whether it should have been paid by now: four days after its Friday. */
bool payout_is_late(const struct payout_row *payout, struct instant now);

#endif
