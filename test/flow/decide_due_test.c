/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/decide_due.h"

#include "check.h"
#include "flow/admin.h"
#include "flow/no_credit.h"
#include "flow/support_bids.h"

static void test_a_minute_is_a_bids_own(void **state)
{
    struct place place;
    struct error err;
    size_t count;

    place_open(&place, state, 1);
    int64_t a = place_bid(&place, place.ada, 1, 100);
    place_run_s(&place, 5);
    int64_t b = place_bid(&place, place.bob, 1, 200);
    place_check_state(&place, a, RENTAL_RUNNING, REASON_NONE);
    place_run_s(&place, 55);
    CHECK_OK(flow_decide_due(&place.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    place_check_state(&place, a, RENTAL_RUNNING, REASON_NONE);
    world_pass(&place.world, 5 * US_PER_SECOND);
    CHECK_OK(flow_decide_due(&place.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    place_check_state(&place, a, RENTAL_PAUSING, REASON_OUTBID);
    CHECK_OK(flow_decide_due(&place.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    place_run_s(&place, 15);
    place_check_state(&place, b, RENTAL_RUNNING, REASON_NONE);
    place_close(&place);
}

static void test_want_of_credit_makes_place_until_it_is_mended(void **state)
{
    struct place place;
    struct error err;
    size_t count;

    place_open(&place, state, 1);
    struct caller poor = world_user(&place.world, "poor@berth.test", 1);
    int64_t a = place_bid(&place, poor, 1, 200), b = place_bid(&place, place.bob, 1, 100);
    place_run_s(&place, 5 * 3600);
    CHECK_OK(flow_no_credit(&place.world.flow, &count, &err), &err);
    place_check_state(&place, a, RENTAL_STOPPING, REASON_NO_CREDIT);
    place_run_s(&place, 10);
    place_check_state(&place, a, RENTAL_STOPPED, REASON_NO_CREDIT);
    place_check_state(&place, b, RENTAL_RUNNING, REASON_NONE);
    CHECK_OK(flow_funded(&place.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    place_run_s(&place, 60);
    enum admin_outcome outcome;
    CHECK_OK(flow_set_credit_limit(&place.world.flow, poor.user_id, (struct money){ 5000000000 },
                                   &outcome, &err),
             &err);
    CHECK_OK(flow_funded(&place.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    place_check_state(&place, b, RENTAL_PAUSING, REASON_OUTBID);
    place_run_s(&place, 15);
    place_check_state(&place, a, RENTAL_RUNNING, REASON_NONE);
    place_close(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_minute_is_a_bids_own),
        cmocka_unit_test(test_want_of_credit_makes_place_until_it_is_mended),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
