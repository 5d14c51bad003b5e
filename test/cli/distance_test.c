/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/distance.h"

#include <string.h>

#include "check.h"

static void test_letters_are_added_dropped_and_changed(void **state)
{
    static const struct {
        const char *a, *b;
        size_t most, want;
    } rows[] = {
        { "", "", 2, 0 },
        { "a", "", 2, 1 },
        { "", "ab", 2, 2 },
        { "same", "same", 0, 0 },
        { "limit", "limits", 2, 1 },
        { "lmit", "limit", 2, 1 },
        { "logz", "logs", 2, 1 },
        { "kitten", "sitting", 3, 3 },
        { "ab", "ba", 2, 2 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s, %s", rows[i].a, rows[i].b);
        CHECK_INT((int64_t)distance_between(rows[i].a, strlen(rows[i].a), rows[i].b, rows[i].most),
                  (int64_t)rows[i].want);
        CHECK_INT((int64_t)distance_between(rows[i].b, strlen(rows[i].b), rows[i].a, rows[i].most),
                  (int64_t)rows[i].want);
    }
    /* Past what is asked for it says so, and no more. */
    CHECK(distance_between("kitten", 6, "sitting", 2) > 2);
    CHECK(distance_between("a", 1, "abcdefgh", 3) > 3);
}

static void test_a_short_word_may_be_one_letter_off_and_a_long_one_two(void **state)
{
    (void)state;
    CHECK_INT((int64_t)distance_most(1), 1);
    CHECK_INT((int64_t)distance_most(5), 1);
    CHECK_INT((int64_t)distance_most(6), 2);
    CHECK_INT((int64_t)distance_most(DISTANCE_LENGTH_MAX), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letters_are_added_dropped_and_changed),
        cmocka_unit_test(test_a_short_word_may_be_one_letter_off_and_a_long_one_two),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
