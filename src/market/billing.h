/* SPDX-License-Identifier: Apache-2.0 */
/* When bills are made, what is on them, and what is paid out (money.md 1.13).
 *
 * Everything is in UTC, where no day has 23 hours. A day ends at midnight and owns the charge that
 * is posted at that instant. A host's week ends on Friday at 00:00; what it earned until then is
 * invoiced once. Payouts are whole cents and at least the minimum: the rest stays for the next
 * week. */

#ifndef BERTH_MARKET_BILLING_H
#define BERTH_MARKET_BILLING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/instant.h"
#include "base/money.h"

#define BILLING_DAY_US  (24 * US_PER_HOUR)
#define BILLING_WEEK_US (7 * BILLING_DAY_US)

#define BILLING_CENT             INT64_C(10000000)
#define BILLING_PAYOUT_MIN       INT64_C(10000000000) /* $10 */
#define BILLING_PAID_WITHIN_US   (4 * BILLING_DAY_US) /* by Tuesday */
#define BILLING_DOWNTIME_BPS_MAX 10000

/* The day, counted from 1970-01-01, that a charge posted at `at` belongs to: at midnight the day
 * that ends there. */
int64_t billing_day(struct instant at);

/* 00:00 of a day; the next midnight after `at`, which is not itself one. */
struct instant billing_midnight(int64_t day);
struct instant billing_day_end(struct instant at);

/* The last cut, Friday 00:00, at or before `now`. */
struct instant billing_cut(struct instant now);

/* A month, counted from January of year 0: 2026-11 is 24322. */
int64_t billing_month(int64_t day);
int64_t billing_year_of_month(int64_t month);
int64_t billing_month_start(int64_t month); /* its first day */

/* What a day is called: year, month from 1, day from 1. */
struct billing_date {
    int year, month, day;
};
struct billing_date billing_date(int64_t day);

/* Room for "2026-11-27" with its NUL. */
enum { BILLING_DATE_SIZE = 32 };
char *billing_date_format(int64_t day, char text[static BILLING_DATE_SIZE]);

/* "2026-11" to a month. */
NODISCARD bool billing_month_parse(const char *text, int64_t *ret_month);

/* What to pay out of what a host is owed: whole cents, or zero below the minimum. */
struct money billing_payout(struct money payable, struct money minimum);

/* Rounded half up to cents, for a bill's total; and what the rounding adds. */
struct money billing_round(struct money amount);

/* What a host gives for downtime at an hourly price: basis points of it, rounded down. */
struct money billing_downtime(struct money gpu_hour, int64_t missed_us, int64_t bps);

#endif
