/* SPDX-License-Identifier: Apache-2.0 */
/* The journals of money that goes back to a card (money.md 1.13): a refund in two steps, and a
 * dispute, in which a card's network takes the money first and asks later.
 *
 * What goes back to a renter settles its debt first. What is lost beyond what was frozen is taken
 * from bought credit; then given credit runs out, and the rest is debt. */

#ifndef BERTH_MARKET_PAYBACK_H
#define BERTH_MARKET_PAYBACK_H

#include "market/journal.h"

struct payback {
    int64_t id, renter_id; /* id: of the refund or dispute */
    struct money amount;
    struct instant at;
};

/* Asked for: bought credit that is on its way out. Done: it has left our balance. Failed: credit
 * again; `was_done` where it had left the balance before, to where it lies in suspense until its
 * return is seen there. */
NODISCARD enum journal_outcome payback_ask(const struct payback *refund, struct journal *ret);
NODISCARD enum journal_outcome payback_done(const struct payback *refund, struct journal *ret);
NODISCARD enum journal_outcome payback_failed(const struct payback *refund, bool was_done,
                                              const struct renter_funds *funds,
                                              struct journal *ret);

/* The network took it, with a fee; what there is of bought credit is frozen. */
NODISCARD enum journal_outcome payback_disputed(const struct payback *dispute, struct money fee,
                                                struct money frozen, struct journal *ret);
/* It came back, and the credit is free. */
NODISCARD enum journal_outcome payback_won(const struct payback *dispute, struct money frozen,
                                           const struct renter_funds *funds, struct journal *ret);
NODISCARD enum journal_outcome payback_lost(const struct payback *dispute, struct money frozen,
                                            const struct renter_funds *funds, struct journal *ret);

#endif
