/* SPDX-License-Identifier: Apache-2.0 */
/* Charges that should not have been, taken back by an operator through the same meters (money.md
 * 1.13); and what a host gives for downtime, where the operator has set that it does. */

#ifndef BERTH_FLOW_REFUND_H
#define BERTH_FLOW_REFUND_H

#include "flow/change.h"
#include "flow/flow.h"
#include "market/meter.h"

enum refund_flow_outcome {
    REFUNDED,
    REFUNDED_BEFORE, /* under that ticket: nothing changed */
    REFUND_NO_CONTRACT,
    REFUND_BAD_TICKET,
    REFUND_BAD_AMOUNT, /* nothing, or more than was charged and not taken back yet */
    REFUND_NOBODY,     /* it takes two operators (flow/approval.h), and nobody said who this is */
    REFUND_WAITS,      /* for another operator to ask for the same */
};

enum { REFUND_TICKET_MAX = 48 };

struct refund_request {
    int64_t contract_id;
    enum component component;
    int64_t used; /* microseconds or bytes, dearest first; INT64_MAX: all that was charged */
    const char *ticket;
    int64_t operator_id; /* who asks for it; 0: not said */
};

struct refund_reply {
    enum refund_flow_outcome outcome;
    struct money gross; /* what the renter got, or is to get */
};

NODISCARD bool flow_refund(const struct flow *flow, const struct refund_request *request,
                           struct refund_reply *ret, struct error *err);

#endif
