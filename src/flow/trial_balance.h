/* SPDX-License-Identifier: Apache-2.0 */
/* The trial balance: what every kind of account comes to, and whether all of it together is
 * nothing (money.md 1.14, I-20). */

#ifndef BERTH_FLOW_TRIAL_BALANCE_H
#define BERTH_FLOW_TRIAL_BALANCE_H

#include "flow/flow.h"
#include "market/ledger.h"

enum { TRIAL_LINES_MAX = 64 };

struct trial_line {
    const struct ledger_account *account;
    struct money debits, credits;
    struct money balance; /* as ledger_balance() reads it */
};

struct trial_balance {
    size_t line_count; /* accounts that were posted to, by code */
    struct trial_line lines[TRIAL_LINES_MAX];
    struct money assets, liabilities, equity, income, expenses;
    bool is_balanced; /* assets - liabilities = equity + income - expenses */
};

/* Reads one moment. ERROR_OUT_OF_RANGE where money cannot hold a sum. */
NODISCARD bool flow_trial_balance(const struct flow *flow, struct trial_balance *ret,
                                  struct error *err);

#endif
