/* SPDX-License-Identifier: Apache-2.0 */
#include "market/billing.h"

#include <assert.h>
#include <stdio.h>

#include "market/meter.h"

/* 1970-01-01 was a Thursday, so day 1 was a Friday. */
#define FIRST_FRIDAY_US BILLING_DAY_US

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value >= 0 ? value / by : -((-(value + 1)) / by) - 1;
}

int64_t billing_day(struct instant at)
{
    return floor_divide(at.microseconds - 1, BILLING_DAY_US);
}

struct instant billing_midnight(int64_t day)
{
    return (struct instant){ day * BILLING_DAY_US };
}

struct instant billing_day_end(struct instant at)
{
    return billing_midnight(floor_divide(at.microseconds, BILLING_DAY_US) + 1);
}

struct instant billing_cut(struct instant now)
{
    int64_t weeks = floor_divide(now.microseconds - FIRST_FRIDAY_US, BILLING_WEEK_US);

    return (struct instant){ weeks * BILLING_WEEK_US + FIRST_FRIDAY_US };
}

/* Years that begin in March keep February's last day at their end, and months in groups of 153
 * days; 146,097 days are 400 years. */
struct billing_date billing_date(int64_t day)
{
    int64_t shifted = day + 719468;
    int64_t era = floor_divide(shifted, 146097), of_era = shifted - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t march_month = (5 * of_year + 2) / 153;
    int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;

    return (struct billing_date){ .year = (int)(year + era * 400 + (month <= 2)),
                                  .month = (int)month,
                                  .day = (int)(of_year - (153 * march_month + 2) / 5 + 1) };
}

int64_t billing_month(int64_t day)
{
    struct billing_date date = billing_date(day);

    return (int64_t)date.year * 12 + date.month - 1;
}

int64_t billing_year_of_month(int64_t month)
{
    return floor_divide(month, 12);
}

int64_t billing_month_start(int64_t month)
{
    int64_t year = floor_divide(month, 12), of_year = month - year * 12;
    int64_t march_year = of_year < 2 ? year - 1 : year;
    int64_t march_month = of_year < 2 ? of_year + 10 : of_year - 2;
    int64_t era = floor_divide(march_year, 400), of_era = march_year - era * 400;
    int64_t days = of_era * 365 + of_era / 4 - of_era / 100 + (153 * march_month + 2) / 5;

    return era * 146097 + days - 719468;
}

char *billing_date_format(int64_t day, char text[static BILLING_DATE_SIZE])
{
    struct billing_date date = billing_date(day);
    int length =
        snprintf(text, BILLING_DATE_SIZE, "%04d-%02d-%02d", date.year, date.month, date.day);

    assert(length > 0 && length < BILLING_DATE_SIZE);
    return text;
}

bool billing_month_parse(const char *text, int64_t *ret_month)
{
    int digits[6], count = 0;

    for (int i = 0; i < 7; i++) {
        if (i == 4 && text[i] == '-')
            continue;
        if (i == 4 || text[i] < '0' || text[i] > '9')
            return false;
        digits[count++] = text[i] - '0';
    }
    int year = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3];
    int month = digits[4] * 10 + digits[5];
    if (text[7] != '\0' || year < 1970 || month < 1 || month > 12)
        return false;
    *ret_month = (int64_t)year * 12 + month - 1;
    return true;
}

struct money billing_payout(struct money payable, struct money minimum)
{
    int64_t cents = payable.nanodollars / BILLING_CENT;

    assert(payable.nanodollars >= 0 && minimum.nanodollars >= 0);
    if (money_compare(payable, minimum) < 0)
        return (struct money){ 0 };
    return (struct money){ cents * BILLING_CENT };
}

struct money billing_round(struct money amount)
{
    numerator cents =
        ((numerator)amount.nanodollars + BILLING_CENT / 2 + (numerator)INT64_MAX * BILLING_CENT) /
            BILLING_CENT -
        INT64_MAX;

    /* The largest amount is less than half a cent above a whole one, so all of them fit. */
    static_assert(INT64_MAX % BILLING_CENT < BILLING_CENT / 2, "it would round up");
    return (struct money){ (int64_t)(cents * BILLING_CENT) };
}

struct money billing_downtime(struct money gpu_hour, int64_t missed_us, int64_t bps)
{
    assert(meter_rate_is_valid(gpu_hour) && missed_us >= 0);
    assert(bps >= 0 && bps <= BILLING_DOWNTIME_BPS_MAX);

    numerator worth = (numerator)gpu_hour.nanodollars * missed_us / METER_GPU_DENOMINATOR;
    worth = worth * bps / BILLING_DOWNTIME_BPS_MAX;
    return (struct money){ worth > INT64_MAX ? INT64_MAX : (int64_t)worth };
}
