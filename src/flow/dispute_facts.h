/* SPDX-License-Identifier: Apache-2.0 */
/* What the books hold that speaks for a disputed payment, as texts for the bank: whose it is, what
 * was bought and from where, what was rented with it, who logged in and what was called on the
 * account, which terms it came in under, and what it was told. Nothing of it is a secret: no
 * arguments of calls, no codes, nothing of what ran. Inside src/flow/. */

#ifndef BERTH_FLOW_DISPUTE_FACTS_H
#define BERTH_FLOW_DISPUTE_FACTS_H

#include "flow/pay_in.h"
#include "store/dispute_answer.h"
#include "store/payment_back.h"

enum {
    DISPUTE_TEXT_MAX = 14000,  /* bytes of one of them: with the note below Stripe's limit */
    DISPUTE_RENTALS_MAX = 100, /* lines; of more it is said that there are */
    DISPUTE_LOGINS_MAX = 50,
    DISPUTE_CALLS_MAX = 200,
    DISPUTE_MAILS_MAX = 100,
};

NODISCARD bool dispute_facts(const struct pay *pay, const struct dispute_row *dispute,
                             struct dispute_facts *ret, struct error *err);

#endif
