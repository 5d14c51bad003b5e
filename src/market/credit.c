/* SPDX-License-Identifier: Apache-2.0 */
#include "market/credit.h"

#include <assert.h>

/* A hundred years: beyond it, credit that lasts is credit that never ends. */
#define HORIZON_US (INT64_C(100) * 365 * 24 * US_PER_HOUR)

#define E18 ((numerator)INT64_C(1000000000000000000))

/* More than a thousand contracts at every limit, and small enough that a hundred years of the
 * burn and all that was accrued before fit together: 1e22 * 3.2e15 + 1e37 is below 2^127. */
#define BURN_MAX    (E18 * 10000)
#define ACCRUED_MAX (E18 * E18 * 10)

static numerator numerator_min(numerator a, numerator b)
{
    return a < b ? a : b;
}

static struct money money_of(numerator nanodollars)
{
    if (nanodollars > INT64_MAX)
        return (struct money){ INT64_MAX };
    if (nanodollars < -INT64_MAX)
        return (struct money){ -INT64_MAX };
    return (struct money){ (int64_t)nanodollars };
}

struct credit credit_open(struct money posted, struct money limit, struct instant as_of)
{
    assert(limit.nanodollars >= 0);
    return (struct credit){ .posted = posted, .floor = { -limit.nanodollars }, .as_of = as_of };
}

void credit_add(struct credit *credit, const struct meter *meter, const struct instant *since)
{
    assert(meter_is_valid(meter));
    if (meter->component == COMPONENT_UP || meter->component == COMPONENT_DOWN) {
        numerator due = meter_unposted(meter) / METER_TRAFFIC_DENOMINATOR;

        credit->posted = money_of(credit->posted.nanodollars - numerator_min(due, INT64_MAX));
        return;
    }

    numerator scale = meter->component == COMPONENT_GPU ? METER_GPU_SCALE : 1;
    numerator burn = since == NULL ? 0 : scale * meter->rate.nanodollars * meter->quantity;
    numerator accrued = numerator_min(scale * meter_unposted(meter), ACCRUED_MAX);
    if (since != NULL) {
        int64_t elapsed_us = instant_until(*since, credit->as_of);

        assert(elapsed_us >= 0);
        accrued += burn * numerator_min(elapsed_us, HORIZON_US);
    }
    credit->accrued = numerator_min(credit->accrued + accrued, ACCRUED_MAX);
    credit->burn = numerator_min(credit->burn + burn, BURN_MAX);
}

struct credit credit_from(const struct credit *credit, struct instant at)
{
    struct credit moved = *credit;
    int64_t elapsed_us = instant_until(credit->as_of, at);

    assert(elapsed_us >= 0);
    moved.as_of = at;
    moved.accrued = numerator_min(
        moved.accrued + moved.burn * numerator_min(elapsed_us, HORIZON_US), ACCRUED_MAX);
    return moved;
}

void credit_add_accrual(struct credit *credit, const struct accrual *accrual)
{
    numerator burn = numerator_min(accrual->burn, BURN_MAX);
    numerator accrued = accrual->base + burn * credit->as_of.microseconds;

    credit->accrued =
        numerator_min(credit->accrued + numerator_min(accrued, ACCRUED_MAX), ACCRUED_MAX);
    credit->burn = numerator_min(credit->burn + burn, BURN_MAX);
}

void credit_add_starting(struct credit *credit, struct money hour)
{
    assert(hour.nanodollars >= 0);
    credit->burn =
        numerator_min(credit->burn + METER_GPU_SCALE * (numerator)hour.nanodollars, BURN_MAX);
}

struct money credit_available(const struct credit *credit, struct instant at)
{
    int64_t elapsed_us = instant_until(credit->as_of, at);

    assert(elapsed_us >= 0);
    numerator accrued = credit->accrued + credit->burn * numerator_min(elapsed_us, HORIZON_US);
    return money_of(credit->posted.nanodollars - accrued / METER_DISK_DENOMINATOR);
}

bool credit_zero(const struct credit *credit, struct instant *ret_zero)
{
    numerator above = (numerator)credit->posted.nanodollars - credit->floor.nanodollars;
    numerator left = above * METER_DISK_DENOMINATOR - credit->accrued;

    if (left <= 0) {
        *ret_zero = credit->as_of;
        return true;
    }
    if (credit->burn == 0)
        return false;

    /* Rounded up: the first microsecond by whose end nothing is left. */
    numerator lasts_us = (left + credit->burn - 1) / credit->burn;
    if (lasts_us > HORIZON_US)
        return false;
    *ret_zero = instant_add(credit->as_of, (int64_t)lasts_us);
    return true;
}

int64_t credit_stop_after_ms(const struct credit *credit, struct instant now)
{
    struct instant zero;

    if (!credit_zero(credit, &zero))
        return -1;

    int64_t left_us = instant_until(now, zero);
    return left_us > 0 ? left_us / US_PER_MS : 0;
}

int64_t credit_affords_us(const struct credit *credit, struct money rate)
{
    numerator above = (numerator)credit->posted.nanodollars - credit->floor.nanodollars;
    numerator left = above * METER_DISK_DENOMINATOR - credit->accrued;
    numerator burn = rate.nanodollars * (numerator)METER_GPU_SCALE;

    assert(meter_rate_is_valid(rate));
    if (left <= 0)
        return 0;
    if (burn == 0 || left / burn > INT64_MAX)
        return INT64_MAX;
    return (int64_t)(left / burn);
}

struct money credit_hour(const struct credit *credit)
{
    return money_of((credit->burn + METER_GPU_SCALE - 1) / METER_GPU_SCALE);
}

bool credit_admits(const struct credit *credit)
{
    struct money available = credit_available(credit, credit->as_of);
    struct money hour = credit_hour(credit);
    numerator above = (numerator)available.nanodollars - credit->floor.nanodollars;

    return above >= CREDIT_RENTAL_MIN && above >= hour.nanodollars;
}
