/* SPDX-License-Identifier: Apache-2.0 */
#include "market/lifetime.h"

#include "check.h"

#define DAY_US (24 * US_PER_HOUR)

static const struct instant end = { 100 * DAY_US };

static struct instant before_end(int64_t us)
{
    return instant_add(end, -us);
}

static void test_a_week_a_day_and_an_hour_ahead(void **state)
{
    static const struct {
        int64_t now_us; /* before the end */
        int64_t next_us;
        const char *warning;
    } rows[] = {
        { 8 * DAY_US, 7 * DAY_US, NULL },
        { 7 * DAY_US + 1, 7 * DAY_US, NULL },
        { 7 * DAY_US, DAY_US, "7 days" },
        { DAY_US + 1, DAY_US, "7 days" },
        { DAY_US, US_PER_HOUR, "1 day" },
        { US_PER_HOUR + 1, US_PER_HOUR, "1 day" },
        { US_PER_HOUR, -1, "1 hour" },
        { 1, -1, "1 hour" },
        { 0, -1, NULL }, /* it is over: there is nothing left to warn of */
        { -1, -1, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct instant now = before_end(rows[i].now_us);
        struct instant next = rows[i].next_us < 0 ? INSTANT_NEVER : before_end(rows[i].next_us);

        check_row("row %zu", i);
        CHECK_INT(instant_compare(lifetime_next_warning(end, now), next), 0);
        const char *warning = lifetime_warning(end, now);
        CHECK_INT(warning != NULL, rows[i].warning != NULL);
        if (warning != NULL)
            CHECK_TEXT(warning, rows[i].warning);
    }
}

static void test_without_an_end_there_is_nothing_to_say(void **state)
{
    (void)state;
    CHECK_INT(instant_compare(lifetime_next_warning(INSTANT_NEVER, end), INSTANT_NEVER), 0);
    CHECK(lifetime_warning(INSTANT_NEVER, end) == NULL);
    CHECK_INT(instant_compare(lifetime_retention(INSTANT_NEVER), INSTANT_NEVER), 0);
    CHECK_INT(instant_until(end, lifetime_retention(end)), 7 * DAY_US);
}

/* However seldom one looks: no warning twice, none after the end, and the last look before the end
 * has left at most an hour unsaid. */
static void test_each_once_whenever_one_looks(void **state)
{
    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct instant now = before_end((int64_t)check_random(20) * DAY_US);
        struct instant due = lifetime_next_warning(end, now);
        const char *last = NULL;
        int told = 0;

        check_row("round %d", round);
        while (instant_compare(now, end) < 0) {
            now = instant_add(now, 1 + (int64_t)check_random((uint64_t)DAY_US));
            if (instant_compare(due, now) > 0)
                continue;
            const char *warning = lifetime_warning(end, now);
            CHECK_INT(warning == NULL, instant_compare(now, end) >= 0);
            CHECK(warning == NULL || warning != last);
            last = warning;
            told += warning != NULL;
            due = lifetime_next_warning(end, now);
            CHECK(instant_compare(due, now) > 0);
        }
        CHECK(told <= 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_week_a_day_and_an_hour_ahead),
        cmocka_unit_test(test_without_an_end_there_is_nothing_to_say),
        cmocka_unit_test(test_each_once_whenever_one_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
