/* SPDX-License-Identifier: Apache-2.0 */
#include "market/refund.h"

#include <assert.h>

numerator refund_numerator(const struct refund *refund)
{
    assert(meter_rate_is_valid(refund->rate));
    assert(refund->quantity >= 0 && refund->quantity <= METER_QUANTITY_MAX && refund->used >= 0);
    return (numerator)refund->rate.nanodollars * refund->quantity * refund->used;
}

/* C rounds to zero; carries need the number below. */
static numerator floor_divide(numerator value, int64_t by)
{
    return value >= 0 ? value / by : -((-value + by - 1) / by);
}

enum refund_outcome refund_meter(const struct meter *meter, const struct refund *refund,
                                 struct meter *ret_next, struct meter_charge *ret_back)
{
    assert(meter_is_valid(meter));
    assert(meter->posted_total == meter->total);

    int64_t denominator = component_denominator(meter->component);
    numerator left = meter->remainder - refund_numerator(refund);
    numerator gross = floor_divide(left, denominator);
    if (meter->gross_posted.nanodollars + gross < 0)
        return REFUND_TOO_MUCH;

    /* Not below -2^63 now, times 10^4: it fits. */
    numerator share = gross * (FEE_BPS_MAX - meter->fee_bps) + meter->fee_remainder;
    numerator host = floor_divide(share, FEE_BPS_MAX);

    *ret_back = (struct meter_charge){
        .gross = { (int64_t)-gross },
        .host = { (int64_t)-host },
        .fee = { (int64_t)(host - gross) },
    };
    struct meter next = *meter;
    next.remainder = (int64_t)(left - gross * denominator);
    next.fee_remainder = (int64_t)(share - host * FEE_BPS_MAX);
    next.gross_posted.nanodollars += (int64_t)gross;
    next.host_posted.nanodollars += (int64_t)host;
    *ret_next = next;
    return REFUND_OK;
}
