/* SPDX-License-Identifier: Apache-2.0 */
/* Who runs, as contracts, hosts and money have it: the worked cases, and what happens around them.
 */
#include "flow/decide.h"

#include "check.h"
#include "flow/contact_lost.h"
#include "flow/support_bids.h"

static void test_the_higher_bid_comes_and_the_lower_one_comes_back(void **state)
{
    struct place place;

    place_open(&place, state, 1);
    int64_t a = place_bid(&place, place.ada, 1, 100);
    world_container(&place.machine, a)->clings = true;
    place_run_s(&place, 70);
    int64_t equal = place_bid(&place, place.bob, 1, 100);
    place_check_state(&place, a, RENTAL_RUNNING, REASON_NONE);
    place_check_state(&place, equal, RENTAL_SCHEDULING, REASON_BID_WAITS);
    int64_t b = place_bid(&place, place.bob, 1, 101);
    place_check_state(&place, a, RENTAL_PAUSING, REASON_OUTBID);
    CHECK_TEXT(world_contract(&place.world, a).reason_detail,
               "$0.101 on 1 GPU, for a GPU and hour. $0.101 would have kept it running.");
    CHECK_INT(world_number_of(&place.world, "SELECT keep_ticks FROM bid WHERE contract_id = $1", a),
              101);
    place_check_state(&place, b, RENTAL_SCHEDULING, REASON_GPUS_CLEARING);
    /* Ten seconds of notice, charged, and then the GPU changes hands. */
    place_run_s(&place, 5);
    place_check_state(&place, a, RENTAL_PAUSING, REASON_OUTBID);
    place_run_s(&place, 5);
    place_check_state(&place, a, RENTAL_SCHEDULING, REASON_OUTBID);
    place_run_s(&place, 5);
    place_check_state(&place, b, RENTAL_RUNNING, REASON_NONE);
    CHECK_INT(world_number_of(&place.world,
                              "SELECT total FROM meter WHERE comp = 1 "
                              "AND instance_id = $1",
                              a),
              70 * US_PER_SECOND); /* from the fifth second on */
    world_check(&place.world);

    place_destroy(&place, place.bob, b);
    place_run_s(&place, 10);
    place_check_state(&place, a, RENTAL_RUNNING, REASON_NONE);
    CHECK_INT(world_container(&place.machine, a)->starts, 2);
    /* Its notice is over and done with: the second run is charged like the first, and has a minute
     * of its own. */
    CHECK_INT(instant_compare(world_contract(&place.world, a).pause, INSTANT_NEVER), 0);
    int64_t c = place_bid(&place, place.bob, 1, 200);
    place_run_s(&place, 40);
    place_check_state(&place, a, RENTAL_RUNNING, REASON_NONE);
    CHECK_INT(world_number_of(&place.world,
                              "SELECT total FROM meter WHERE comp = 1 AND instance_id = $1", a),
              70 * US_PER_SECOND);
    place_destroy(&place, place.bob, c);
    place_check_state(&place, equal, RENTAL_SCHEDULING, REASON_BID_WAITS);
    place_close(&place);
}

static void test_a_stronger_pair_beats_one(void **state)
{
    struct place place;

    place_open(&place, state, 2);
    int64_t d = place_bid(&place, place.ada, 2, 260);
    place_run_s(&place, 70);
    int64_t e = place_bid(&place, place.bob, 1, 300);
    place_check_state(&place, d, RENTAL_RUNNING, REASON_NONE);
    int64_t f = place_bid(&place, place.bob, 1, 250);
    place_check_state(&place, d, RENTAL_PAUSING, REASON_OUTBID);
    CHECK_TEXT(world_contract(&place.world, d).reason_detail,
               "$0.300 on 1 GPU and $0.250 on 1 GPU, for a GPU and hour. "
               "$0.275 would have kept it running.");
    place_run_s(&place, 20);
    place_check_state(&place, e, RENTAL_RUNNING, REASON_NONE);
    place_check_state(&place, f, RENTAL_RUNNING, REASON_NONE);
    place_check_state(&place, d, RENTAL_SCHEDULING, REASON_OUTBID);
    place_close(&place);
}

static void test_on_demand_comes_before_all_bids(void **state)
{
    struct place place;

    place_open(&place, state, 4);
    int64_t a = place_bid(&place, place.ada, 1, 200);
    place_run_s(&place, 5);
    int64_t b = place_bid(&place, place.ada, 1, 200), c = place_bid(&place, place.ada, 2, 300);
    place_run_s(&place, 5);
    CHECK(world_offer(&place.world, place.machine.id, 4) != 0);
    int64_t x = place_rent(&place, place.bob, 1);
    place_check_state(&place, b, RENTAL_PAUSING, REASON_OUTRANKED);
    place_check_state(&place, a, RENTAL_RUNNING, REASON_NONE);
    place_check_state(&place, x, RENTAL_SCHEDULING, REASON_GPUS_CLEARING);
    /* What is promised is nobody else's. */
    CHECK_INT(world_offer(&place.world, place.machine.id, 4), 0);
    CHECK(world_offer(&place.world, place.machine.id, 2) != 0);
    place_run_s(&place, 15);
    place_check_state(&place, x, RENTAL_RUNNING, REASON_NONE);
    place_check_state(&place, b, RENTAL_SCHEDULING, REASON_OUTRANKED);
    world_check(&place.world);

    int64_t y = place_rent(&place, place.bob, 2);
    place_check_state(&place, a, RENTAL_RUNNING, REASON_NONE);
    place_check_state(&place, c, RENTAL_PAUSING, REASON_OUTRANKED);
    place_run_s(&place, 15);
    place_check_state(&place, y, RENTAL_RUNNING, REASON_NONE);
    place_destroy(&place, place.bob, x);
    place_destroy(&place, place.bob, y);
    place_run_s(&place, 15);
    place_check_state(&place, a, RENTAL_RUNNING, REASON_NONE);
    place_check_state(&place, b, RENTAL_RUNNING, REASON_NONE);
    place_check_state(&place, c, RENTAL_RUNNING, REASON_NONE);
    place_close(&place);
}

static void test_a_stopped_instance_waits_for_its_gpus(void **state)
{
    struct place place;

    place_open(&place, state, 2);
    int64_t x = place_rent(&place, place.ada, 2);
    place_run_s(&place, 5);
    place_stop(&place, place.ada, x);
    place_run_s(&place, 5);
    int64_t one = place_rent(&place, place.bob, 1), two = place_rent(&place, place.bob, 1);
    place_run_s(&place, 5);
    CHECK_INT(place_start(&place, place.ada, x), CHANGE_WAITS);
    place_check_state(&place, x, RENTAL_SCHEDULING, REASON_GPUS_TAKEN);
    place_destroy(&place, place.bob, one);
    place_run_s(&place, 10);
    place_check_state(&place, x, RENTAL_SCHEDULING, REASON_GPUS_TAKEN);
    /* It cannot use the one that is free: a bid may. */
    int64_t waits = place_bid(&place, place.bob, 1, 100);
    place_run_s(&place, 5);
    place_check_state(&place, waits, RENTAL_RUNNING, REASON_NONE);
    place_destroy(&place, place.bob, two);
    place_run_s(&place, 15);
    place_check_state(&place, x, RENTAL_RUNNING, REASON_NONE);
    place_check_state(&place, waits, RENTAL_SCHEDULING, REASON_OUTRANKED);
    /* Waiting is ended by a stop. */
    place_stop(&place, place.bob, waits);
    place_check_state(&place, waits, RENTAL_STOPPED, REASON_USER_STOP);
    place_destroy(&place, place.ada, x);
    place_run_s(&place, 10);
    place_check_state(&place, waits, RENTAL_STOPPED, REASON_USER_STOP);
    CHECK_INT(place_start(&place, place.bob, waits), CHANGE_WAITS);
    place_run_s(&place, 5);
    place_check_state(&place, waits, RENTAL_RUNNING, REASON_NONE);
    place_close(&place);
}

static void test_one_that_does_not_resume_waits_to_be_asked(void **state)
{
    struct place place;
    struct rental_reply reply;
    struct error err;

    place_open(&place, state, 1);
    struct rental_request request =
        world_bid_request(world_offer(&place.world, place.machine.id, 1), 1, 100);
    request.stays_stopped = true;
    CHECK_OK(flow_rent(&place.world.flow, &place.ada, &request, &reply, &err), &err);
    place_run_s(&place, 70);
    int64_t rival = place_bid(&place, place.bob, 1, 150);
    place_run_s(&place, 15);
    place_destroy(&place, place.bob, rival);
    place_run_s(&place, 30);
    place_check_state(&place, reply.instance_id, RENTAL_SCHEDULING, REASON_OUTBID);
    CHECK_INT(place_start(&place, place.ada, reply.instance_id), CHANGE_WAITS);
    place_run_s(&place, 5);
    place_check_state(&place, reply.instance_id, RENTAL_RUNNING, REASON_NONE);
    place_close(&place);
}

static void test_a_machine_out_of_contact_decides_nothing(void **state)
{
    struct place place;
    struct error err;
    size_t count;

    place_open(&place, state, 1);
    int64_t a = place_bid(&place, place.ada, 1, 100), b = place_bid(&place, place.bob, 1, 50);
    place_run_s(&place, 70);
    world_pass(&place.world, 31 * US_PER_SECOND);
    CHECK_OK(flow_contact_lost(&place.world.flow, &count, &err), &err);
    place_destroy(&place, place.ada, a);
    place_check_state(&place, b, RENTAL_SCHEDULING, REASON_BID_WAITS);
    CHECK_INT(world_beat(&place.world, &place.machine), TAKE_DONE);
    place_run_s(&place, 5);
    place_check_state(&place, b, RENTAL_RUNNING, REASON_NONE);
    place_close(&place);
}

/* A bid can run for as long as nobody outbids it. */
static void test_thirty_days_without_a_rival(void **state)
{
    struct place place;

    place_open(&place, state, 1);
    int64_t a = place_bid(&place, place.ada, 1, 100);
    place_run_s(&place, 5);
    for (int day = 0; day < 30; day++) {
        world_pass(&place.world, 24 * US_PER_HOUR - 20 * US_PER_SECOND);
        CHECK_INT(world_beat(&place.world, &place.machine), TAKE_DONE);
        place_run_s(&place, 20);
        place_check_state(&place, a, RENTAL_RUNNING, REASON_NONE);
    }
    CHECK_INT(world_container(&place.machine, a)->starts, 1);
    place_close(&place);
}

/* Each decision that something hung on is kept, once. */
static void test_decisions_are_kept(void **state)
{
    struct place place;

    place_open(&place, state, 2);
    (void)place_rent(&place, place.ada, 1);
    place_run_s(&place, 5);
    CHECK_INT(world_number(&place.world, "SELECT COUNT(*) FROM decision"), 0);
    (void)place_bid(&place, place.ada, 1, 100);
    place_run_s(&place, 70);
    int64_t before = world_number(&place.world, "SELECT COUNT(*) FROM decision");
    CHECK(before >= 1);
    int64_t b = place_bid(&place, place.bob, 1, 101);
    CHECK_INT(world_number(&place.world, "SELECT COUNT(*) FROM decision"), before + 1);
    CHECK_INT(world_number(&place.world,
                           "SELECT value_after - value_before FROM decision ORDER BY id DESC "
                           "LIMIT 1"),
              1);
    CHECK_INT(world_number_of(&place.world,
                              "SELECT COUNT(*) FROM contract_event e JOIN decision d "
                              "ON d.id = e.decision_id WHERE e.reason = 12 AND d.id = "
                              "(SELECT MAX(id) FROM decision) AND $1 > 0",
                              b),
              1);
    place_close(&place);
}

/* What is left of its notice. */
static int64_t notice_us(struct place *place, int64_t id)
{
    return instant_until(clock_now(&place->world.clock), world_contract(&place->world, id).pause);
}

static int64_t bid_with_notice(struct place *place, struct caller renter, int64_t ticks,
                               int64_t grace_s)
{
    struct rental_request request =
        world_bid_request(world_offer(&place->world, place->machine.id, 1), 1, ticks);
    struct rental_reply reply;
    struct error err;

    request.grace_s = grace_s;
    CHECK_OK(flow_rent(&place->world.flow, &renter, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, RENTAL_MADE);
    return reply.instance_id;
}

/* Bids wait for as long as was agreed; on demand waits ten seconds at most. */
static void test_notice_is_shorter_for_on_demand(void **state)
{
    static const struct {
        int64_t grace_s, outbid_s, outranked_s;
    } rows[] = { { 0, 0, 0 }, { 9, 9, 9 }, { 10, 10, 10 }, { 11, 11, 10 }, { 120, 120, 10 } };
    struct place place;

    place_open(&place, state, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int is_firm = 0; is_firm < 2; is_firm++) {
            check_row("%lld s, %d", (long long)rows[i].grace_s, is_firm);
            int64_t bid = bid_with_notice(&place, place.ada, 100, rows[i].grace_s);
            world_container(&place.machine, bid)->clings = true;
            place_run_s(&place, 70);
            place_check_state(&place, bid, RENTAL_RUNNING, REASON_NONE);
            int64_t winner =
                is_firm ? place_rent(&place, place.bob, 1) : place_bid(&place, place.bob, 1, 200);
            CHECK_INT(notice_us(&place, bid),
                      (is_firm ? rows[i].outranked_s : rows[i].outbid_s) * US_PER_SECOND);
            place_destroy(&place, place.bob, winner);
            place_destroy(&place, place.ada, bid);
            place_run_s(&place, 10);
        }
    }
    /* What has no process yet has nothing to save. */
    int64_t young = bid_with_notice(&place, place.ada, 100, 60);
    place_check_state(&place, young, RENTAL_CREATED, REASON_NONE);
    (void)place_rent(&place, place.bob, 1);
    place_check_state(&place, young, RENTAL_PAUSING, REASON_OUTRANKED);
    CHECK_INT(notice_us(&place, young), 0);
    place_close(&place);
}

/* It could when it was made. */
static void test_who_cannot_pay_is_passed_over(void **state)
{
    struct place place;

    place_open(&place, state, 1);
    struct caller poor = world_user(&place.world, "poor@berth.test", 1);
    int64_t runs = place_bid(&place, place.ada, 1, 350);
    place_run_s(&place, 70);
    int64_t high = place_bid(&place, poor, 1, 300), low = place_bid(&place, place.bob, 1, 50);
    support_script(place.world.support,
                   "UPDATE account SET dr_posted = cr_posted - 200000000 WHERE code = 2020\n"
                   "  AND owner_id = (SELECT id FROM users WHERE email = 'poor@berth.test');");
    place_destroy(&place, place.ada, runs);
    place_run_s(&place, 10);
    place_check_state(&place, high, RENTAL_STOPPED, REASON_NO_CREDIT);
    place_check_state(&place, low, RENTAL_RUNNING, REASON_NONE);
    world_close(&place.world);
}

/* Two GPUs are free, and the disk is enough for either bid, but not for both: one that is stopped
 * keeps its files. */
static void run_two(void **state, int64_t disk_gb, bool fits_both)
{
    struct place place;
    int64_t bids[2];

    place_open(&place, state, 2);
    int64_t all = place_bid(&place, place.bob, 2, 350);
    place_run_s(&place, 70);
    for (size_t i = 0; i < 2; i++) {
        struct rental_request request =
            world_bid_request(world_offer(&place.world, place.machine.id, 1), 1, 100 - (int64_t)i);
        struct rental_reply reply;
        struct error err;

        request.spec.disk_gb = disk_gb;
        CHECK_OK(flow_rent(&place.world.flow, &place.ada, &request, &reply, &err), &err);
        CHECK_INT(reply.outcome, RENTAL_MADE);
        bids[i] = reply.instance_id;
    }
    place_stop(&place, place.bob, all);
    place_run_s(&place, 10);
    place_check_state(&place, bids[0], RENTAL_RUNNING, REASON_NONE);
    place_check_state(&place, bids[1], fits_both ? RENTAL_RUNNING : RENTAL_SCHEDULING,
                      fits_both ? REASON_NONE : REASON_BID_WAITS);
    place_destroy(&place, place.bob, all);
    place_run_s(&place, 10);
    place_check_state(&place, bids[1], RENTAL_RUNNING, REASON_NONE);
    place_close(&place);
}

static void test_who_has_room_runs(void **state)
{
    run_two(state, 495, true);
}

static void test_who_has_no_room_waits_on(void **state)
{
    run_two(state, 496, false);
}

static int64_t decide_us(struct place *place)
{
    return world_number_of(&place->world, "SELECT decide_us FROM machine WHERE id = $1",
                           place->machine.id);
}

/* A minimum run that keeps somebody waiting ends at an instant, which is kept; any other ends
 * unheeded. */
static void test_the_end_of_a_minimum_run_is_kept_in_mind(void **state)
{
    struct place place;

    place_open(&place, state, 1);
    int64_t a = place_bid(&place, place.ada, 1, 100);
    place_run_s(&place, 5);
    int64_t began_us = world_contract(&place.world, a).ran.microseconds;
    CHECK_INT(decide_us(&place), INSTANT_NEVER.microseconds);
    int64_t b = place_bid(&place, place.bob, 1, 200);
    CHECK_INT(decide_us(&place), began_us + AUCTION_RUN_MIN_US);
    place_destroy(&place, place.bob, b);
    CHECK_INT(decide_us(&place), INSTANT_NEVER.microseconds);
    place_close(&place);
}

/* What on demand costs is no bid, so nothing is quoted there. */
static void test_a_quote_is_below_the_price_on_demand(void **state)
{
    static const char run_bid[] =
        "SELECT run_bid_hour FROM offer WHERE is_volume = 0 AND removed_us IS NULL";
    struct bid_request request = { .has_price = true, .price = { 359000000 } };
    struct bid_reply reply;
    struct place place;
    struct error err;

    place_open(&place, state, 1);
    request.instance_id = place_bid(&place, place.ada, 1, 358);
    place_run_s(&place, 70);
    (void)place_bid(&place, place.bob, 1, 50);
    CHECK_INT(world_number(&place.world, run_bid), 359000000);
    CHECK_OK(flow_bid_change(&place.world.flow, &place.ada, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, BID_CHANGED);
    CHECK_INT(world_number(&place.world, run_bid), -1);
    place_close(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_higher_bid_comes_and_the_lower_one_comes_back),
        cmocka_unit_test(test_a_stronger_pair_beats_one),
        cmocka_unit_test(test_on_demand_comes_before_all_bids),
        cmocka_unit_test(test_a_stopped_instance_waits_for_its_gpus),
        cmocka_unit_test(test_one_that_does_not_resume_waits_to_be_asked),
        cmocka_unit_test(test_a_machine_out_of_contact_decides_nothing),
        cmocka_unit_test(test_thirty_days_without_a_rival),
        cmocka_unit_test(test_decisions_are_kept),
        cmocka_unit_test(test_notice_is_shorter_for_on_demand),
        cmocka_unit_test(test_who_cannot_pay_is_passed_over),
        cmocka_unit_test(test_who_has_room_runs),
        cmocka_unit_test(test_who_has_no_room_waits_on),
        cmocka_unit_test(test_the_end_of_a_minimum_run_is_kept_in_mind),
        cmocka_unit_test(test_a_quote_is_below_the_price_on_demand),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
