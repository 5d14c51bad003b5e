/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a payout to a host (money.md 1.13): what may follow what, and which money moves.
 *
 *     created > submitted > in_transit > paid, with failed, returned, cancelled
 *
 * Money leaves what the host is owed when the payout is made, and the house when it is paid. One
 * that failed, came back or was cancelled puts it back to what the host is owed, for the next
 * week's. A provider may say "paid" first and "returned" later, so that arrow exists. */

#ifndef BERTH_MARKET_PAYOUT_H
#define BERTH_MARKET_PAYOUT_H

#include "market/journal.h"

/* Stored in payout.state. */
enum payout_state {
    PAYOUT_CREATED = 1,
    PAYOUT_SUBMITTED,
    PAYOUT_IN_TRANSIT,
    PAYOUT_PAID,
    PAYOUT_FAILED,
    PAYOUT_RETURNED,
    PAYOUT_CANCELLED,
};
enum { PAYOUT_STATE_COUNT = 7 };

/* "created", "in_transit", ...; NULL: there is no such state. */
const char *payout_state_name(enum payout_state state);
NODISCARD bool payout_state_parse(const char *name, enum payout_state *ret);

/* Whether a payout may go from one to the other. */
bool payout_may(enum payout_state from, enum payout_state to);

/* Whether it is on its way: made, and neither paid nor back. */
bool payout_is_open(enum payout_state state);

struct payout_move {
    int64_t payout_id, host_id;
    struct money amount;
    enum ledger_code
        from; /* whence it is paid: the bank, or a provider's balance, ours or theirs */
    struct instant at;
    struct money fee; /* that the provider kept of the house's balance when it was paid */
};

/* The journal of making it, and of an arrow that payout_may(); JOURNAL_EMPTY where no money moves.
 */
NODISCARD enum journal_outcome payout_make(const struct payout_move *move,
                                           struct journal *ret_journal);
NODISCARD enum journal_outcome payout_go(const struct payout_move *move, enum payout_state from,
                                         enum payout_state to, struct journal *ret_journal);

#endif
