/* SPDX-License-Identifier: Apache-2.0 */
/* The books at rest: journals, their transfers, and the balances that are kept beside them.
 *
 * market/journal.h makes a journal; posting it stores all of it or nothing. The key is what makes
 * it happen once: the same key with the same body has been posted before and changes nothing,
 * the same key with another body is an alarm. Posted rows never change; a correction is another
 * journal. The database itself refuses a balance beyond its account's limits (ERROR_CONFLICT).
 *
 * Accounts come into being when they are first posted to. Those that everybody posts to (flag S)
 * keep no balance: it is summed when somebody asks. */

#ifndef BERTH_STORE_LEDGER_H
#define BERTH_STORE_LEDGER_H

#include "market/journal.h"
#include "store/db.h"

enum ledger_outcome {
    LEDGER_POSTED,
    LEDGER_EXISTS,  /* posted before: nothing changed */
    LEDGER_DIFFERS, /* that key was posted before with another body: never retry, tell a person */
};

NODISCARD bool ledger_post(struct db *db, const struct journal *journal, struct instant now,
                           enum ledger_outcome *ret_outcome, struct error *err);

/* What a renter has, as posted, less what a hold sets aside. ERROR_CORRUPT where it cannot be. */
NODISCARD bool ledger_load_funds(struct db *db, int64_t renter_id, struct renter_funds *ret_funds,
                                 struct error *err);

/* All that was ever posted to an account, and what is pending on it by open holds (store/hold.h;
 * not on those that are summed on demand); zero where there is no such account. */
struct ledger_sums {
    struct money debits, credits;
    struct money held_debits, held_credits;
};
NODISCARD bool ledger_load_sums(struct db *db, struct ledger_key key, struct ledger_sums *ret_sums,
                                struct error *err);

/* What a host has earned and not been paid: accrued and payable. */
NODISCARD bool ledger_load_earnings(struct db *db, int64_t host_id, struct money *ret,
                                    struct error *err);

/* What of the balance no hold has set aside: never below zero where the account has a limit. */
struct money ledger_free(enum ledger_code code, const struct ledger_sums *sums);

/* The number of the newest journal; 0: none yet. Numbers rise and may skip some. */
NODISCARD bool ledger_newest(struct db *db, int64_t *ret_number, struct error *err);

/* A journal as it was posted, its legs in order; and when. */
NODISCARD bool ledger_load_journal(struct db *db, const char *key, struct journal *ret_journal,
                                   struct instant *ret_posted, bool *ret_has, struct error *err);

#endif
