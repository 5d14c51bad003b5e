/* SPDX-License-Identifier: Apache-2.0 */
/* Every account, beside what its transfers and its holds add up to: I-1, I-2, I-4, I-18 and I-20.
 * Inside src/flow/check*.c only. */

#ifndef BERTH_FLOW_CHECK_ACCOUNTS_H
#define BERTH_FLOW_CHECK_ACCOUNTS_H

#include "flow/check_feed.h"
#include "flow/check_run.h"
#include "market/journal.h"

struct check_accounts;

/* As they are kept; for check_accounts_release(). `run` stays. */
NODISCARD bool check_accounts_load(struct check_run *run, struct check_accounts **ret,
                                   struct error *err);
void check_accounts_release(struct check_accounts **accounts);

/* Add a transfer to both of its sides, and say who they are: code 0 where there is no such account,
 * which is a finding. */
struct leg check_accounts_add(struct check_accounts *accounts, const struct check_leg *leg);

/* What is kept beside what was added up of it, and the balance of them all. */
NODISCARD bool check_accounts_compare(struct check_accounts *accounts, struct error *err);

#endif
