/* SPDX-License-Identifier: Apache-2.0 */
#include "market/schedule.h"

#include <time.h>

#include "check.h"

#define HOUR_US (3600 * US_PER_SECOND)

static struct instant at(int64_t seconds)
{
    return (struct instant){ seconds * US_PER_SECOND };
}

static void test_the_next_hour_that_fits(void **state)
{
    enum { NEVER = -1 };
    /* 1796083200 is Tuesday 2026-12-01 00:00 UTC. */
    static const struct {
        int64_t day, hour, start, end, after, want;
    } rows[] = {
        { -1, -1, 0, 1900000000, 1796083200, 1796086800 },
        { -1, -1, 0, 1900000000, 1796083199, 1796083200 },
        { -1, 3, 0, 1900000000, 1796083200, 1796094000 },
        { -1, 0, 0, 1900000000, 1796083200, 1796169600 },
        { 2, 0, 0, 1900000000, 1796083200, 1796688000 },
        { 2, 5, 0, 1900000000, 1796083200, 1796101200 },
        { 1, 23, 0, 1900000000, 1796083200, 1796684400 },
        { 0, 0, 0, 1900000000, 1796083200, 1796515200 },
        { -1, -1, 1796086800, 1900000000, 0, 1796086800 },
        { -1, -1, 1796086801, 1900000000, 0, 1796090400 },
        { -1, -1, 0, 1796086800, 1796083200, NEVER },
        { -1, -1, 0, 1796086801, 1796083200, 1796086800 },
        { 2, 0, 0, 1796688000, 1796083200, NEVER },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct schedule schedule = { rows[i].day, rows[i].hour, at(rows[i].start),
                                     at(rows[i].end) };

        check_row("row %zu", i);
        struct instant next = schedule_next(&schedule, at(rows[i].after));
        if (rows[i].want == NEVER)
            CHECK_INT(next.microseconds, INSTANT_NEVER.microseconds);
        else
            CHECK_INT(next.microseconds, at(rows[i].want).microseconds);
    }
}

/* Whatever is asked: the answer fits by the C library's calendar, and nothing between does. */
static void test_no_hour_is_passed_over(void **state)
{
    (void)state;
    for (int round = 0; round < 500; round++) {
        int64_t begin = (int64_t)check_random(4000000000);
        struct schedule schedule = { (int64_t)check_random(8) - 1, (int64_t)check_random(25) - 1,
                                     at(0), at(begin + 4000000) };
        struct instant next = schedule_next(&schedule, at(begin));
        int64_t last = next.microseconds / HOUR_US;

        check_row("round %d", round);
        CHECK(next.microseconds > at(begin).microseconds && next.microseconds % HOUR_US == 0);
        for (int64_t hour = begin / 3600 + 1; hour <= last; hour++) {
            time_t seconds = hour * 3600;
            struct tm tm;

            (void)gmtime_r(&seconds, &tm);
            bool fits = (schedule.day < 0 || schedule.day == tm.tm_wday) &&
                        (schedule.hour < 0 || schedule.hour == tm.tm_hour);
            CHECK(fits == (hour == last));
        }
    }
}

static void test_only_days_and_hours_that_are_there(void **state)
{
    static const struct {
        int64_t day, hour, start, end;
        bool is_valid;
    } rows[] = {
        { -1, -1, 0, 1, true }, { 6, 23, 0, 1, true },  { 7, 0, 0, 1, false },
        { -2, 0, 0, 1, false }, { 0, 24, 0, 1, false }, { 0, -2, 0, 1, false },
        { 0, 0, 1, 1, false },  { 0, 0, -1, 1, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct schedule schedule = { rows[i].day, rows[i].hour, at(rows[i].start),
                                     at(rows[i].end) };

        check_row("row %zu", i);
        CHECK(schedule_is_valid(&schedule) == rows[i].is_valid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_next_hour_that_fits),
        cmocka_unit_test(test_no_hour_is_passed_over),
        cmocka_unit_test(test_only_days_and_hours_that_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
