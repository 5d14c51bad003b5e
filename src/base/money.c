/* SPDX-License-Identifier: Apache-2.0 */
#include "base/money.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

__extension__ typedef unsigned __int128 uint128;

enum { DECIMALS_MIN = 2, DECIMALS_MAX = 9 };

static_assert(NANODOLLARS_PER_DOLLAR == 1000000000, "DECIMALS_MAX is how many zeros it has");

bool money_add(struct money a, struct money b, struct money *ret_sum)
{
    int64_t sum;

    if (__builtin_add_overflow(a.nanodollars, b.nanodollars, &sum) || sum == INT64_MIN)
        return false;

    *ret_sum = (struct money){ sum };
    return true;
}

bool money_subtract(struct money a, struct money b, struct money *ret_difference)
{
    assert(b.nanodollars != INT64_MIN);
    return money_add(a, (struct money){ -b.nanodollars }, ret_difference);
}

int money_compare(struct money a, struct money b)
{
    return (a.nanodollars > b.nanodollars) - (a.nanodollars < b.nanodollars);
}

/* Write `count` digits behind `*value`. False where the result passes INT64_MAX. */
static bool append_digits(int64_t *value, const char *digits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (__builtin_mul_overflow(*value, 10, value))
            return false;
        if (__builtin_add_overflow(*value, digits[i] - '0', value))
            return false;
    }
    return true;
}

bool money_parse(const char *text, struct money *ret_amount, struct error *err)
{
    /* The shape first: -WHOLE.DECIMALS, of which only WHOLE must be there. */
    bool is_negative = text[0] == '-';
    const char *whole = text + (is_negative ? 1 : 0);
    size_t whole_count = strspn(whole, "0123456789");
    bool has_point = whole[whole_count] == '.';
    const char *decimals = whole + whole_count + (has_point ? 1 : 0);
    size_t decimal_count = strspn(decimals, "0123456789");

    if (whole_count == 0 || (decimal_count > 0) != has_point || decimals[decimal_count] != '\0')
        return error_set(err, ERROR_INVALID, "'%.32s' is not an amount in dollars", text);
    if (decimal_count > DECIMALS_MAX)
        return error_set(err, ERROR_INVALID, "'%.32s' divides a nanodollar", text);

    /* Then the size: all the digits as one number, filled up to a nanodollar. */
    int64_t nanodollars = 0;
    if (!append_digits(&nanodollars, whole, whole_count) ||
        !append_digits(&nanodollars, decimals, decimal_count) ||
        !append_digits(&nanodollars, "000000000", DECIMALS_MAX - decimal_count))
        return error_set(err, ERROR_OUT_OF_RANGE, "'%.32s' is more than money can be", text);

    *ret_amount = (struct money){ is_negative ? -nanodollars : nanodollars };
    return true;
}

char *money_format(struct money amount, char text[static MONEY_TEXT_SIZE])
{
    assert(amount.nanodollars != INT64_MIN);

    bool is_negative = amount.nanodollars < 0;
    int64_t magnitude = is_negative ? -amount.nanodollars : amount.nanodollars;
    int length = snprintf(text, MONEY_TEXT_SIZE, "%s%" PRId64 ".%0*" PRId64, is_negative ? "-" : "",
                          magnitude / NANODOLLARS_PER_DOLLAR, DECIMALS_MAX,
                          magnitude % NANODOLLARS_PER_DOLLAR);

    assert(length > 0 && length < MONEY_TEXT_SIZE);
    for (int spare = DECIMALS_MAX - DECIMALS_MIN; spare > 0 && text[length - 1] == '0'; spare--)
        text[--length] = '\0';
    return text;
}

bool rate_is_valid(struct rate rate)
{
    return rate.price.nanodollars >= 0 && rate.per > 0;
}

bool rate_cost(struct rate rate, uint64_t quantity, struct money *ret_cost)
{
    assert(rate_is_valid(rate));

    /* Below 2^63 times below 2^64: the product always fits in 128 bits. */
    uint128 cost = (uint128)rate.price.nanodollars * quantity / rate.per;
    if (cost > INT64_MAX)
        return false;

    *ret_cost = (struct money){ (int64_t)cost };
    return true;
}
