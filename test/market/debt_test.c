/* SPDX-License-Identifier: Apache-2.0 */
#include "market/debt.h"

#include "check.h"

static struct money money(int64_t nanodollars)
{
    return (struct money){ nanodollars };
}

static void test_only_what_is_old_is_given_up(void **state)
{
    static const struct {
        int64_t owed, young, given_up;
    } rows[] = {
        { 0, 0, 0 },
        { 1, 0, 1 },                             /* all of it is old, however little */
        { 1, 1, 0 },                             /* all of it is young */
        { 5, 9, 0 },                             /* and some of what is young was paid */
        { DEBT_PART_MIN, 1, 0 },                 /* a nanodollar less than the least part */
        { DEBT_PART_MIN + 1, 1, DEBT_PART_MIN }, /* the least part itself */
        { INT64_MAX, 0, INT64_MAX },
        { INT64_MAX, INT64_MAX, 0 },
        { 0, INT64_MAX, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK_INT(debt_given_up(money(rows[i].owed), money(rows[i].young)).nanodollars,
                  rows[i].given_up);
    }
}

/* Whatever is left is at most what is young, but for less than the least part. */
static void test_what_stays_is_young(void **state)
{
    (void)state;
    for (int i = 0; i < 100000; i++) {
        int64_t owed = (int64_t)check_random(UINT64_C(1) << (1 + check_random(40)));
        int64_t young = (int64_t)check_random(UINT64_C(1) << (1 + check_random(40)));
        int64_t left = owed - debt_given_up(money(owed), money(young)).nanodollars;

        CHECK(left >= 0 && left <= owed);
        CHECK(left <= young || left < young + DEBT_PART_MIN);
        CHECK(left == owed || left == young);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_is_old_is_given_up),
        cmocka_unit_test(test_what_stays_is_young),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
