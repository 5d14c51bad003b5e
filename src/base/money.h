/* SPDX-License-Identifier: Apache-2.0 */
/* Exact money, and the rates that turn usage into it.
 *
 * An amount is a whole number of nanodollars, so adding is exact: there is no
 * float in Berth's money, anywhere. It is a struct so that the compiler, not the
 * reader, keeps dollars apart from bytes and seconds.
 *
 * 64 bits hold nine billion dollars either way. INT64_MIN is not an amount:
 * without it every amount has a negative, and a debit always has its credit. */

#ifndef BERTH_BASE_MONEY_H
#define BERTH_BASE_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

#define NANODOLLARS_PER_DOLLAR INT64_C(1000000000)

struct money {
    int64_t nanodollars;
};

/* Room for any amount as text, with its NUL. */
enum { MONEY_TEXT_SIZE = sizeof "-9223372036.854775807" };

/* Sum and difference. False, leaving the output alone, where 64 bits are too few. */
NODISCARD bool money_add(struct money a, struct money b, struct money *ret_sum);
NODISCARD bool money_subtract(struct money a, struct money b, struct money *ret_difference);

/* Less than, equal to or greater than zero, as `a` is to `b`. */
int money_compare(struct money a, struct money b);

/* Read dollars such as "0.35", "12" or "-1.000000001". Takes nothing else: no
 * blanks, no exponent, no currency sign, and no digit past a nanodollar. */
NODISCARD bool money_parse(const char *text, struct money *ret_amount, struct error *err);

/* Write dollars with two decimals, or as many more as the amount needs.
 * Returns `text`. money_parse() gives the same amount back. */
char *money_format(struct money amount, char text[static MONEY_TEXT_SIZE]);

/* A price for a quantity: `price` buys `per` units, whatever the unit is.
 * $0.35 an hour, metered in milliseconds, is { $0.35, 3600000 }. */
struct rate {
    struct money price; /* never negative */
    uint64_t per;       /* never zero */
};

bool rate_is_valid(struct rate rate);

/* What `quantity` units cost, rounded down to a nanodollar. False, leaving
 * `*ret_cost` alone, where the cost is too large for money.
 *
 * Cost totals, not slices: two slices round down twice. market/meter.h shows how. */
NODISCARD bool rate_cost(struct rate rate, uint64_t quantity, struct money *ret_cost);

#endif
