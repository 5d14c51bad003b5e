/* SPDX-License-Identifier: Apache-2.0 */
#include "market/image_start.h"

#include "check.h"

static void test_only_what_was_measured_is_said(void **state)
{
    static const struct {
        struct image_start_facts facts;
        int64_t want;
    } rows[] = {
        { { true, -1, -1, 900 }, 900 },
        { { true, 5000, 1, 0 }, 0 },
        { { true, -1, -1, -1 }, -1 },
        { { false, 80000000, 10000000, 900 }, 8900 },
        { { false, 0, 1, 900 }, 900 },
        { { false, -1, 10000000, 900 }, -1 },
        { { false, 80000000, 0, 900 }, -1 },
        { { false, 80000000, -1, 900 }, -1 },
        { { false, 80000000, 10000000, -1 }, -1 },
        { { false, INT64_MAX, 1, 0 }, -1 },
        { { false, INT64_MAX, 1000, 0 }, INT64_MAX },
        { { false, INT64_MAX, 1000, 1 }, -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        CHECK_INT(image_start_ms(&rows[i].facts), rows[i].want);
    }
}

static void test_a_mean_follows_and_never_leaves_what_it_saw(void **state)
{
    int64_t mean = -1, low = INT64_MAX, high = 0;

    (void)state;
    CHECK_INT(image_start_mean(-1, 700), 700);
    for (int i = 0; i < 2000; i++) {
        int64_t newest = (int64_t)check_random(1000000);

        low = newest < low ? newest : low;
        high = newest > high ? newest : high;
        mean = image_start_mean(mean, newest);
        CHECK(mean >= low - 4 && mean <= high + 4);
    }
    for (int i = 0; i < 100; i++)
        mean = image_start_mean(mean, 4000);
    CHECK(mean > 3980 && mean < 4020);
    CHECK(image_start_mean(INT64_MAX, INT64_MAX) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_was_measured_is_said),
        cmocka_unit_test(test_a_mean_follows_and_never_leaves_what_it_saw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
