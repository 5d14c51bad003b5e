/* SPDX-License-Identifier: Apache-2.0 */
#include "market/auction.h"

#include "check.h"
#include "support.h"
#include "support_auction.h"

enum { A = 1, B, C, D, E, F, X };

static bool runs(const struct hall *hall, int64_t id)
{
    return hall_ruling(hall, id).verdict == AUCTION_RUNS;
}

static void test_an_equal_bid_waits(void **state)
{
    struct hall hall = hall_open(1);

    (void)state;
    hall_bid(&hall, A, 1, 100, true);
    hall_bid(&hall, B, 1, 100, false);
    hall_decide(&hall);
    CHECK_INT(hall_ruling(&hall, A).verdict, AUCTION_RUNS);
    CHECK_INT(hall_ruling(&hall, B).verdict, AUCTION_WAITS);
    CHECK_INT(hall.plan.value_before, 100);
    CHECK_INT(hall.plan.value_after, 100);
    CHECK_INT(hall.plan.idle_gpus, 0);
}

static void test_a_tick_more_wins(void **state)
{
    struct hall hall = hall_open(1);

    (void)state;
    hall_bid(&hall, A, 1, 100, true);
    hall_bid(&hall, B, 1, 101, false);
    hall_settle(&hall);
    CHECK_INT(hall_ruling(&hall, A).verdict, AUCTION_OUTBID);
    CHECK_INT(hall_ruling(&hall, A).keep_ticks, 101);
    CHECK_INT(hall_ruling(&hall, B).verdict, AUCTION_RUNS);

    /* And when the winner leaves, the other one is back. */
    hall_leave(&hall, B);
    hall_settle(&hall);
    CHECK_INT(hall_ruling(&hall, A).verdict, AUCTION_RUNS);
    CHECK_INT(hall_find(&hall, A)->ran.microseconds, INSTANT_NEVER.microseconds);
}

static void test_the_floor_is_a_tick_above_a_running_idle_job(void **state)
{
    static const struct {
        struct auction_floor floor;
        int64_t lowest;
    } rows[] = {
        { { 0, 100, true }, 101 },   { { 0, 100, false }, 100 }, { { 150, 100, true }, 150 },
        { { 100, 100, true }, 101 }, { { 99, 100, true }, 101 }, { { 101, 100, true }, 101 },
        { { 150, 0, false }, 150 },  { { 0, 0, false }, 1 },     { { 0, 0, true }, 1 },
        { { 1, 0, false }, 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK_INT(auction_lowest(&rows[i].floor), rows[i].lowest);
    }
}

static void test_two_small_bids_beat_a_large_one_by_their_sum(void **state)
{
    struct hall hall = hall_open(2);

    (void)state;
    hall_bid(&hall, D, 2, 260, true);
    hall_bid(&hall, E, 1, 300, false);
    hall_settle(&hall);
    CHECK_INT(hall_ruling(&hall, D).verdict, AUCTION_RUNS);
    CHECK_INT(hall_ruling(&hall, E).verdict, AUCTION_WAITS);
    hall_bid(&hall, F, 1, 250, false);
    hall_settle(&hall);
    CHECK_INT(hall_ruling(&hall, D).verdict, AUCTION_OUTBID);
    CHECK_INT(hall_ruling(&hall, D).keep_ticks, 275);
    CHECK(runs(&hall, E) && runs(&hall, F));
    CHECK_INT(hall.plan.value_before, 520);
    CHECK_INT(hall.plan.value_after, 550);

    /* At 0.280 the large one would win. */
    hall_find(&hall, D)->ticks = 280;
    hall_decide(&hall);
    CHECK(runs(&hall, D));
}

static void test_on_demand_takes_from_the_younger_of_equals(void **state)
{
    struct hall hall = hall_open(4);

    (void)state;
    hall_bid(&hall, A, 1, 200, true);
    hall_bid(&hall, B, 1, 200, true);
    hall_bid(&hall, C, 2, 300, true);
    hall_firm(&hall, X, 1, false);
    hall_decide(&hall);
    CHECK(runs(&hall, X) && runs(&hall, A) && runs(&hall, C));
    CHECK_INT(hall_ruling(&hall, B).verdict, AUCTION_OUTRANKED);

    /* Young is who started last, not who bid last. */
    hall_find(&hall, A)->ran = instant_add(hall_find(&hall, B)->ran, 1);
    hall_decide(&hall);
    CHECK_INT(hall_ruling(&hall, A).verdict, AUCTION_OUTRANKED);
    CHECK(runs(&hall, B));
    /* Of the same start, the higher id. */
    hall_find(&hall, A)->ran = hall_find(&hall, B)->ran;
    hall_decide(&hall);
    CHECK_INT(hall_ruling(&hall, B).verdict, AUCTION_OUTRANKED);
}

static void test_on_demand_takes_what_costs_least(void **state)
{
    struct hall hall = hall_open(4);

    (void)state;
    hall_bid(&hall, A, 1, 200, true);
    hall_bid(&hall, B, 1, 200, true);
    hall_bid(&hall, C, 2, 150, true);
    hall_firm(&hall, X, 2, false);
    hall_decide(&hall);
    CHECK(runs(&hall, A) && runs(&hall, B) && runs(&hall, X));
    CHECK_INT(hall_ruling(&hall, C).verdict, AUCTION_OUTRANKED);
    CHECK_INT(hall_ruling(&hall, C).keep_ticks, 201);
    CHECK_INT(hall.plan.firm_gpus, 2);
    CHECK_INT(hall.plan.bid_gpus, 2);

    /* Equal losses: the fewest instances. */
    hall_find(&hall, C)->ticks = 200;
    hall_decide(&hall);
    CHECK(runs(&hall, A) && runs(&hall, B));
    CHECK_INT(hall_ruling(&hall, C).verdict, AUCTION_OUTRANKED);
}

static void test_on_demand_waits_its_turn(void **state)
{
    struct hall hall = hall_open(8);

    (void)state;
    hall_firm(&hall, A, 6, true);
    hall_firm(&hall, B, 4, false);
    hall_firm(&hall, C, 2, false);
    hall_firm(&hall, D, 1, false);
    hall_decide(&hall);
    CHECK(runs(&hall, A));
    CHECK(!runs(&hall, B)); /* and cannot use the two that are left */
    CHECK(runs(&hall, C));
    CHECK(!runs(&hall, D));
    CHECK_INT(hall.plan.bid_gpus, 0);
    hall_leave(&hall, A);
    hall_decide(&hall);
    CHECK(runs(&hall, B) && runs(&hall, C) && runs(&hall, D));
    CHECK_INT(hall.plan.idle_gpus, 1);
    /* Since the same moment: the lower id. */
    struct hall even = hall_open(1);
    hall_firm(&even, B, 1, false);
    hall_firm(&even, A, 1, false);
    even.firms[0].since = even.firms[1].since;
    hall_decide(&even);
    CHECK(runs(&even, A) && !runs(&even, B));
}

static void test_a_bid_raises_itself_by_the_least(void **state)
{
    struct hall hall = hall_open(1);
    struct auction_facts facts;

    (void)state;
    hall_bid(&hall, A, 1, 100, true);
    hall_find(&hall, A)->max_ticks = 150;
    hall_bid(&hall, B, 1, 120, false);
    hall_settle(&hall);
    CHECK(runs(&hall, A) && !runs(&hall, B));
    CHECK_INT(hall_ruling(&hall, A).ticks, 120);
    CHECK_INT(hall_ruling(&hall, B).ticks, 120);
    facts = hall_facts(&hall);
    CHECK_INT(auction_quote(&facts, 1, 1, B), 121);
    CHECK_INT(auction_quote(&facts, 1, 1, 0), 121);

    hall_find(&hall, B)->ticks = 150;
    hall_settle(&hall);
    CHECK_INT(hall_ruling(&hall, A).ticks, 150);
    CHECK(runs(&hall, A));
    hall_find(&hall, B)->ticks = 151;
    hall_settle(&hall);
    CHECK_INT(hall_ruling(&hall, A).verdict, AUCTION_OUTBID);
    CHECK_INT(hall_ruling(&hall, A).ticks, 150);
    CHECK_INT(hall_ruling(&hall, A).keep_ticks, 151);
    /* One that does not run raises nothing. */
    hall_find(&hall, A)->max_ticks = 1000;
    hall_settle(&hall);
    CHECK_INT(hall_ruling(&hall, A).ticks, 150);
    CHECK(runs(&hall, B));
}

static void test_a_broke_renter_makes_place(void **state)
{
    struct hall hall = hall_open(1);

    (void)state;
    hall_bid(&hall, A, 1, 100, true);
    hall_bid(&hall, B, 1, 50, false);
    hall_settle(&hall);
    CHECK(runs(&hall, A) && !runs(&hall, B));
    hall_leave(&hall, A); /* not eligible */
    hall_settle(&hall);
    CHECK(runs(&hall, B));
    hall_bid(&hall, A, 1, 100, false); /* funded again */
    hall_settle(&hall);
    CHECK(runs(&hall, A));
    CHECK_INT(hall_ruling(&hall, B).verdict, AUCTION_OUTBID);
}

static void test_a_bid_runs_for_a_minute_at_least(void **state)
{
    struct hall hall = hall_open(1);

    (void)state;
    hall_bid(&hall, A, 1, 100, true);
    hall_bid(&hall, B, 1, 200, false);
    struct auction_bid *a = hall_find(&hall, A);
    a->ran = instant_add(hall.now, 1 - AUCTION_RUN_MIN_US);
    hall_decide(&hall);
    CHECK(runs(&hall, A));
    CHECK_INT(instant_until(hall.now, hall.plan.again), 1);
    struct auction_facts facts = hall_facts(&hall);
    CHECK_INT(auction_quote(&facts, 1, 1, 0), -1);

    a->ran = instant_add(hall.now, -AUCTION_RUN_MIN_US);
    hall_decide(&hall);
    CHECK_INT(hall_ruling(&hall, A).verdict, AUCTION_OUTBID);
    CHECK_INT(hall.plan.again.microseconds, INSTANT_NEVER.microseconds);
    /* Pulling its image is not running. */
    a->ran = INSTANT_NEVER;
    hall_decide(&hall);
    CHECK_INT(hall_ruling(&hall, A).verdict, AUCTION_OUTBID);
    /* On demand does not care. */
    a->ran = hall.now;
    hall_firm(&hall, X, 1, false);
    hall_decide(&hall);
    CHECK_INT(hall_ruling(&hall, A).verdict, AUCTION_OUTRANKED);
    CHECK_INT(hall_ruling(&hall, A).keep_ticks, -1);
}

/* On demand takes a place, and a bid that waits shall not use that to get past a minimum run. */
static void test_a_minimum_run_outlives_on_demand_taking_others(void **state)
{
    struct hall hall = hall_open(3);

    (void)state;
    hall_bid(&hall, A, 1, 100, true);
    hall_bid(&hall, B, 1, 200, true);
    hall_bid(&hall, C, 1, 250, true);
    hall_bid(&hall, D, 1, 240, false);
    hall_find(&hall, B)->ran = hall.now;
    hall_firm(&hall, X, 1, false);
    hall_decide(&hall);
    CHECK_INT(hall_ruling(&hall, A).verdict, AUCTION_OUTRANKED);
    CHECK(runs(&hall, B) && runs(&hall, C) && !runs(&hall, D));
    hall_find(&hall, B)->ran = instant_add(hall.now, -AUCTION_RUN_MIN_US);
    hall_decide(&hall);
    CHECK_INT(hall_ruling(&hall, B).verdict, AUCTION_OUTBID);
    CHECK(runs(&hall, D));
}

static void test_ties_go_to_who_came_first(void **state)
{
    struct hall hall = hall_open(2);

    (void)state;
    hall_bid(&hall, C, 1, 100, false);
    hall_bid(&hall, B, 2, 100, false);
    hall_bid(&hall, A, 1, 100, false);
    hall_decide(&hall);
    CHECK(runs(&hall, C) && runs(&hall, A) && !runs(&hall, B));
    hall_find(&hall, B)->placed = instant_add(hall_find(&hall, C)->placed, -1);
    hall_decide(&hall);
    CHECK(runs(&hall, B) && !runs(&hall, A) && !runs(&hall, C));
    /* All at once: the lower id is in. */
    hall_find(&hall, B)->placed = hall_find(&hall, C)->placed = hall_find(&hall, A)->placed;
    hall_decide(&hall);
    CHECK(runs(&hall, A) && runs(&hall, C));
}

static void test_quotes(void **state)
{
    struct hall hall = hall_open(4);
    struct auction_facts facts = hall_facts(&hall);

    (void)state;
    CHECK_INT(auction_quote(&facts, 4, 0, 0), 1);
    CHECK_INT(auction_quote(&facts, 1, 150, 0), 150);
    CHECK_INT(auction_quote(&facts, 5, 1, 0), -1);
    hall_bid(&hall, A, 4, 100, false);
    facts = hall_facts(&hall);
    CHECK_INT(auction_quote(&facts, 4, 0, 0), 101); /* whoever was there before wins a tie */
    hall_leave(&hall, A);
    hall_bid(&hall, A, 2, 100, true);
    hall_bid(&hall, B, 1, 300, true);
    facts = hall_facts(&hall);
    CHECK_INT(auction_quote(&facts, 1, 50, 0), 50);  /* one is free */
    CHECK_INT(auction_quote(&facts, 2, 50, 0), 101); /* A has to go */
    CHECK_INT(auction_quote(&facts, 3, 50, 0), 67);  /* 201 over 200 */
    CHECK_INT(auction_quote(&facts, 4, 50, 0), 126); /* 504 over 500 */
    CHECK_INT(auction_quote(&facts, 2, 50, A), 50);
    hall_firm(&hall, X, 1, true);
    facts = hall_facts(&hall);
    CHECK_INT(auction_quote(&facts, 4, 50, 0), -1);
    CHECK_INT(auction_quote(&facts, 1, 50, 0), 201);
    CHECK_INT(auction_quote(&facts, 1, AUCTION_TICKS_MAX + 1, 0), -1);
    hall_find(&hall, A)->ticks = AUCTION_TICKS_MAX;
    facts = hall_facts(&hall);
    CHECK_INT(auction_quote(&facts, 2, 1, 0), -1);
    CHECK_INT(auction_quote(&facts, 1, 1, 0), 301);
}

static void test_sixty_four_gpus_and_every_size(void **state)
{
    struct hall hall = hall_open(GPUS_MAX);
    int64_t left = GPUS_MAX;

    (void)state;
    for (int64_t gpus = 1; gpus <= HALL_MAX; gpus++)
        hall_bid(&hall, gpus, gpus, 1000 - gpus, false);
    hall_decide(&hall);
    /* 1 to 10 come to 55; the best fill up what is left. */
    for (int64_t gpus = 1; gpus <= HALL_MAX; gpus++)
        left -= runs(&hall, gpus) ? gpus : 0;
    CHECK_INT(left, 0);
    CHECK_INT(hall.plan.idle_gpus, 0);
    struct auction_facts facts = hall_facts(&hall);
    CHECK(auction_quote(&facts, GPUS_MAX, 1, 0) > 0);
}

static void test_prices_and_ticks(void **state)
{
    static const struct {
        int64_t price, gpus, down, up;
    } rows[] = {
        { 0, 1, 0, 0 },
        { 1, 1, 0, 1 },
        { 999999, 1, 0, 1 },
        { 1000000, 1, 1, 1 },
        { 1000001, 1, 1, 2 },
        { 100000000, 3, 33, 34 },
        { 120000000, 0, 120, 120 },
        { 126000000, 63, 2, 2 },
        { INT64_C(10000000000000), 1, 10000000, 10000000 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct money price = { rows[i].price };

        check_row("row %zu", i);
        CHECK_INT(auction_ticks_down(price, rows[i].gpus), rows[i].down);
        CHECK_INT(auction_ticks_up(price, rows[i].gpus), rows[i].up);
        CHECK(auction_price(rows[i].down, rows[i].gpus).nanodollars <= rows[i].price);
        CHECK(auction_price(rows[i].up, rows[i].gpus).nanodollars >= rows[i].price);
    }
    CHECK_INT(auction_price(231, 2).nanodollars, 462000000);
    CHECK_INT(auction_price(231, 0).nanodollars, 231000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_equal_bid_waits),
        cmocka_unit_test(test_a_tick_more_wins),
        cmocka_unit_test(test_the_floor_is_a_tick_above_a_running_idle_job),
        cmocka_unit_test(test_two_small_bids_beat_a_large_one_by_their_sum),
        cmocka_unit_test(test_on_demand_takes_from_the_younger_of_equals),
        cmocka_unit_test(test_on_demand_takes_what_costs_least),
        cmocka_unit_test(test_on_demand_waits_its_turn),
        cmocka_unit_test(test_a_bid_raises_itself_by_the_least),
        cmocka_unit_test(test_a_broke_renter_makes_place),
        cmocka_unit_test(test_a_bid_runs_for_a_minute_at_least),
        cmocka_unit_test(test_a_minimum_run_outlives_on_demand_taking_others),
        cmocka_unit_test(test_ties_go_to_who_came_first),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_sixty_four_gpus_and_every_size),
        cmocka_unit_test(test_prices_and_ticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
