/* SPDX-License-Identifier: Apache-2.0 */
/* Bids from the renter's side: made, changed, charged, and what they may not be. */
#include "flow/bid.h"

#include "check.h"
#include "flow/reserve.h"
#include "flow/support_bids.h"
#include "market/auction.h"

static enum rental_state state_of(struct place *place, int64_t id)
{
    return world_contract(&place->world, id).state;
}

static struct bid_reply change(struct place *place, struct caller renter,
                               const struct bid_request *request)
{
    struct bid_reply reply;
    struct error err;

    CHECK_OK(flow_bid_change(&place->world.flow, &renter, request, &reply, &err), &err);
    return reply;
}

static enum bid_outcome set_bid(struct place *place, int64_t id, int64_t nanodollars)
{
    struct bid_request request = { .instance_id = id, .has_price = true, .price = { nanodollars } };

    return change(place, place->ada, &request).outcome;
}

/* What of the instance's GPU meter was posted up to now: exact to the nanodollar. */
static int64_t gpu_charged(struct place *place, int64_t id)
{
    return world_number_of(
        &place->world, "SELECT gross_posted FROM meter WHERE comp = 1 AND instance_id = $1", id);
}

static void test_it_runs_and_pays_what_it_bid(void **state)
{
    struct place place;
    enum change_outcome outcome;
    struct error err;

    place_open(&place, state, 2);
    int64_t id = place_bid(&place, place.ada, 2, 100);
    struct contract_row contract = world_contract(&place.world, id);
    CHECK_INT(contract.kind, KIND_BID);
    CHECK_INT(contract.state, RENTAL_CREATED);
    CHECK_INT(contract.terms.gpu_hour.nanodollars, 200000000);
    CHECK_INT(contract.list_hour.nanodollars, 720000000);
    CHECK_INT(contract.started.microseconds, contract.terms.start.microseconds);
    place_run_s(&place, 5);
    CHECK_INT(state_of(&place, id), RENTAL_RUNNING);
    place_run_s(&place, 3600);
    CHECK_OK(flow_stop(&place.world.flow, &place.ada, id, &outcome, &err), &err);
    CHECK_INT(gpu_charged(&place, id), 200000000);
    place_close(&place);
}

/* The next offer of that size is another one; so asking twice is asking once. */
static void test_an_offer_is_bid_for_once(void **state)
{
    struct place place;
    struct error err;

    place_open(&place, state, 1);
    int64_t offer = world_offer(&place.world, place.machine.id, 1);
    struct rental_request request = world_bid_request(offer, 1, 100);
    struct rental_reply first, again, other;

    CHECK_OK(flow_rent(&place.world.flow, &place.ada, &request, &first, &err), &err);
    CHECK_OK(flow_rent(&place.world.flow, &place.ada, &request, &again, &err), &err);
    CHECK_OK(flow_rent(&place.world.flow, &place.bob, &request, &other, &err), &err);
    CHECK_INT(first.outcome, RENTAL_MADE);
    CHECK(!first.waits);
    CHECK_INT(again.outcome, RENTAL_REPEATED);
    CHECK_INT(again.instance_id, first.instance_id);
    CHECK_INT(other.refusal, RENT_NO_SUCH_OFFER);
    other = world_bid(&place.world, place.bob, place.machine.id, 1, 100);
    CHECK_INT(other.outcome, RENTAL_MADE);
    CHECK(other.waits);
    CHECK_INT(other.run_ticks, 101);
    place_close(&place);
}

static void test_a_waiting_bid_costs_nothing(void **state)
{
    struct place place;
    enum change_outcome outcome;
    struct error err;

    place_open(&place, state, 1);
    int64_t runs = place_bid(&place, place.ada, 1, 100);
    int64_t waits = place_bid(&place, place.bob, 1, 50);
    CHECK_INT(state_of(&place, waits), RENTAL_SCHEDULING);
    CHECK_INT(world_contract(&place.world, waits).reason, REASON_BID_WAITS);
    place_run_s(&place, 3600);
    CHECK_INT(world_credit(&place.world, place.bob), INT64_C(100000000000));
    CHECK_INT(
        world_number_of(&place.world, "SELECT COUNT(*) FROM meter WHERE instance_id = $1", waits),
        0);
    CHECK_INT(world_container(&place.machine, waits)->starts, 0);
    /* Nothing of it has to go from anywhere. */
    int64_t other = place_bid(&place, place.bob, 1, 40);
    CHECK_OK(flow_destroy(&place.world.flow, &place.bob, other, &outcome, &err), &err);
    CHECK_INT(state_of(&place, other), RENTAL_DESTROYED);

    CHECK_OK(flow_destroy(&place.world.flow, &place.ada, runs, &outcome, &err), &err);
    place_run_s(&place, 10);
    CHECK_INT(state_of(&place, waits), RENTAL_RUNNING);
    CHECK(world_contract(&place.world, waits).started.microseconds != 0);
    CHECK(world_credit(&place.world, place.bob) < INT64_C(100000000000));
    place_close(&place);
}

static void test_what_no_bid_may_be(void **state)
{
    struct place place;
    struct error err;
    struct money reserve = { 150000000 };
    enum reserve_outcome outcome;

    place_open(&place, state, 1);
    CHECK_OK(flow_reserve(&place.world.flow, &place.machine.host, place.machine.id, reserve,
                          &outcome, &err),
             &err);
    CHECK_INT(outcome, RESERVE_SET);
    struct rental_reply reply = world_bid(&place.world, place.ada, place.machine.id, 1, 149);
    CHECK_INT(reply.outcome, RENTAL_REFUSED);
    CHECK_INT(reply.refusal, RENT_BID_TOO_LOW);
    CHECK_INT(reply.lowest_bid, 150);
    reply = world_bid(&place.world, place.ada, place.machine.id, 1, 360);
    CHECK_INT(reply.refusal, RENT_BID_TOO_HIGH);
    reply = world_bid(&place.world, place.machine.host, place.machine.id, 1, 200);
    CHECK_INT(reply.refusal, RENT_OWN_MACHINE);

    int64_t id = place_bid(&place, place.ada, 1, 200);
    struct rental_request request =
        world_bid_request(world_offer(&place.world, place.machine.id, 1), 1, 200);
    request.must_run = true;
    CHECK_OK(flow_rent(&place.world.flow, &place.bob, &request, &reply, &err), &err);
    CHECK_INT(reply.refusal, RENT_BID_WOULD_WAIT);
    request.price.nanodollars = 201000000;
    request.rule_version = AUCTION_RULE_VERSION + 1;
    CHECK_OK(flow_rent(&place.world.flow, &place.bob, &request, &reply, &err), &err);
    CHECK_INT(reply.refusal, RENT_OTHER_RULES);

    CHECK_INT(set_bid(&place, id, 149999999), BID_BELOW_FLOOR);
    CHECK_INT(set_bid(&place, id, 0), BID_BAD_PRICE);
    CHECK_INT(set_bid(&place, id, 360000000), BID_NOT_BELOW_LIST);
    CHECK_INT(set_bid(&place, id, 359999999), BID_CHANGED);
    CHECK_INT(set_bid(&place, id, 150000000), BID_CHANGED); /* the floor itself */
    int64_t on_demand =
        world_rent(&place.world, place.ada, world_offer(&place.world, place.machine.id, 1))
            .instance_id;
    CHECK_INT(set_bid(&place, on_demand, 200000000), BID_ON_DEMAND);
    CHECK_INT(set_bid(&place, 9999, 200000000), BID_NO_INSTANCE);
    struct bid_request foreign = { .instance_id = id, .has_price = true, .price = { 200000000 } };
    CHECK_INT(change(&place, place.bob, &foreign).outcome, BID_NO_INSTANCE);
    place_close(&place);
}

static void test_a_new_price_counts_from_its_moment(void **state)
{
    struct place place;
    enum change_outcome outcome;
    struct error err;

    place_open(&place, state, 1);
    int64_t id = place_bid(&place, place.ada, 1, 100);
    place_run_s(&place, 5);
    place_run_s(&place, 600);
    world_pass(&place.world, 2 * US_PER_SECOND);
    CHECK_INT(set_bid(&place, id, 200000000), BID_CHANGED);
    /* 602 s at $0.100 and hour. */
    CHECK_INT(gpu_charged(&place, id), INT64_C(602) * 100000000 / 3600);
    world_pass(&place.world, 3 * US_PER_SECOND);
    CHECK_INT(world_beat(&place.world, &place.machine), TAKE_DONE);
    place_run_s(&place, 595);
    CHECK_INT(set_bid(&place, id, 50000000), BID_CHANGED);
    place_run_s(&place, 1000);
    CHECK_OK(flow_stop(&place.world.flow, &place.ada, id, &outcome, &err), &err);
    CHECK_INT(gpu_charged(&place, id),
              (INT64_C(602) * 100000000 + INT64_C(598) * 200000000 + INT64_C(1000) * 50000000) /
                  3600);
    CHECK_INT(world_number_of(&place.world,
                              "SELECT COUNT(*) FROM rate_epoch WHERE comp = 1 AND "
                              "instance_id = $1",
                              id),
              3);
    place_close(&place);
}

/* Raised twice while the host says nothing: 18 s after it was last heard of, and again. */
static void check_silence(void **state, int64_t silence_s, int64_t counted_s)
{
    struct place place;

    place_open(&place, state, 1);
    int64_t id = place_bid(&place, place.ada, 1, 100);
    place_run_s(&place, 5);
    place_run_s(&place, 600);
    world_pass(&place.world, 18 * US_PER_SECOND);
    CHECK_INT(set_bid(&place, id, 200000000), BID_CHANGED);
    world_pass(&place.world, (silence_s - 18) * US_PER_SECOND);
    CHECK_INT(set_bid(&place, id, 300000000), BID_CHANGED);
    CHECK_INT(gpu_charged(&place, id),
              (INT64_C(618) * 100000000 + counted_s * INT64_C(200000000)) / 3600);
    place_close(&place);
}

static void test_a_lease_counts_to_its_end_at_any_price(void **state)
{
    check_silence(state, 30, 12);
}

static void test_a_new_price_begins_no_lease(void **state)
{
    check_silence(state, 31, 0);
}

static void test_a_running_bid_is_lowered_every_ten_minutes_at_most(void **state)
{
    struct place place;

    place_open(&place, state, 1);
    int64_t id = place_bid(&place, place.ada, 1, 100);
    place_run_s(&place, 5);
    CHECK_INT(set_bid(&place, id, 99000000), BID_CHANGED);
    place_run_s(&place, 599);
    CHECK_INT(set_bid(&place, id, 98000000), BID_TOO_SOON);
    CHECK_INT(set_bid(&place, id, 99000000), BID_CHANGED); /* as it is */
    CHECK_INT(set_bid(&place, id, 110000000), BID_CHANGED);
    world_pass(&place.world, US_PER_SECOND);
    CHECK_INT(set_bid(&place, id, 98000000), BID_CHANGED);
    /* One that waits holds nothing up. */
    int64_t waits = world_bid(&place.world, place.ada, place.machine.id, 1, 50).instance_id;
    for (int i = 1; i < 5; i++)
        CHECK_INT(set_bid(&place, waits, 50000000 - i * 1000000), BID_CHANGED);
    place_close(&place);
}

static void test_asked_for_what_wins_it_gets_that(void **state)
{
    struct place place;

    place_open(&place, state, 1);
    int64_t runs = place_bid(&place, place.bob, 1, 100), id = place_bid(&place, place.ada, 1, 50);
    place_run_s(&place, 70);
    struct bid_request request = { .instance_id = id };
    struct bid_reply reply = change(&place, place.ada, &request);
    CHECK_INT(reply.outcome, BID_CHANGED);
    CHECK_INT(reply.ticks, 101);
    CHECK(!reply.waits);
    CHECK_INT(state_of(&place, runs), RENTAL_PAUSING);
    place_run_s(&place, 15);
    CHECK_INT(state_of(&place, id), RENTAL_RUNNING);
    CHECK_INT(state_of(&place, runs), RENTAL_SCHEDULING);
    /* While nothing would win, nothing is bid. */
    struct bid_request hopeless = { .instance_id = runs };
    CHECK_INT(change(&place, place.bob, &hopeless).outcome, BID_NEVER_WINS);
    place_close(&place);
}

static void test_it_raises_itself_to_go_on_running(void **state)
{
    struct place place;
    struct rental_reply reply;
    struct error err;

    place_open(&place, state, 1);
    struct rental_request request =
        world_bid_request(world_offer(&place.world, place.machine.id, 1), 1, 100);
    request.max_price.nanodollars = 150000000;
    CHECK_OK(flow_rent(&place.world.flow, &place.ada, &request, &reply, &err), &err);
    place_run_s(&place, 70);
    int64_t rival = place_bid(&place, place.bob, 1, 120);
    struct contract_row contract = world_contract(&place.world, reply.instance_id);
    CHECK_INT(contract.state, RENTAL_RUNNING);
    CHECK_INT(contract.terms.gpu_hour.nanodollars, 120000000);
    CHECK_INT(world_number_of(&place.world,
                              "SELECT rate FROM meter WHERE comp = 1 AND instance_id = $1",
                              reply.instance_id),
              120000000);
    /* It is a new price, as young as any other: of equals, who bid as much before goes first. */
    CHECK_INT(world_number_of(&place.world, "SELECT placed_us FROM bid WHERE contract_id = $1",
                              reply.instance_id),
              clock_now(&place.world.clock).microseconds);
    struct bid_request more = { .instance_id = rival, .has_price = true, .price = { 151000000 } };
    CHECK_INT(change(&place, place.bob, &more).outcome, BID_CHANGED);
    contract = world_contract(&place.world, reply.instance_id);
    CHECK_INT(contract.state, RENTAL_PAUSING);
    CHECK_INT(contract.terms.gpu_hour.nanodollars, 120000000);
    place_run_s(&place, 15);
    CHECK_INT(state_of(&place, rival), RENTAL_RUNNING);
    place_close(&place);
}

/* Who has to make way holds nothing up any more, so its bid may fall as it likes. */
static void test_one_that_makes_way_may_lower_its_bid(void **state)
{
    struct place place;

    place_open(&place, state, 1);
    int64_t id = place_bid(&place, place.ada, 1, 100);
    world_container(&place.machine, id)->clings = true;
    place_run_s(&place, 70);
    CHECK_INT(set_bid(&place, id, 99000000), BID_CHANGED);
    CHECK_INT(set_bid(&place, id, 98000000), BID_TOO_SOON);
    (void)place_bid(&place, place.bob, 1, 200);
    place_check_state(&place, id, RENTAL_PAUSING, REASON_OUTBID);
    CHECK_INT(set_bid(&place, id, 98000000), BID_CHANGED);
    CHECK_INT(set_bid(&place, id, 97000000), BID_CHANGED);
    place_close(&place);
}

/* A new price is as old as itself; the same again is as old as before. None raises itself above
 * what on demand costs. */
static void test_what_a_change_writes_down(void **state)
{
    static const char placed[] = "SELECT placed_us FROM bid WHERE contract_id = $1";
    struct place place;

    place_open(&place, state, 1);
    int64_t id = place_bid(&place, place.ada, 1, 100);
    int64_t made_us = clock_now(&place.world.clock).microseconds;
    place_run_s(&place, 10);
    struct bid_request request = { .instance_id = id,
                                   .has_price = true,
                                   .price = { 100000000 },
                                   .has_max_price = true,
                                   .max_price = { 900000000 } };
    CHECK_INT(change(&place, place.ada, &request).outcome, BID_CHANGED);
    CHECK_INT(world_number_of(&place.world, placed, id), made_us);
    CHECK_INT(world_number_of(&place.world, "SELECT max_ticks FROM bid WHERE contract_id = $1", id),
              359);
    CHECK_INT(set_bid(&place, id, 101000000), BID_CHANGED);
    CHECK_INT(world_number_of(&place.world, placed, id), made_us + 10 * US_PER_SECOND);
    place_close(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_runs_and_pays_what_it_bid),
        cmocka_unit_test(test_an_offer_is_bid_for_once),
        cmocka_unit_test(test_a_waiting_bid_costs_nothing),
        cmocka_unit_test(test_what_no_bid_may_be),
        cmocka_unit_test(test_a_new_price_counts_from_its_moment),
        cmocka_unit_test(test_a_lease_counts_to_its_end_at_any_price),
        cmocka_unit_test(test_a_new_price_begins_no_lease),
        cmocka_unit_test(test_a_running_bid_is_lowered_every_ten_minutes_at_most),
        cmocka_unit_test(test_asked_for_what_wins_it_gets_that),
        cmocka_unit_test(test_it_raises_itself_to_go_on_running),
        cmocka_unit_test(test_one_that_makes_way_may_lower_its_bid),
        cmocka_unit_test(test_what_a_change_writes_down),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
