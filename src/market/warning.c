/* SPDX-License-Identifier: Apache-2.0 */
#include "market/warning.h"

#include <assert.h>

static const struct {
    int64_t before_us;
    const char *left;
} levels[WARNING_COUNT] = {
    { 24 * US_PER_HOUR, "24 h" },
    { 6 * US_PER_HOUR, "6 h" },
    { 1 * US_PER_HOUR, "1 h" },
};

static int64_t bit(int level)
{
    return INT64_C(1) << level;
}

/* When the first of those not told of is due. */
static struct instant next_due(int64_t warned, struct instant t_zero)
{
    for (int i = 0; i < WARNING_COUNT; i++)
        if ((warned & bit(i)) == 0 && t_zero.microseconds < INSTANT_NEVER.microseconds)
            return instant_add(t_zero, -levels[i].before_us);
    return INSTANT_NEVER;
}

struct warning_state warning_plan(int64_t warned, struct instant t_zero, struct instant now)
{
    int64_t left_us = instant_until(now, t_zero);

    for (int i = 0; i < WARNING_COUNT; i++)
        if (left_us > levels[i].before_us / 4 * 5)
            warned &= ~bit(i);
    return (struct warning_state){ warned, next_due(warned, t_zero) };
}

int warning_due(int64_t warned, struct instant t_zero, struct instant now,
                struct warning_state *ret_state)
{
    int64_t left_us = instant_until(now, t_zero);
    int due = -1;

    for (int i = 0; i < WARNING_COUNT; i++) {
        if (left_us > levels[i].before_us)
            break;
        due = (warned & bit(i)) == 0 ? i : due;
        warned |= bit(i);
    }
    *ret_state = (struct warning_state){ warned, next_due(warned, t_zero) };
    return due;
}

struct warning_low warning_low(const struct credit *credit, struct money amount)
{
    numerator available = credit_available(credit, credit->as_of).nanodollars;
    struct warning_low low = { .is_on = true,
                               .is_left = 4 * available > 5 * (numerator)amount.nanodollars };
    struct credit down = *credit;

    down.floor = amount;
    if (!credit_zero(&down, &low.at))
        low.at = INSTANT_NEVER;
    return low;
}

struct warning_state warning_plan_low(struct warning_state state, const struct warning_low *low)
{
    if (!low->is_on || low->is_left)
        state.warned &= ~bit(WARNING_LOW);
    if (low->is_on && (state.warned & bit(WARNING_LOW)) == 0 &&
        instant_compare(low->at, state.next) < 0)
        state.next = low->at;
    return state;
}

bool warning_low_due(struct warning_state *state, const struct warning_low *low, struct instant now)
{
    struct warning_state planned = warning_plan_low(*state, low);

    if (!low->is_on || (planned.warned & bit(WARNING_LOW)) != 0 ||
        instant_compare(low->at, now) > 0) {
        *state = planned;
        return false;
    }
    state->warned |= bit(WARNING_LOW);
    return true;
}

const char *warning_left(int level)
{
    assert(level >= 0 && level < WARNING_COUNT);
    return levels[level].left;
}

int64_t warning_lead_us(int level)
{
    assert(level >= 0 && level < WARNING_COUNT);
    return levels[level].before_us;
}

struct money warning_spend_cap(struct money set, struct money first, int64_t age_us,
                               struct money paid)
{
    int64_t days = age_us > 0 ? age_us / (24 * US_PER_HOUR) : 0;
    struct money by_age = { days * NANODOLLARS_PER_DOLLAR };
    struct money by_payments = { paid.nanodollars > 0 ? paid.nanodollars / 10 : 0 };

    if (set.nanodollars > 0 || first.nanodollars == 0)
        return set;
    if (!money_add(first, by_age, &first) || !money_add(first, by_payments, &first))
        return (struct money){ INT64_MAX };
    return first;
}
