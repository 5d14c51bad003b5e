/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/decide_due.h"

#include "check.h"
#include "flow/admin.h"
#include "flow/contact_lost.h"
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

/* Its return decides: nothing is asked of it over and over meanwhile. */
static void test_one_out_of_contact_is_due_once(void **state)
{
    struct place place;
    struct error err;
    size_t count;

    place_open(&place, state, 1);
    int64_t a = place_bid(&place, place.ada, 1, 100);
    place_run_s(&place, 5);
    int64_t b = place_bid(&place, place.bob, 1, 200);
    world_pass(&place.world, 61 * US_PER_SECOND);
    CHECK_OK(flow_contact_lost(&place.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_OK(flow_decide_due(&place.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_OK(flow_decide_due(&place.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    place_check_state(&place, a, RENTAL_RUNNING, REASON_NONE);
    place_run_s(&place, 30);
    place_check_state(&place, b, RENTAL_RUNNING, REASON_NONE);
    place_close(&place);
}

static size_t funded(struct place *place)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_funded(&place->world.flow, &count, &err), &err);
    return count;
}

/* With a dollar: an hour of three of four bids. They wait side by side, and are to start at once.
 */
static void test_an_owner_starts_what_it_can_pay_for(void **state)
{
    struct place place;
    int64_t bids[4];
    struct error err;
    enum admin_outcome outcome;

    place_open(&place, state, 4);
    struct caller poor = world_user(&place.world, "poor@berth.test", 1);
    int64_t all = place_bid(&place, place.ada, 4, 350);
    place_run_s(&place, 70);
    for (size_t i = 0; i < 4; i++)
        bids[i] = place_bid(&place, poor, 1, 300);
    place_check_state(&place, bids[3], RENTAL_SCHEDULING, REASON_BID_WAITS);
    place_destroy(&place, place.ada, all);
    place_run_s(&place, 1);
    /* Those that start and do not run yet are counted, or it would be one after the other. */
    for (int round = 0; round < 3; round++) {
        check_row("round %d", round);
        for (size_t i = 0; i < 3; i++)
            CHECK(rental_must_hold_gpus(world_contract(&place.world, bids[i]).state));
        place_check_state(&place, bids[3], RENTAL_STOPPED, REASON_NO_CREDIT);
        CHECK_INT((int64_t)funded(&place), 0);
        place_run_s(&place, 10);
    }
    CHECK_OK(flow_grant_credit(&place.world.flow, poor.user_id, (struct money){ 500000000 }, "more",
                               &outcome, &err),
             &err);
    CHECK_INT((int64_t)funded(&place), 1);
    place_run_s(&place, 10);
    place_check_state(&place, bids[3], RENTAL_RUNNING, REASON_NONE);
    place_close(&place);
}

/* The same while those three still wait for GPUs that somebody is leaving: the fourth alone could
 * be paid for, and beside them it could not. */
static void test_who_is_about_to_start_is_counted(void **state)
{
    struct place place;
    int64_t bids[4];

    place_open(&place, state, 4);
    struct caller poor = world_user(&place.world, "poor@berth.test", 1);
    int64_t all = place_bid(&place, place.ada, 4, 350);
    place_run_s(&place, 70);
    for (size_t i = 0; i < 4; i++)
        bids[i] = place_bid(&place, poor, 1, 300);
    place_stop(&place, place.ada, all);
    for (int round = 0; round < 2; round++) {
        check_row("round %d", round);
        for (size_t i = 0; i < 3; i++)
            place_check_state(&place, bids[i], RENTAL_SCHEDULING, REASON_GPUS_CLEARING);
        place_check_state(&place, bids[3], RENTAL_STOPPED, REASON_NO_CREDIT);
        struct hash before = world_dump(&place.world);
        CHECK_INT((int64_t)funded(&place), 0);
        CHECK_UNCHANGED(&place.world, before);
    }
    place_run_s(&place, 15);
    place_check_state(&place, bids[2], RENTAL_RUNNING, REASON_NONE);
    CHECK_INT((int64_t)funded(&place), 0);
    place_check_state(&place, bids[3], RENTAL_STOPPED, REASON_NO_CREDIT);
    place_close(&place);
}

struct early {
    const struct place *place;
    int64_t done, asked; /* what is wrong is said outside of the transaction */
};

static bool early_work(struct db *db, void *context, struct error *err)
{
    struct early *early = context;
    struct instant now = clock_now(&early->place->world.clock);
    const int64_t machines[] = { 9999, early->place->machine.id }, bids[] = { 9999, 1, 2, 3, 4 };

    early->done = early->asked = 0;
    for (size_t i = 0; i < 2; i++) {
        bool is_done = false;

        if (!decide_due_machine(db, machines[i], now, &is_done, err))
            return false;
        early->done += is_done;
        early->asked++;
    }
    for (size_t i = 0; i < 5; i++) {
        bool is_done = false;

        if (!decide_due_bid(db, bids[i], now, &is_done, err))
            return false;
        early->done += is_done;
        early->asked++;
    }
    return true;
}

/* Between the look and the lock another decision may be made, and whoever stopped for want of
 * credit start, or be over. */
static void test_who_is_not_due_any_more_is_left_alone(void **state)
{
    struct place place;

    place_open(&place, state, 3);
    (void)place_rent(&place, place.ada, 1);     /* 1: on demand, without credit */
    (void)place_bid(&place, place.ada, 1, 100); /* 2: runs */
    place_run_s(&place, 5);
    int64_t user = place_bid(&place, place.ada, 1, 100); /* 3: its owner stopped it */
    (void)place_bid(&place, place.bob, 1, 200);          /* 4: its lifetime is over */
    place_run_s(&place, 5);
    place_stop(&place, place.ada, user);
    support_script(place.world.support,
                   "UPDATE contract SET state = 7, reason = 2 WHERE id IN (1, 4);\n"
                   "UPDATE contract SET end_us = 1 WHERE id = 4;");
    CHECK(world_number(&place.world, "SELECT decide_us FROM machine") >
          clock_now(&place.world.clock).microseconds);
    struct hash before = world_dump(&place.world);
    struct early early = { .place = &place };
    support_write(place.world.support, early_work, &early);
    CHECK_INT(early.asked, 7);
    CHECK_INT(early.done, 0);
    CHECK_UNCHANGED(&place.world, before);
    world_close(&place.world);
}

/* More who cannot pay than are looked at in one go, and one behind them who can. */
static void test_many_without_credit_hide_nobody(void **state)
{
    struct place place;
    struct error err;
    size_t count;

    place_open(&place, state, 1);
    (void)place_bid(&place, place.ada, 1, 350);
    place_run_s(&place, 15);
    struct caller poor = world_user(&place.world, "poor@berth.test", 1);
    int64_t first = 0;
    for (int i = 0; i <= FUNDED_MAX; i++) {
        int64_t id = place_bid(&place, poor, 1, 300);

        first = first == 0 ? id : first;
    }
    int64_t rich = place_bid(&place, place.bob, 1, 300);
    support_script(place.world.support,
                   "UPDATE contract SET state = 7, reason = 2 WHERE state = 5;\n"
                   "UPDATE account SET dr_posted = cr_posted - 1 WHERE code = 2020\n"
                   "  AND owner_id = (SELECT id FROM users WHERE email = 'poor@berth.test');");
    CHECK_OK(flow_funded(&place.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(world_contract(&place.world, first).state, RENTAL_STOPPED);
    CHECK(world_contract(&place.world, rich).state != RENTAL_STOPPED);
    world_close(&place.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_minute_is_a_bids_own),
        cmocka_unit_test(test_want_of_credit_makes_place_until_it_is_mended),
        cmocka_unit_test(test_one_out_of_contact_is_due_once),
        cmocka_unit_test(test_an_owner_starts_what_it_can_pay_for),
        cmocka_unit_test(test_who_is_about_to_start_is_counted),
        cmocka_unit_test(test_who_is_not_due_any_more_is_left_alone),
        cmocka_unit_test(test_many_without_credit_hide_nobody),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
