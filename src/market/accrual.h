/* SPDX-License-Identifier: Apache-2.0 */
/* What meters run up by the clock, as one line: what has not been posted at an instant is
 * burn * instant + base, in nanodollars times METER_DISK_DENOMINATOR.
 *
 * Lines add up, and what was added can be taken off again, exactly: these are whole numbers. So the
 * line of a renter with a thousand instances changes with one of them without a look at the others,
 * and is what anew summing up all of them would give. Traffic does not run by the clock, and is in
 * none. */

#ifndef BERTH_MARKET_ACCRUAL_H
#define BERTH_MARKET_ACCRUAL_H

#include <stdbool.h>

#include "base/instant.h"
#include "market/meter.h"

/* Each of the two stays within it, on either side: a thousand instances at every limit and more. */
#define ACCRUAL_MAX ((numerator)1 << 124)

struct accrual {
    numerator burn; /* per microsecond */
    numerator base;
};

/* Of one meter, of GPU time or disk. `since`: the instant at which the meter's total was true and
 * since which it runs; NULL: it stands still. */
struct accrual accrual_of(const struct meter *meter, const struct instant *since);

/* `sum` with one line more, and one less. False where that is past the limits, and `sum` is left
 * alone. */
NODISCARD bool accrual_move(struct accrual *sum, const struct accrual *more,
                            const struct accrual *less);

bool accrual_equals(const struct accrual *a, const struct accrual *b);

#endif
