/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/clock.h"

#include "check.h"

static void test_the_systems_clock_moves_on(void **state)
{
    /* 2024-01-01: this test was written later. */
    const struct instant past = { 1704067200000000 };
    int64_t boot_us = clock_boot_us(&clock_system);
    struct instant now = clock_now(&clock_system);

    (void)state;
    CHECK(instant_compare(now, past) > 0);
    CHECK(instant_compare(clock_now(&clock_system), now) >= 0);
    CHECK(boot_us > 0 && clock_boot_us(&clock_system) >= boot_us);
}

static void test_a_held_clock_stands_until_moved(void **state)
{
    struct clock clock = clock_held((struct instant){ 1000 });

    (void)state;
    CHECK_INT(clock_now(&clock).microseconds, 1000);
    CHECK_INT(clock_now(&clock).microseconds, 1000);
    CHECK_INT(clock_boot_us(&clock), 0);
    clock_advance(&clock, 5);
    clock_advance(&clock, US_PER_SECOND);
    CHECK_INT(clock_now(&clock).microseconds, 1000 + 5 + US_PER_SECOND);
    CHECK_INT(clock_boot_us(&clock), 5 + US_PER_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_systems_clock_moves_on),
        cmocka_unit_test(test_a_held_clock_stands_until_moved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
