/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/reserve.h"

#include "check.h"
#include "flow/support_bids.h"

/* The floor at its admission stays with it. */
static void test_a_later_floor_does_not_reach_it(void **state)
{
    struct place place;
    enum reserve_outcome outcome;
    struct error err;

    place_open(&place, state, 1);
    int64_t id = place_bid(&place, place.ada, 1, 100);
    struct money prices[] = { { 300000000 }, { 361000000 }, { -1 } };
    static const enum reserve_outcome wanted[] = { RESERVE_SET, RESERVE_BAD_PRICE,
                                                   RESERVE_BAD_PRICE };
    for (int i = 0; i < 3; i++) {
        CHECK_OK(flow_reserve(&place.world.flow, &place.machine.host, place.machine.id, prices[i],
                              &outcome, &err),
                 &err);
        CHECK_INT(outcome, wanted[i]);
    }
    CHECK_OK(
        flow_reserve(&place.world.flow, &place.ada, place.machine.id, prices[0], &outcome, &err),
        &err);
    CHECK_INT(outcome, RESERVE_NO_MACHINE);
    place_run_s(&place, 5);
    place_check_state(&place, id, RENTAL_RUNNING, REASON_NONE);
    struct bid_request request = { .instance_id = id, .has_price = true, .price = { 90000000 } };
    struct bid_reply changed;
    CHECK_OK(flow_bid_change(&place.world.flow, &place.ada, &request, &changed, &err), &err);
    CHECK_INT(changed.outcome, BID_CHANGED);
    CHECK_INT(world_bid(&place.world, place.bob, place.machine.id, 1, 299).refusal,
              RENT_BID_TOO_LOW);
    place_close(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_later_floor_does_not_reach_it),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
