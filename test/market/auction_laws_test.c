/* SPDX-License-Identifier: Apache-2.0 */
/* Laws that hold of any market, from a seed; and that of all decisions the best one is made. */

#include <string.h>

#include "check.h"
#include "market/auction.h"
#include "support.h"
#include "support_auction.h"

enum { ROUNDS = 400, STEPS = 60, BRUTE_ROUNDS = 6000, BRUTE_BIDS = 9 };

static int64_t pick(int64_t limit)
{
    return (int64_t)check_random((uint64_t)limit);
}

static int64_t some_size(const struct hall *hall)
{
    int64_t size = (int64_t)1 << check_random(4);

    return size <= hall->gpu_count ? size : 1 + pick(hall->gpu_count);
}

static void some_bid(struct hall *hall, int64_t id)
{
    hall_bid(hall, id, some_size(hall), 1 + pick(40), false);
    if (check_random(2) == 0)
        hall->bids[hall->bid_count - 1].max_ticks = 1 + pick(60);
    if (check_random(4) == 0)
        hall->bids[hall->bid_count - 1].placed = NOON;
}

static int64_t gpus_running(const struct hall *hall, bool of_firms, bool of_bids)
{
    int64_t gpus = 0;

    for (size_t i = 0; of_firms && i < hall->firm_count; i++)
        gpus += hall->firms[i].is_running ? hall->firms[i].gpus : 0;
    for (size_t i = 0; of_bids && i < hall->bid_count; i++)
        gpus += hall->bids[i].is_running ? hall->bids[i].gpus : 0;
    return gpus;
}

static void some_event(struct hall *hall, int64_t id, int64_t bids_max)
{
    size_t bid = (size_t)check_random(hall->bid_count + 1);
    size_t firm = (size_t)check_random(hall->firm_count + 1);

    hall->now = instant_add(hall->now, pick(40) * US_PER_SECOND);
    switch (check_random(8)) {
    case 0:
    case 1:
    case 2:
        if ((int64_t)hall->bid_count < bids_max)
            some_bid(hall, id);
        break;
    case 3:
        if (bid < hall->bid_count)
            hall_leave(hall, hall->bids[bid].id);
        break;
    case 4:
        if (bid < hall->bid_count) {
            hall->bids[bid].ticks = 1 + pick(40);
            hall->bids[bid].placed = hall->now;
        }
        break;
    case 5:
        if (hall->firm_count < 6)
            hall_firm(hall, id, some_size(hall), false);
        break;
    case 6:
        if (firm < hall->firm_count)
            hall_leave(hall, hall->firms[firm].id);
        break;
    default:
        break;
    }
    /* Whoever started runs, sooner or later. */
    for (size_t i = 0; i < hall->bid_count; i++)
        if (hall->bids[i].is_running && check_random(2) == 0 &&
            instant_compare(hall->bids[i].ran, INSTANT_NEVER) == 0)
            hall->bids[i].ran = hall->now;
}

static struct hall some_hall(int64_t gpus_max, int64_t bids_max, int steps)
{
    struct hall hall = hall_open(1 + pick(gpus_max));

    for (int i = 0; i < steps; i++) {
        some_event(&hall, 1 + i, bids_max);
        hall_settle(&hall);
    }
    some_event(&hall, 1 + steps, bids_max);
    return hall;
}

/* P1, P2, P5, P9, and that no place stays empty that a bid fits into. */
static void check_decision(const struct hall *before, const struct hall *after)
{
    int64_t places = after->gpu_count - gpus_running(after, true, false);
    int64_t running = gpus_running(before, false, true);
    bool is_forced = running > places, has_stopped = false, was_outbid = false;

    CHECK(gpus_running(after, true, true) <= after->gpu_count);
    CHECK_INT(after->plan.bid_gpus, places);
    CHECK_INT(after->plan.idle_gpus, places - gpus_running(after, false, true));
    for (size_t i = 0; i < before->firm_count; i++)
        CHECK(!before->firms[i].is_running || after->firms[i].is_running);
    for (size_t i = 0; i < before->bid_count; i++) {
        const struct auction_bid *was = &before->bids[i], *is = &after->bids[i];
        struct auction_ruling ruling = after->bid_rulings[i];

        if (!is->is_running)
            CHECK(is->gpus > after->plan.idle_gpus || is->gpus > places);
        has_stopped |= was->is_running && !is->is_running;
        was_outbid |= ruling.verdict == AUCTION_OUTBID;
        if (ruling.verdict == AUCTION_OUTRANKED)
            CHECK(is_forced);
        if (was->is_running && instant_until(was->ran, before->now) < AUCTION_RUN_MIN_US &&
            instant_compare(was->ran, INSTANT_NEVER) != 0)
            CHECK(ruling.verdict != AUCTION_OUTBID);
        CHECK(ruling.ticks == was->ticks ||
              (was->is_running && is->is_running && ruling.ticks <= was->max_ticks));
    }
    if (has_stopped && !is_forced)
        CHECK(after->plan.value_after > after->plan.value_before);
    CHECK(is_forced || after->plan.value_after >= after->plan.value_before);
    CHECK(has_stopped || !was_outbid);
}

static void test_whatever_happens_the_rules_hold(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct hall hall = hall_open(1 + pick(16));

        for (int step = 0; step < STEPS; step++) {
            some_event(&hall, 1 + step, HALL_MAX);
            struct hall before = hall;

            check_row("round %d, step %d", round, step);
            hall_settle(&hall);
            check_decision(&before, &hall);
        }
    }
}

/* P3. */
static void test_a_decision_made_again_is_the_same(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct hall hall = some_hall(16, 30, STEPS);

        check_row("round %d", round);
        hall_settle(&hall);
        struct hall again = hall;
        hall_settle(&again);
        for (size_t i = 0; i < hall.bid_count; i++) {
            CHECK_INT(again.bids[i].is_running, hall.bids[i].is_running);
            CHECK_INT(again.bids[i].ticks, hall.bids[i].ticks);
            CHECK(again.bid_rulings[i].verdict == AUCTION_RUNS ||
                  again.bid_rulings[i].verdict == AUCTION_WAITS);
        }
        for (size_t i = 0; i < hall.firm_count; i++)
            CHECK_INT(again.firms[i].is_running, hall.firms[i].is_running);
        CHECK_INT(again.plan.value_before, hall.plan.value_after);
    }
}

static void shuffle(struct hall *hall)
{
    for (size_t i = hall->bid_count; i > 1; i--) {
        size_t k = (size_t)check_random(i);
        struct auction_bid swap = hall->bids[i - 1];

        hall->bids[i - 1] = hall->bids[k];
        hall->bids[k] = swap;
    }
    for (size_t i = hall->firm_count; i > 1; i--) {
        size_t k = (size_t)check_random(i);
        struct auction_firm swap = hall->firms[i - 1];

        hall->firms[i - 1] = hall->firms[k];
        hall->firms[k] = swap;
    }
}

static void check_same(const struct hall *a, const struct hall *b)
{
    for (size_t i = 0; i < a->bid_count; i++) {
        struct auction_ruling one = a->bid_rulings[i], other = hall_ruling(b, a->bids[i].id);

        CHECK_INT(one.verdict, other.verdict);
        CHECK_INT(one.ticks, other.ticks);
        CHECK_INT(one.keep_ticks, other.keep_ticks);
    }
    for (size_t i = 0; i < a->firm_count; i++)
        CHECK_INT(a->firm_rulings[i].verdict, hall_ruling(b, a->firms[i].id).verdict);
    CHECK_INT(a->plan.again.microseconds, b->plan.again.microseconds);
    CHECK_INT(a->plan.value_after, b->plan.value_after);
}

/* P4. */
static void test_the_order_of_the_inputs_says_nothing(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct hall hall = some_hall(16, 40, STEPS), shuffled = hall;

        check_row("round %d", round);
        shuffle(&shuffled);
        hall_decide(&hall);
        hall_decide(&shuffled);
        check_same(&hall, &shuffled);
    }
}

/* P6: wins at the quote, and loses a tick below it. Who raises itself is left out. */
static void test_quotes_are_exact(void **state)
{
    int64_t quoted = 0, refused = 0;

    (void)state;
    for (int round = 0; round < 4 * ROUNDS; round++) {
        struct hall hall = some_hall(8, 20, 20);
        int64_t gpus = some_size(&hall), floor = 1 + pick(10);

        check_row("round %d", round);
        for (size_t i = 0; i < hall.bid_count; i++)
            hall.bids[i].max_ticks = 0;
        hall_settle(&hall);
        struct auction_facts facts = hall_facts(&hall);
        int64_t ticks = auction_quote(&facts, gpus, floor, 0);
        struct instant now = hall.now;

        hall_bid(&hall, 1000, gpus, ticks < 0 ? AUCTION_TICKS_MAX : ticks, false);
        hall.now = now;
        hall_decide(&hall);
        CHECK_INT(hall_ruling(&hall, 1000).verdict, ticks < 0 ? AUCTION_WAITS : AUCTION_RUNS);
        quoted += ticks >= 0;
        refused += ticks < 0;
        if (ticks <= floor)
            continue;
        hall_find(&hall, 1000)->ticks = ticks - 1;
        hall_decide(&hall);
        CHECK_INT(hall_ruling(&hall, 1000).verdict, AUCTION_WAITS);
    }
    CHECK(quoted > 100 && refused > 20);
}

/* Whoever stops would have run on for `keep_ticks`, and not for a tick less. */
static void test_what_would_have_kept_it_is_exact(void **state)
{
    int64_t stopped = 0;

    (void)state;
    for (int round = 0; round < 4 * ROUNDS; round++) {
        struct hall hall = some_hall(8, 20, 20);

        check_row("round %d", round);
        for (size_t i = 0; i < hall.bid_count; i++)
            hall.bids[i].max_ticks = 0;
        hall_decide(&hall);
        for (size_t i = 0; i < hall.bid_count; i++) {
            struct auction_ruling ruling = hall.bid_rulings[i];
            struct hall tried = hall;

            if (ruling.verdict != AUCTION_OUTBID)
                continue;
            stopped++;
            CHECK(ruling.keep_ticks > ruling.ticks);
            tried.bids[i].ticks = ruling.keep_ticks;
            hall_decide(&tried);
            CHECK_INT(tried.bid_rulings[i].verdict, AUCTION_RUNS);
            tried.bids[i].ticks = ruling.keep_ticks - 1;
            hall_decide(&tried);
            CHECK(tried.bid_rulings[i].verdict != AUCTION_RUNS);
        }
    }
    CHECK(stopped > 50);
}

static void test_no_set_is_better_than_the_one_that_runs(void **state)
{
    int64_t decided = 0, raised = 0, outranked = 0;

    (void)state;
    for (int round = 0; round < BRUTE_ROUNDS; round++) {
        struct hall hall = some_hall(8, BRUTE_BIDS, 25), tried = hall;

        check_row("round %d", round);
        hall_decide(&hall);
        brute_decide(&tried);
        for (size_t i = 0; i < hall.bid_count; i++) {
            CHECK_INT(hall.bid_rulings[i].verdict, tried.bid_rulings[i].verdict);
            CHECK_INT(hall.bid_rulings[i].ticks, tried.bid_rulings[i].ticks);
            decided++;
            raised += hall.bid_rulings[i].ticks != hall.bids[i].ticks;
            outranked += hall.bid_rulings[i].verdict == AUCTION_OUTRANKED;
        }
        for (size_t i = 0; i < hall.firm_count; i++)
            CHECK_INT(hall.firm_rulings[i].verdict, tried.firm_rulings[i].verdict);
    }
    CHECK(decided > 1000 && raised > 10 && outranked > 10);
}

static void test_no_quote_is_lower_than_it_must_be(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        struct hall hall = some_hall(8, 6, 20);
        int64_t gpus = some_size(&hall), floor = pick(10), limit = 8 * 60;

        check_row("round %d", round);
        hall_settle(&hall);
        struct auction_facts facts = hall_facts(&hall);
        CHECK_INT(auction_quote(&facts, gpus, floor, 0), brute_quote(&hall, gpus, floor, limit));
    }
}

/* On one GPU, and where all want as many, "the highest bid runs" is the whole rule. */
static void test_with_equal_sizes_the_highest_bids_run(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct hall hall = hall_open(1 + pick(8));
        size_t count = 2 + (size_t)check_random(20);

        check_row("round %d", round);
        for (size_t i = 0; i < count; i++)
            hall_bid(&hall, (int64_t)i + 1, 1, 1 + pick(1000), false);
        hall_decide(&hall);
        for (size_t i = 0; i < count; i++) {
            int64_t higher = 0;

            for (size_t k = 0; k < count; k++)
                higher += hall.bids[k].ticks > hall.bids[i].ticks ||
                          (hall.bids[k].ticks == hall.bids[i].ticks && k < i);
            CHECK_INT(hall.bid_rulings[i].verdict == AUCTION_RUNS, higher < hall.gpu_count);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whatever_happens_the_rules_hold),
        cmocka_unit_test(test_a_decision_made_again_is_the_same),
        cmocka_unit_test(test_the_order_of_the_inputs_says_nothing),
        cmocka_unit_test(test_quotes_are_exact),
        cmocka_unit_test(test_what_would_have_kept_it_is_exact),
        cmocka_unit_test(test_no_set_is_better_than_the_one_that_runs),
        cmocka_unit_test(test_no_quote_is_lower_than_it_must_be),
        cmocka_unit_test(test_with_equal_sizes_the_highest_bids_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
