/* SPDX-License-Identifier: Apache-2.0 */
/* The chart of accounts (money.md 1.2): which accounts there are and which way they may lean.
 *
 * A posting debits one account and credits another by the same amount, so the books balance by
 * construction. An account is named by a key: a code from the chart, whose it is, and, where one
 * owner has several, which. market/journal.h builds the postings; nothing here knows a balance. */

#ifndef BERTH_MARKET_LEDGER_H
#define BERTH_MARKET_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/money.h"

enum ledger_kind {
    LEDGER_ASSET,
    LEDGER_LIABILITY,
    LEDGER_CONTROL, /* passes through: nets to zero in every journal */
    LEDGER_INCOME,
    LEDGER_EXPENSE,
    LEDGER_EQUITY,
};

/* Stored in account.flags. */
enum ledger_flags {
    LEDGER_L = 1, /* debits may not exceed credits */
    LEDGER_A = 2, /* credits may not exceed debits */
    LEDGER_CLOSED = 4,
    LEDGER_S = 8, /* summed on demand: no cached balance */
};

enum ledger_code {
#define LEDGER_ACCOUNT(name, code, kind, flags, meaning) LEDGER_##name = (code),
#include "market/ledger_accounts.def"
#undef LEDGER_ACCOUNT
};

struct ledger_account {
    enum ledger_code code;
    const char *name; /* "RENTER_PREPAID" */
    enum ledger_kind kind;
    unsigned flags; /* of enum ledger_flags */
    const char *meaning;
};

struct ledger_key {
    enum ledger_code code;
    int64_t owner_id; /* user, provider or jurisdiction; 0: the house */
    int64_t sub_id;   /* dispute, payout or refund; 0: none */
};

/* Every row of the chart, by rising code. */
const struct ledger_account *ledger_chart(size_t *ret_count);

/* NULL for a code that is not in the chart. */
const struct ledger_account *ledger_account(int64_t code);

bool ledger_key_equals(struct ledger_key a, struct ledger_key b);

/* The balance as people read it: positive where the account is what its kind says (an asset
 * has debits, a liability has credits). */
struct money ledger_balance(enum ledger_kind kind, struct money debits, struct money credits);

/* Whether the sums of an account keep to its flags. */
bool ledger_is_within_limits(unsigned flags, struct money debits, struct money credits);

#endif
