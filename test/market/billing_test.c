/* SPDX-License-Identifier: Apache-2.0 */
#include "market/billing.h"

#include "check.h"

static void test_days_end_at_midnight_and_own_it(void **state)
{
    static const struct {
        int64_t at;
        const char *date, *end;
    } rows[] = {
        { 1, "1970-01-01", "1970-01-02" },
        { INT64_C(86400000000), "1970-01-01", "1970-01-03" },
        { INT64_C(86400000001), "1970-01-02", "1970-01-03" },
        { INT64_C(951782400000000), "2000-02-28", "2000-03-01" }, /* 2000-02-29 00:00 */
        { INT64_C(951868799999999), "2000-02-29", "2000-03-01" },
        { INT64_C(1795737600000000), "2026-11-26", "2026-11-28" }, /* a Friday, 00:00 */
        { INT64_C(4107542400000000), "2100-02-28", "2100-03-02" }, /* no leap year */
    };
    char text[BILLING_DATE_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct instant at = { rows[i].at }, end = billing_day_end(at);

        check_row("row %zu", i);
        CHECK_TEXT(billing_date_format(billing_day(at), text), rows[i].date);
        CHECK(instant_compare(end, at) > 0);
        CHECK_TEXT(billing_date_format(billing_day(instant_add(end, 1)), text), rows[i].end);
    }
}

static void test_weeks_are_cut_on_fridays(void **state)
{
    struct instant friday = { INT64_C(1795737600000000) };
    char text[BILLING_DATE_SIZE];

    (void)state;
    CHECK_TEXT(billing_date_format(billing_day(instant_add(friday, 1)), text), "2026-11-27");
    CHECK_INT(billing_cut(friday).microseconds, friday.microseconds);
    CHECK_INT(billing_cut(instant_add(friday, BILLING_WEEK_US - 1)).microseconds,
              friday.microseconds);
    CHECK_INT(billing_cut(instant_add(friday, -1)).microseconds,
              friday.microseconds - BILLING_WEEK_US);
}

/* Day by day for four hundred years, against counting. */
static void test_the_calendar_is_the_calendar(void **state)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int64_t day = 0;

    (void)state;
    for (int year = 1970; year < 2370; year++) {
        bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        for (int month = 1; month <= 12; month++) {
            int64_t number = (int64_t)year * 12 + month - 1;

            CHECK_INT(billing_month_start(number), day);
            for (int i = 1; i <= lengths[month - 1] + (month == 2 && is_leap); i++, day++) {
                struct billing_date date = billing_date(day);

                CHECK(date.year == year && date.month == month && date.day == i);
                CHECK_INT(billing_month(day), number);
            }
            CHECK_INT(billing_year_of_month(number), year);
        }
    }
}

static void test_months_are_read(void **state)
{
    static const char *const bad[] = { "",         "2026",    "2026-1",  "2026-13", "2026-00",
                                       "2026-11x", "1969-12", "20261-1", "2026/11", "-026-11" };
    int64_t month = -1;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check_row("%s", bad[i]);
        CHECK(!billing_month_parse(bad[i], &month));
        CHECK_INT(month, -1);
    }
    CHECK(billing_month_parse("2026-11", &month));
    CHECK_INT(month, 2026 * 12 + 10);
    CHECK(billing_month_parse("1970-01", &month));
    CHECK_INT(billing_month_start(month), 0);
}

static void test_payouts_are_whole_cents_from_the_minimum_on(void **state)
{
    static const struct {
        int64_t payable, minimum, payout;
    } rows[] = {
        { 9999999999, BILLING_PAYOUT_MIN, 0 },
        { 10000000000, BILLING_PAYOUT_MIN, 10000000000 },
        { 10009999999, BILLING_PAYOUT_MIN, 10000000000 },
        { 10010000000, BILLING_PAYOUT_MIN, 10010000000 },
        { 0, BILLING_PAYOUT_MIN, 0 },
        { 0, 0, 0 },
        { 9999999, 0, 0 },
        { INT64_MAX, BILLING_PAYOUT_MIN, 9223372036850000000 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK_INT(
            billing_payout((struct money){ rows[i].payable }, (struct money){ rows[i].minimum })
                .nanodollars,
            rows[i].payout);
    }
}

static void test_totals_round_half_up_to_cents(void **state)
{
    static const int64_t rows[][2] = {
        { 0, 0 },
        { 4999999, 0 },
        { 5000000, 10000000 },
        { 14999999, 10000000 },
        { -5000000, 0 },
        { -5000001, -10000000 },
        { -15000000, -10000000 },
        { INT64_MAX, 9223372036850000000 },
        { -INT64_MAX, -9223372036850000000 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK_INT(billing_round((struct money){ rows[i][0] }).nanodollars, rows[i][1]);
    }
}

static void test_downtime_is_worth_its_part_of_the_price(void **state)
{
    (void)state;
    struct money hour = { 360000000 };
    CHECK_INT(billing_downtime(hour, US_PER_HOUR, 5000).nanodollars, 180000000);
    CHECK_INT(billing_downtime(hour, US_PER_HOUR, 0).nanodollars, 0);
    CHECK_INT(billing_downtime(hour, 0, 5000).nanodollars, 0);
    CHECK_INT(billing_downtime(hour, US_PER_HOUR, 10000).nanodollars, 360000000);
    CHECK_INT(billing_downtime((struct money){ 10000 }, 719999, 5000).nanodollars, 0);
    CHECK_INT(billing_downtime((struct money){ 10000 }, 720000, 5000).nanodollars, 1);
    CHECK_INT(
        billing_downtime((struct money){ INT64_C(10000000000000) }, INT64_MAX, 10000).nanodollars,
        INT64_MAX);
}

static void test_what_was_before_1970_has_days_too(void **state)
{
    int64_t month;

    (void)state;
    CHECK_INT(billing_day((struct instant){ 1 }), 0);
    CHECK_INT(billing_day((struct instant){ 0 }), -1);
    CHECK_INT(billing_day((struct instant){ -BILLING_DAY_US + 1 }), -1);
    CHECK_INT(billing_day((struct instant){ -BILLING_DAY_US }), -2);
    CHECK(!billing_month_parse("2026-1x", &month));
    CHECK(!billing_month_parse("2026x11", &month));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_before_1970_has_days_too),
        cmocka_unit_test(test_days_end_at_midnight_and_own_it),
        cmocka_unit_test(test_weeks_are_cut_on_fridays),
        cmocka_unit_test(test_the_calendar_is_the_calendar),
        cmocka_unit_test(test_months_are_read),
        cmocka_unit_test(test_payouts_are_whole_cents_from_the_minimum_on),
        cmocka_unit_test(test_totals_round_half_up_to_cents),
        cmocka_unit_test(test_downtime_is_worth_its_part_of_the_price),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
