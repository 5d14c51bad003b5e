/* SPDX-License-Identifier: Apache-2.0 */
/* What was ever posted to the accounts of each code: for a trial balance. Hot accounts are summed
 * over all of their transfers, so this is not for every day. */

#ifndef BERTH_STORE_TRIAL_H
#define BERTH_STORE_TRIAL_H

#include "store/ledger.h"

/* `ret_sums` has a place for each row of the chart (ledger_chart()), in its order. */
NODISCARD bool trial_load(struct db *db, struct ledger_sums *ret_sums, struct error *err);

#endif
