/* SPDX-License-Identifier: Apache-2.0 */
/* Money in two phases (money.md 1.3, 1.9, 1.13): first set aside, then taken or let go.
 *
 * A hold names a debit, a credit and an amount. While it is open the amount is pending on both
 * accounts, and what is held of a liability can be spent on nothing else: a limit counts it as
 * if it were gone. It ends once:
 *
 *     open > captured   a journal took its place, of all or some of the amount
 *          > released   nothing happened
 *          > expired    the same, because its time was over
 *
 * There are three kinds: money that a renter has sent and that has not arrived, which may not be
 * spent yet; bought credit that is set aside to be sent back; and earnings that a host is not to
 * be paid for now. */

#ifndef BERTH_MARKET_HOLD_H
#define BERTH_MARKET_HOLD_H

#include "market/journal.h"

/* Stored in hold.kind. */
enum hold_kind {
    HOLD_DEPOSIT = 1, /* bank to bought credit: on its way */
    HOLD_CREDIT,      /* bought credit to bank: set aside */
    HOLD_EARNINGS,    /* payable to chargebacks: kept back from payouts */
};

/* Stored in hold.state. */
enum hold_state { HOLD_OPEN, HOLD_CAPTURED, HOLD_RELEASED, HOLD_EXPIRED };

/* "deposit", "open", ...; NULL: there is no such one. */
const char *hold_kind_name(enum hold_kind kind);
const char *hold_state_name(enum hold_state state);
NODISCARD bool hold_state_parse(const char *name, enum hold_state *ret);

/* What is pending between which accounts while it is open. */
struct leg hold_leg(enum hold_kind kind, int64_t user_id, struct money amount);

/* The journal of capturing so much of one that is not a deposit: those become a deposit's. */
NODISCARD enum journal_outcome hold_take(int64_t hold_id, const struct leg *taken,
                                         struct instant at, struct journal *ret_journal);

/* Credit that is free again settles its owner's debt first; JOURNAL_EMPTY where there is none, or
 * nothing free. */
NODISCARD enum journal_outcome hold_settle(int64_t hold_id, int64_t renter_id,
                                           const struct renter_funds *funds, struct instant at,
                                           struct journal *ret_journal);

#endif
