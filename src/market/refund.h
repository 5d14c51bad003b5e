/* SPDX-License-Identifier: Apache-2.0 */
/* Taking back what a meter has charged wrongly, through the meter itself (money.md 1.13).
 *
 * A refund names what was charged: so many microseconds or bytes at such a rate. It goes through
 * the meter's remainders with its sign turned round, so renter, host and house each get or give
 * back exactly what they would have without it, to the nanodollar. The total stays: what was used
 * was used. Refunds are kept as evidence beside the epochs, and an auditor subtracts them. */

#ifndef BERTH_MARKET_REFUND_H
#define BERTH_MARKET_REFUND_H

#include "market/journal.h"
#include "market/meter.h"

struct refund {
    struct money rate;
    int64_t quantity; /* as the meter has it */
    int64_t used;     /* microseconds or bytes; never negative */
};

enum refund_outcome {
    REFUND_OK,
    REFUND_TOO_MUCH, /* more than was ever charged */
};

/* What a meter's refunds take off its numerator. */
numerator refund_numerator(const struct refund *refund);

/* The meter must be posted up to its total. Only REFUND_OK sets the outputs: `*ret_next` (which may
 * be `meter`), and `*ret_back`: what goes back, gross = host + fee, none of them negative. */
NODISCARD enum refund_outcome refund_meter(const struct meter *meter, const struct refund *refund,
                                           struct meter *ret_next, struct meter_charge *ret_back);

/* One refund as a business event. */
struct refund_event {
    const char *key; /* "cor:7001:ticket" */
    int64_t contract_id, renter_id, host_id;
    enum component component;
    struct instant occurred;
    struct meter_charge back;
    struct money
        paid_bought; /* of what was charged and not taken back yet: not from given credit */
    struct money
        pending; /* the host's, of this week: what can be taken without an invoice to mend */
};

/* The renter's debt is settled first; then bought credit comes back as such, and the rest as given
 * credit. The host gives it from what is pending, and owes what is not. `*ret_accrued`: how much of
 * the former. */
NODISCARD enum journal_outcome refund_journal(const struct refund_event *event,
                                              const struct renter_funds *funds,
                                              struct journal *ret_journal,
                                              struct money *ret_accrued);

/* What a host gives for time out of contact: at most `amount`, and what is pending. */
NODISCARD enum journal_outcome refund_downtime(const struct refund_event *event,
                                               struct money amount,
                                               const struct renter_funds *funds,
                                               struct journal *ret_journal,
                                               struct money *ret_given);

#endif
