/* SPDX-License-Identifier: Apache-2.0 */
#include "base/instant.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define US_PER_DAY (24 * US_PER_HOUR)

/* 0001-01-01T00:00:00Z and the last microsecond of the year 9999. */
#define FORMAT_MIN INT64_C(-62135596800000000)
#define FORMAT_MAX INT64_C(253402300799999999)

int instant_compare(struct instant a, struct instant b)
{
    return (a.microseconds > b.microseconds) - (a.microseconds < b.microseconds);
}

struct instant instant_max(struct instant a, struct instant b)
{
    return instant_compare(a, b) < 0 ? b : a;
}

struct instant instant_add(struct instant instant, int64_t duration_us)
{
    int64_t sum;

    if (__builtin_add_overflow(instant.microseconds, duration_us, &sum))
        sum = duration_us < 0 ? INT64_MIN : INT64_MAX;
    return (struct instant){ sum };
}

int64_t instant_until(struct instant from, struct instant to)
{
    int64_t duration_us;

    if (__builtin_sub_overflow(to.microseconds, from.microseconds, &duration_us))
        duration_us = instant_compare(from, to) < 0 ? INT64_MAX : INT64_MIN;
    return duration_us;
}

struct date {
    int64_t year;
    int month, day;
};

/* Years are taken to begin in March, so that the leap day is the last of its year, and days are
 * counted from 0000-03-01, where an era of 400 years begins. */
static struct date date_of(int64_t days_since_1970)
{
    int64_t days = days_since_1970 + 719468;
    int64_t era = days / 146097;
    int64_t day_of_era = days % 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */

    assert(days >= 0);
    return (struct date){
        .year = era * 400 + year_of_era + (month >= 10 ? 1 : 0),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
    };
}

char *instant_format(struct instant instant, char text[static INSTANT_TEXT_SIZE])
{
    int64_t microseconds = instant.microseconds;

    if (microseconds < FORMAT_MIN)
        microseconds = FORMAT_MIN;
    if (microseconds > FORMAT_MAX)
        microseconds = FORMAT_MAX;

    int64_t us_of_day = (microseconds % US_PER_DAY + US_PER_DAY) % US_PER_DAY;
    struct date date = date_of((microseconds - us_of_day) / US_PER_DAY);
    int64_t second = us_of_day / US_PER_SECOND;
    int length =
        snprintf(text, INSTANT_TEXT_SIZE,
                 "%04" PRId64 "-%02d-%02dT%02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%06" PRId64 "Z",
                 date.year, date.month, date.day, second / 3600, second / 60 % 60, second % 60,
                 us_of_day % US_PER_SECOND);

    assert(length == INSTANT_TEXT_SIZE - 1);
    return text;
}
