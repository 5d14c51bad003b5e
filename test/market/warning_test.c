/* SPDX-License-Identifier: Apache-2.0 */
#include "market/warning.h"

#include "check.h"

#define HOUR US_PER_HOUR

static struct instant at(int64_t us)
{
    return (struct instant){ us };
}

static void test_each_level_is_told_of_once_at_its_time(void **state)
{
    struct instant zero = at(100 * HOUR);
    struct warning_state now = warning_plan(0, zero, at(0));

    (void)state;
    CHECK_INT(now.warned, 0);
    CHECK_INT(now.next.microseconds, 76 * HOUR);
    CHECK_INT(warning_due(now.warned, zero, at(76 * HOUR - 1), &now), -1);
    CHECK_INT(warning_due(now.warned, zero, at(76 * HOUR), &now), 0);
    CHECK_INT(now.next.microseconds, 94 * HOUR);
    CHECK_INT(warning_due(now.warned, zero, at(76 * HOUR + 1), &now), -1);
    CHECK_INT(warning_due(now.warned, zero, at(94 * HOUR), &now), 1);
    CHECK_INT(warning_due(now.warned, zero, at(99 * HOUR), &now), 2);
    CHECK_INT(now.warned, 7);
    CHECK_INT(now.next.microseconds, INSTANT_NEVER.microseconds);
    CHECK_INT(warning_due(now.warned, zero, at(101 * HOUR), &now), -1);
}

static void test_who_begins_late_hears_the_most_urgent_alone(void **state)
{
    struct warning_state after;

    (void)state;
    CHECK_INT(warning_due(0, at(HOUR / 2), at(0), &after), 2);
    CHECK_INT(after.warned, 7);
    CHECK_INT(warning_due(0, at(2 * HOUR), at(0), &after), 1);
    CHECK_INT(after.warned, 3);
    CHECK_INT(after.next.microseconds, HOUR);
}

static void test_a_level_left_behind_by_a_quarter_can_come_again(void **state)
{
    (void)state;
    CHECK_INT(warning_plan(7, at(30 * HOUR), at(0)).warned, 1);
    CHECK_INT(warning_plan(7, at(30 * HOUR + 1), at(0)).warned, 0);
    CHECK_INT(warning_plan(7, at(HOUR / 4 * 5), at(0)).warned, 7);
    CHECK_INT(warning_plan(7, at(HOUR / 4 * 5 + 1), at(0)).warned, 3);
    CHECK_INT(warning_plan(7, INSTANT_NEVER, at(0)).warned, 0);
    CHECK_INT(warning_plan(7, INSTANT_NEVER, at(0)).next.microseconds, INSTANT_NEVER.microseconds);
}

static void test_levels_have_names(void **state)
{
    (void)state;
    CHECK_TEXT(warning_left(0), "24 h");
    CHECK_TEXT(warning_left(2), "1 h");
    CHECK(warning_lead_us(0) == 24 * US_PER_HOUR && warning_lead_us(2) == US_PER_HOUR);
}

static void test_the_cap_grows_with_age_and_with_what_was_paid(void **state)
{
    static const struct {
        int64_t set, first, days, paid, cap;
    } rows[] = {
        { 0, 5, 0, 0, 5 },     { 0, 5, -3, -5, 5 },  { 0, 5, 10, 0, 15 },     { 0, 5, 0, 100, 15 },
        { 0, 5, 10, 100, 25 }, { 2, 5, 2000, 0, 2 }, { 5000, 5, 0, 0, 5000 }, { 0, 0, 0, 0, 0 },
        { 0, 0, 100, 100, 0 }, { 7, 0, 0, 0, 7 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct money set = { rows[i].set * NANODOLLARS_PER_DOLLAR };
        struct money first = { rows[i].first * NANODOLLARS_PER_DOLLAR };
        struct money paid = { rows[i].paid * NANODOLLARS_PER_DOLLAR };

        check_row("row %zu", i);
        CHECK_INT(warning_spend_cap(set, first, rows[i].days * 24 * HOUR, paid).nanodollars,
                  rows[i].cap * NANODOLLARS_PER_DOLLAR);
    }
    struct money most = { INT64_MAX }, none = { 0 };
    CHECK_INT(warning_spend_cap(none, most, 24 * HOUR, none).nanodollars, INT64_MAX);
    CHECK_INT(warning_spend_cap(none, most, 0, most).nanodollars, INT64_MAX);
}

/* $10 at $1 an hour, and an amount of $4. */
static void test_an_amount_is_told_of_when_credit_comes_down_to_it(void **state)
{
    struct credit credit =
        credit_open((struct money){ 10 * NANODOLLARS_PER_DOLLAR }, (struct money){ 0 }, at(0));
    struct money amount = { 4 * NANODOLLARS_PER_DOLLAR };
    struct warning_state none = { .warned = 0, .next = INSTANT_NEVER }, now = none;

    (void)state;
    CHECK_INT(warning_low(&credit, amount).at.microseconds, INSTANT_NEVER.microseconds);
    credit_add_starting(&credit, (struct money){ NANODOLLARS_PER_DOLLAR });
    struct warning_low low = warning_low(&credit, amount);
    CHECK(low.is_on && low.is_left);
    CHECK_INT(low.at.microseconds, 6 * HOUR);
    CHECK_INT(warning_plan_low(none, &low).next.microseconds, 6 * HOUR);
    CHECK_INT(warning_plan_low((struct warning_state){ 0, at(5 * HOUR) }, &low).next.microseconds,
              5 * HOUR);
    CHECK(!warning_low_due(&now, &low, at(6 * HOUR - 1)));
    CHECK_INT(now.next.microseconds, 6 * HOUR);
    now = none;
    CHECK(warning_low_due(&now, &low, at(6 * HOUR)));
    CHECK_INT(now.warned, 8);
    CHECK_INT(now.next.microseconds, INSTANT_NEVER.microseconds);
    /* Left behind by a quarter it can come again: $5 are not enough. */
    CHECK_INT(warning_plan_low(now, &low).warned, 0);
    credit.posted.nanodollars = 5 * NANODOLLARS_PER_DOLLAR;
    low = warning_low(&credit, amount);
    CHECK(!low.is_left);
    CHECK_INT(warning_plan_low(now, &low).warned, 8);
    CHECK_INT(warning_plan_low(now, &low).next.microseconds, INSTANT_NEVER.microseconds);
    CHECK(!warning_low_due(&now, &low, at(100 * HOUR)));
    credit.posted.nanodollars++;
    low = warning_low(&credit, amount);
    CHECK(low.is_left);
    low.is_on = false;
    CHECK_INT(warning_plan_low(now, &low).warned, 0);
    CHECK_INT(warning_plan_low(now, &low).next.microseconds, INSTANT_NEVER.microseconds);
    CHECK(!warning_low_due(&now, &low, at(100 * HOUR)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_level_is_told_of_once_at_its_time),
        cmocka_unit_test(test_who_begins_late_hears_the_most_urgent_alone),
        cmocka_unit_test(test_a_level_left_behind_by_a_quarter_can_come_again),
        cmocka_unit_test(test_levels_have_names),
        cmocka_unit_test(test_an_amount_is_told_of_when_credit_comes_down_to_it),
        cmocka_unit_test(test_the_cap_grows_with_age_and_with_what_was_paid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
