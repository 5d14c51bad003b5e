/* SPDX-License-Identifier: Apache-2.0 */
/* A renter's money as it stands: what is posted, what has accrued since, and when it ends. Inside
 * src/flow/: all of it is part of some flow's transaction. */

#ifndef BERTH_FLOW_FUNDS_H
#define BERTH_FLOW_FUNDS_H

#include "base/arena.h"
#include "market/credit.h"
#include "market/journal.h"
#include "market/warning.h"
#include "store/db.h"
#include "store/user.h"

/* Give promo credit, once for that key (which was used for the same before: no change). */
NODISCARD bool funds_grant(struct db *db, int64_t user_id, struct money amount, const char *key,
                           struct instant now, struct error *err);

/* Bought credit that reached the bank, once for that ticket; whether or not it was expected. */
NODISCARD bool funds_deposit(struct db *db, int64_t user_id, struct money amount,
                             const char *ticket, struct instant now, struct error *err);

/* What a provider has taken in for us: `credit` whole, its key once. */
NODISCARD bool funds_paid(struct db *db, const struct journal_credit *credit, struct error *err);

/* Money that was sent and has not arrived: told as pending until it does, or until `until`. */
struct funds_expected {
    int64_t user_id;
    struct money amount;
    const char *ticket, *note;
    struct instant until;

    bool is_new;     /* an output: else it was announced, or has arrived, before */
    int64_t hold_id; /* an output: 0 where it has arrived unannounced */
};
NODISCARD bool funds_expect(struct db *db, struct funds_expected *expected, struct instant now,
                            struct error *err);

/* The account's credit as a line from `now` on: every meter of every instance that exists, running
 * where it is charged. Reads only. */
NODISCARD bool funds_credit(struct db *db, const struct user_row *user, struct instant now,
                            struct arena *arena, struct credit *ret, struct error *err);

/* The same from the line that is kept (flow/accrued.h), whatever there is of it: for flows that
 * come with every change. It leaves out bytes that wait to be posted, and takes for running what
 * nobody has noticed to be out of contact. Reads only. */
NODISCARD bool funds_credit_kept(struct db *db, const struct user_row *user, struct instant now,
                                 struct arena *arena, struct credit *ret, struct error *err);

/* How much the account may burn in an hour; 0: any. `first`: of a new one. */
NODISCARD bool funds_spend_cap(struct db *db, const struct user_row *user, struct money first,
                               struct instant now, struct money *ret, struct error *err);

/* When the account's credit ends, at the present burn: INSTANT_NEVER, an instant ahead, or, where
 * it has ended, the instant at which it did. Reads only. */
NODISCARD bool funds_zero(struct db *db, const struct user_row *user, struct instant now,
                          struct arena *arena, struct instant *ret_zero, struct error *err);

/* The amount below which the account wants to be warned, beside its credit. Reads only. */
NODISCARD bool funds_low(struct db *db, const struct user_row *user, struct instant now,
                         struct arena *arena, struct warning_low *ret, struct error *err);

/* Wake the agents that stop its instances by themselves when credit ends. */
NODISCARD bool funds_tell_hosts(struct db *db, int64_t user_id, struct arena *arena,
                                struct error *err);

/* Work out anew when the account's credit ends, and store it; wake the agents whose instances it
 * concerns only through their own flows. To be called after everything that changes a balance
 * or a burn. By the line that is kept; */
NODISCARD bool funds_set_t_zero(struct db *db, int64_t user_id, struct instant now,
                                struct error *err);
/* and by summing up everything anew: where an end that had come is not one. */
NODISCARD bool funds_set_t_zero_summed(struct db *db, int64_t user_id, struct instant now,
                                       struct error *err);

#endif
