/* SPDX-License-Identifier: Apache-2.0 */
#include "market/closing.h"

#include <string.h>

#include "check.h"

static struct money dollars(int64_t nanodollars)
{
    return (struct money){ nanodollars };
}

static void test_who_has_nothing_may_go(void **state)
{
    const struct closing_facts none = { { 0 } };

    (void)state;
    CHECK(closing_may(&none, dollars(0)));
    CHECK_INT(closing_given(&none).nanodollars, 0);
}

static void test_each_reason_alone_stands_and_says_what_to_do(void **state)
{
    (void)state;
    for (int i = 0; i < CLOSING_REASON_COUNT; i++) {
        struct closing_facts facts = { { 0 } };
        bool can_give = closing_kind((enum closing_reason)i) == CLOSING_KIND_GIVEN;

        facts.amount[i] = 1;
        CHECK(!closing_may(&facts, dollars(0)));
        CHECK_INT(closing_may(&facts, dollars(1)), can_give);
        for (int other = 0; other < CLOSING_REASON_COUNT; other++)
            CHECK_INT(closing_stands(&facts, (enum closing_reason)other, dollars(0)), other == i);
        CHECK(closing_where((enum closing_reason)i)[0] == '/');
        CHECK(closing_advice((enum closing_reason)i)[0] != '\0');
        for (int other = 0; other < i; other++)
            CHECK(strcmp(closing_code((enum closing_reason)i),
                         closing_code((enum closing_reason)other)) != 0);
    }
}

static void test_what_is_given_up_is_all_of_it_or_nothing(void **state)
{
    struct closing_facts facts = { { [CLOSING_CREDIT] = 5, [CLOSING_EARNINGS] = 7 } };

    (void)state;
    CHECK_INT(closing_given(&facts).nanodollars, 12);
    CHECK(!closing_may(&facts, dollars(11)));
    CHECK(closing_stands(&facts, CLOSING_CREDIT, dollars(11)));
    CHECK(closing_stands(&facts, CLOSING_EARNINGS, dollars(11)));
    CHECK(closing_may(&facts, dollars(12)));
    CHECK(closing_may(&facts, dollars(13)));
    CHECK(!closing_may(&facts, dollars(-1)));
    /* It buys nothing else off. */
    facts.amount[CLOSING_DEBT] = 1;
    CHECK(!closing_may(&facts, dollars(INT64_MAX)));
}

static void test_sums_end_where_money_does(void **state)
{
    struct closing_facts facts = { { [CLOSING_CREDIT] = INT64_MAX, [CLOSING_EARNINGS] = 1 } };

    (void)state;
    CHECK_INT(closing_given(&facts).nanodollars, INT64_MAX);
    CHECK(!closing_may(&facts, dollars(INT64_MAX - 1)));
}

/* Law: one thing more never turns a no into a yes, and one nanodollar more given up never a yes
 * into a no. */
static void test_more_of_anything_never_helps(void **state)
{
    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct closing_facts facts = { { 0 } };

        for (int i = 0; i < CLOSING_REASON_COUNT; i++)
            facts.amount[i] = check_random(8) == 0 ? (int64_t)check_random(100) : 0;
        struct money given = dollars((int64_t)check_random(150));
        bool may = closing_may(&facts, given);
        if (may)
            CHECK(closing_may(&facts, dollars(given.nanodollars + 1)));
        struct closing_facts more = facts;
        more.amount[check_random(CLOSING_REASON_COUNT)]++;
        if (!may)
            CHECK(!closing_may(&more, given));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_has_nothing_may_go),
        cmocka_unit_test(test_each_reason_alone_stands_and_says_what_to_do),
        cmocka_unit_test(test_what_is_given_up_is_all_of_it_or_nothing),
        cmocka_unit_test(test_sums_end_where_money_does),
        cmocka_unit_test(test_more_of_anything_never_helps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
