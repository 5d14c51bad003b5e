/* SPDX-License-Identifier: Apache-2.0 */
/* Money that goes back to the card that it came from: bought credit that an operator refunds, and
 * payments that a card's owner disputes. */

#ifndef BERTH_FLOW_PAY_BACK_H
#define BERTH_FLOW_PAY_BACK_H

#include "flow/pay_in.h"
#include "store/payment_back.h"

enum pay_back_outcome {
    PAY_BACK_DONE,   /* it is on its way */
    PAY_BACK_BEFORE, /* under that ticket: nothing changed */
    PAY_BACK_OFF,
    PAY_BACK_NO_DEPOSIT,
    PAY_BACK_NOT_PAID,   /* it has not arrived, or not by a provider */
    PAY_BACK_BAD_AMOUNT, /* not whole cents, or more than is left of the deposit */
    PAY_BACK_SPENT,      /* more than there is of bought credit */
    PAY_BACK_BAD_TICKET,
    PAY_BACK_NOBODY, /* it takes two operators (flow/approval.h), and nobody said who this is */
    PAY_BACK_WAITS,  /* for another operator to ask for the same */
};

enum { PAY_BACK_TICKET_MAX = 48 };

struct pay_back_request {
    int64_t deposit_id;
    struct money amount;
    const char *ticket;
    int64_t operator_id; /* 0: not said */
};

NODISCARD bool flow_pay_back(const struct flow *flow, const struct pay_back_request *request,
                             enum pay_back_outcome *ret, struct error *err);

/* Part of flow/pay.c's transactions. */
NODISCARD bool pay_back_refund(const struct pay *pay, const struct stripe_object *refund,
                               enum pay_effect *ret, struct error *err);
NODISCARD bool pay_back_refused(const struct pay *pay, int64_t refund_id, const char *reason,
                                struct error *err);
NODISCARD bool pay_back_dispute(const struct pay *pay, const struct stripe_object *dispute,
                                enum pay_effect *ret, struct error *err);

#endif
