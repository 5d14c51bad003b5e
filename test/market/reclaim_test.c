/* SPDX-License-Identifier: Apache-2.0 */
#include "market/reclaim.h"

#include "check.h"
#include "market/auction.h"
#include "support.h"

static struct instant in_s(int64_t seconds)
{
    return instant_add(NOON, seconds * US_PER_SECOND);
}

static void test_on_demand_has_a_day(void **state)
{
    (void)state;
    CHECK_INT(instant_until(NOON, reclaim_earliest(NOON, true)), 24 * US_PER_HOUR);
    CHECK_INT(instant_compare(reclaim_earliest(NOON, false), NOON), 0);
}

static void test_a_lifetime_is_cut_and_never_grows(void **state)
{
    static const struct {
        int64_t end_s, due_s, grace_s, want_s;
    } rows[] = {
        { 1000, 500, 0, 500 }, { 499, 500, 0, 499 }, { 500, 500, 0, 500 },
        { 1000, 0, 0, 0 },     { 1000, 0, 30, 30 },  { 1000, 29, 30, 30 },
        { 1000, 31, 30, 31 },  { 20, 0, 30, 20 },    { 1000, 0, AUCTION_GRACE_S_MAX, 120 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        CHECK_INT(instant_until(NOON, reclaim_end(in_s(rows[i].end_s), NOON, in_s(rows[i].due_s),
                                                  rows[i].grace_s)),
                  rows[i].want_s * US_PER_SECOND);
    }
    CHECK_INT(instant_compare(reclaim_end(INSTANT_NEVER, NOON, in_s(5), 0), in_s(5)), 0);
}

/* Whatever was cut is covered, and whatever ended before the deadline is not. */
static void test_what_was_cut_ended_for_it(void **state)
{
    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct instant end = in_s(1 + (int64_t)check_random(100000));
        struct instant due = in_s((int64_t)check_random(100000));
        int64_t grace_s = (int64_t)check_random(AUCTION_GRACE_S_MAX + 1);
        struct instant cut = reclaim_end(end, NOON, due, grace_s);

        check_row("round %d", round);
        CHECK(instant_compare(cut, end) <= 0);
        if (instant_compare(cut, end) < 0)
            CHECK(reclaim_covers(NOON, due, cut));
        if (instant_compare(end, due) < 0)
            CHECK(!reclaim_covers(NOON, due, end) && instant_compare(cut, end) == 0);
    }
    CHECK(reclaim_covers(NOON, in_s(10), in_s(120)));
    CHECK(!reclaim_covers(NOON, in_s(10), in_s(121)));
    CHECK(reclaim_covers(NOON, in_s(500), in_s(500)));
    CHECK(!reclaim_covers(NOON, in_s(500), in_s(501)));
}

static void test_a_day_of_it_is_paid_for(void **state)
{
    (void)state;
    CHECK_INT(reclaim_missed_us(in_s(5), in_s(5)), 0);
    CHECK_INT(reclaim_missed_us(in_s(4), in_s(5)), 0);
    CHECK_INT(reclaim_missed_us(in_s(6), in_s(5)), US_PER_SECOND);
    CHECK_INT(reclaim_missed_us(in_s(5 + 86400), in_s(5)), 24 * US_PER_HOUR);
    CHECK_INT(reclaim_missed_us(in_s(5 + 86401), in_s(5)), 24 * US_PER_HOUR);
    CHECK_INT(reclaim_missed_us(INSTANT_NEVER, in_s(5)), 24 * US_PER_HOUR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_on_demand_has_a_day),
        cmocka_unit_test(test_a_lifetime_is_cut_and_never_grows),
        cmocka_unit_test(test_what_was_cut_ended_for_it),
        cmocka_unit_test(test_a_day_of_it_is_paid_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
