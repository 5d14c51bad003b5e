/* SPDX-License-Identifier: Apache-2.0 */
#include "market/twins.h"

#include "check.h"

static struct instant at(int64_t us)
{
    return (struct instant){ 1000 * US_PER_SECOND + us };
}

static void test_three_turns_within_five_minutes_are_two_machines(void **state)
{
    static const struct {
        int64_t at_us;
        bool is_back, are_two;
    } rows[] = {
        { 0, false, false },
        { 1, true, false },
        { 2, true, false },
        { TWINS_WITHIN_US + 1, true, true }, /* five minutes after the first, to the microsecond */
        { TWINS_WITHIN_US + 1, true, true },
        { TWINS_WITHIN_US + 1, false, false },
        { TWINS_WITHIN_US + 2, true, false }, /* one too late: it begins anew */
        { TWINS_WITHIN_US + 3, true, false },
        { TWINS_WITHIN_US + 4, true, true },
        { 9 * TWINS_WITHIN_US, false, false },
        { 9 * TWINS_WITHIN_US + 1, true, false },
    };
    struct twins twins = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        CHECK_INT(twins_boot(&twins, rows[i].is_back, at(rows[i].at_us)), rows[i].are_two);
        CHECK(twins.turns >= 0 && twins.turns <= TWINS_TURNS);
    }
}

/* However often it is booted, and restored now and then. */
static void test_a_machine_that_boots_is_one(void **state)
{
    struct twins twins = { 0 };

    (void)state;
    for (int64_t i = 0; i < 1000; i++) {
        CHECK(!twins_boot(&twins, false, at(i * US_PER_SECOND)));
        CHECK(i % 200 != 0 || !twins_boot(&twins, true, at(i * US_PER_SECOND)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_turns_within_five_minutes_are_two_machines),
        cmocka_unit_test(test_a_machine_that_boots_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
