/* SPDX-License-Identifier: Apache-2.0 */
#include "market/autopay.h"

#include <assert.h>

#include "market/billing.h"

enum { COLLECTION_HOUR = 9 };

static int64_t round_up(int64_t nanodollars)
{
    return (nanodollars + BILLING_CENT - 1) / BILLING_CENT * BILLING_CENT;
}

int64_t autopay_day(struct instant now)
{
    return (now.microseconds - COLLECTION_HOUR * US_PER_HOUR) / BILLING_DAY_US;
}

static int64_t wanted(const struct autopay *facts)
{
    int64_t debt = facts->debt.nanodollars, missing = 0;
    bool is_due = debt >= AUTOPAY_AT_ONCE ||
                  (debt >= AUTOPAY_MIN && autopay_day(facts->now) > facts->debt_day);

    if (facts->topup.nanodollars > 0 &&
        facts->available.nanodollars < facts->threshold.nanodollars) {
        missing = facts->threshold.nanodollars - facts->available.nanodollars;
        missing = missing > facts->topup.nanodollars ? missing : facts->topup.nanodollars;
    }
    /* What tops up pays the debt, too. */
    return missing > 0 ? missing : is_due ? debt : 0;
}

struct money autopay_amount(const struct autopay *facts)
{
    int64_t amount = round_up(wanted(facts));

    assert(facts->debt.nanodollars >= 0 && facts->lately.nanodollars >= 0);
    if (!facts->has_history) {
        int64_t left = AUTOPAY_DAY_MAX - facts->lately.nanodollars;

        left = left < AUTOPAY_CHARGE_MAX ? left : AUTOPAY_CHARGE_MAX;
        amount = amount < left ? amount : left;
    }
    return (struct money){ amount >= AUTOPAY_MIN ? amount : 0 };
}

struct instant autopay_next(int64_t tries, bool is_final, struct instant now)
{
    static const int64_t days[] = { 1, 3, 5, 7 };

    assert(tries >= 1);
    if (is_final || tries > (int64_t)(sizeof days / sizeof days[0]))
        return INSTANT_NEVER;
    return instant_add(now, days[tries - 1] * BILLING_DAY_US);
}
