/* SPDX-License-Identifier: Apache-2.0 */
/* When a renter's debt is given up (money.md 1.10): what has been owed for 180 days and was not
 * paid since. Payments settle what is oldest, so of a debt that still grows only its old part goes.
 */

#ifndef BERTH_MARKET_DEBT_H
#define BERTH_MARKET_DEBT_H

#include "base/instant.h"
#include "base/money.h"

#define DEBT_PATIENCE_US (180 * 24 * US_PER_HOUR)
#define DEBT_PART_MIN    INT64_C(1000000000) /* $1: less than that of a debt that grows waits */

/* Of `owed` now, what is to be written off; `young` of all that was ever owed came within
 * DEBT_PATIENCE_US. Neither is negative. 0: nothing. */
struct money debt_given_up(struct money owed, struct money young);

#endif
