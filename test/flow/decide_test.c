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
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
