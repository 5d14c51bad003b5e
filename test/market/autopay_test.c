/* SPDX-License-Identifier: Apache-2.0 */
#include "market/autopay.h"

#include "check.h"
#include "market/billing.h"

#define DOLLARS(n) ((struct money){ (n)*NANODOLLARS_PER_DOLLAR })
#define DAY        INT64_C(20000)

static struct instant at(int64_t day, int64_t hour)
{
    return (struct instant){ day * BILLING_DAY_US + hour * US_PER_HOUR };
}

static void test_debts_are_collected_daily_and_large_ones_at_once(void **state)
{
    static const struct {
        int64_t debt, debt_day, hour, want;
    } rows[] = {
        { 0, 0, 12, 0 },
        { AUTOPAY_MIN - 1, 0, 12, 0 },
        { AUTOPAY_MIN, 0, 12, AUTOPAY_MIN },
        { AUTOPAY_MIN, DAY, 12, 0 },    /* it was, today */
        { AUTOPAY_MIN, DAY - 1, 8, 0 }, /* the collection of yesterday goes on until nine */
        { AUTOPAY_MIN, DAY - 1, 9, AUTOPAY_MIN },
        { AUTOPAY_AT_ONCE - 1, DAY, 12, 0 },
        { AUTOPAY_AT_ONCE, DAY, 12, AUTOPAY_AT_ONCE },
        { AUTOPAY_AT_ONCE + 1, DAY, 12, AUTOPAY_AT_ONCE + BILLING_CENT }, /* up to a cent */
        { 499999999999, 0, 12, 500000000000 },
        { 500000000001, 0, 12, AUTOPAY_CHARGE_MAX },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct autopay facts = { .debt = { rows[i].debt },
                                 .available = { -rows[i].debt },
                                 .debt_day = rows[i].debt_day,
                                 .now = at(DAY, rows[i].hour) };

        check_row("%zu", i);
        CHECK_INT(autopay_amount(&facts).nanodollars, rows[i].want);
    }
}

static void test_top_ups_fill_to_the_threshold_at_least(void **state)
{
    static const struct {
        int64_t threshold, topup, available, want;
    } rows[] = {
        { 10, 25, 10, 0 },   { 10, 25, 9, 25 }, { 10, 25, -14, 25 },
        { 10, 25, -30, 40 }, { 10, 0, 1, 0 },   { 0, 25, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t available = rows[i].available;
        struct autopay facts = { .threshold = DOLLARS(rows[i].threshold),
                                 .topup = DOLLARS(rows[i].topup),
                                 .available = DOLLARS(available),
                                 .debt = DOLLARS(available < 0 ? -available : 0),
                                 .debt_day = DAY,
                                 .now = at(DAY, 12) };

        if (rows[i].topup == 0)
            facts.debt.nanodollars = 0;
        check_row("%zu", i);
        CHECK_INT(autopay_amount(&facts).nanodollars, DOLLARS(rows[i].want).nanodollars);
    }
}

static void test_a_new_account_is_charged_within_limits(void **state)
{
    struct autopay facts = { .debt = DOLLARS(3000),
                             .available = DOLLARS(-3000),
                             .now = at(DAY, 12) };

    (void)state;
    CHECK_INT(autopay_amount(&facts).nanodollars, AUTOPAY_CHARGE_MAX);
    facts.lately = DOLLARS(1600);
    CHECK_INT(autopay_amount(&facts).nanodollars, DOLLARS(400).nanodollars);
    facts.lately = (struct money){ AUTOPAY_DAY_MAX - AUTOPAY_MIN + 1 };
    CHECK_INT(autopay_amount(&facts).nanodollars, 0);
    facts.lately = DOLLARS(5000);
    CHECK_INT(autopay_amount(&facts).nanodollars, 0);
    facts.has_history = true;
    CHECK_INT(autopay_amount(&facts).nanodollars, DOLLARS(3000).nanodollars);
}

static void test_what_is_declined_is_tried_again_four_times(void **state)
{
    static const int64_t days[] = { 1, 3, 5, 7 };

    (void)state;
    for (int64_t i = 0; i < 4; i++)
        CHECK_INT(instant_until(at(DAY, 0), autopay_next(i + 1, false, at(DAY, 0))),
                  days[i] * BILLING_DAY_US);
    CHECK_INT(autopay_next(5, false, at(DAY, 0)).microseconds, INSTANT_NEVER.microseconds);
    CHECK_INT(autopay_next(1, true, at(DAY, 0)).microseconds, INSTANT_NEVER.microseconds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_debts_are_collected_daily_and_large_ones_at_once),
        cmocka_unit_test(test_top_ups_fill_to_the_threshold_at_least),
        cmocka_unit_test(test_a_new_account_is_charged_within_limits),
        cmocka_unit_test(test_what_is_declined_is_tried_again_four_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
