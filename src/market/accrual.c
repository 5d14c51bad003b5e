/* SPDX-License-Identifier: Apache-2.0 */
#include "market/accrual.h"

#include <assert.h>

static bool is_within(numerator value)
{
    return value >= -ACCRUAL_MAX && value <= ACCRUAL_MAX;
}

/* Half of it: taking one such line off and adding another stays below 2^127. */
static numerator bounded(numerator value)
{
    const numerator most = ACCRUAL_MAX / 2;

    return value > most ? most : value < -most ? -most : value;
}

/* At most 1e19 a microsecond, times 2^63 of them: below 2^127, on either side. */
struct accrual accrual_of(const struct meter *meter, const struct instant *since)
{
    assert(meter_is_valid(meter));
    assert(meter->component == COMPONENT_GPU || meter->component == COMPONENT_DISK);
    numerator scale = meter->component == COMPONENT_GPU ? METER_GPU_SCALE : 1;
    numerator burn = since == NULL ? 0 : scale * meter->rate.nanodollars * meter->quantity;
    numerator base = bounded(scale * meter_unposted(meter));

    if (since != NULL)
        base = bounded(base - bounded(burn * since->microseconds));
    return (struct accrual){ burn, base };
}

bool accrual_move(struct accrual *sum, const struct accrual *more, const struct accrual *less)
{
    /* Three times 2^124 is below 2^127. */
    struct accrual moved = { sum->burn + more->burn - less->burn,
                             sum->base + more->base - less->base };

    if (!is_within(moved.burn) || !is_within(moved.base))
        return false;
    *sum = moved;
    return true;
}

bool accrual_equals(const struct accrual *a, const struct accrual *b)
{
    return a->burn == b->burn && a->base == b->base;
}
