/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/reclaim.h"

#include <string.h>

#include "check.h"
#include "flow/extend.h"
#include "flow/lifetime.h"
#include "flow/list_machine.h"
#include "flow/post_usage.h"
#include "flow/support_bids.h"
#include "flow/why.h"
#include "market/reclaim.h"

static struct reclaim_reply reclaim(struct place *place, struct caller host, int64_t in_us)
{
    struct reclaim_request request = { .machine_id = place->machine.id,
                                       .has_due = in_us >= 0,
                                       .due = instant_add(clock_now(&place->world.clock), in_us),
                                       .reason = "It is sold." };
    struct reclaim_reply reply;
    struct error err;

    CHECK_OK(flow_reclaim(&place->world.flow, &host, &request, &reply, &err), &err);
    return reply;
}

static size_t end_lifetimes(struct place *place)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_lifetime(&place->world.flow, &count, &err), &err);
    return count;
}

static int64_t end_of(struct place *place, int64_t id)
{
    return world_contract(&place->world, id).terms.end.microseconds;
}

static void test_on_demand_has_its_day(void **state)
{
    struct place place;
    enum change_outcome outcome;
    struct error err;
    struct why why;
    bool has;

    place_open(&place, state, 2);
    int64_t id = place_rent(&place, place.ada, 1), bid = place_bid(&place, place.bob, 1, 100);
    place_run_s(&place, 5);
    int64_t now_us = clock_now(&place.world.clock).microseconds;
    struct hash before = world_dump(&place.world);
    struct reclaim_reply reply = reclaim(&place, place.machine.host, RECLAIM_WINDOW_US - 1);
    CHECK_INT(reply.outcome, RECLAIM_TOO_SOON);
    CHECK_INT(reply.due.microseconds, now_us + RECLAIM_WINDOW_US);
    CHECK_INT(reclaim(&place, place.ada, RECLAIM_WINDOW_US).outcome, RECLAIM_NO_MACHINE);
    CHECK_UNCHANGED(&place.world, before);

    reply = reclaim(&place, place.machine.host, RECLAIM_WINDOW_US);
    CHECK_INT(reply.outcome, RECLAIM_DONE);
    CHECK_INT(reply.told, 2);
    CHECK_INT(end_of(&place, id), now_us + RECLAIM_WINDOW_US);
    CHECK_INT(end_of(&place, bid), now_us + RECLAIM_WINDOW_US);
    CHECK_INT(world_offer(&place.world, place.machine.id, 1), 0); /* off the market */
    CHECK_INT(world_number(&place.world,
                           "SELECT COUNT(*) FROM outbox WHERE provider = 'mail' AND body LIKE "
                           "'{\"template\":\"reclaim\"%It is sold.%'"),
              2);
    place_run_s(&place, 5);
    place_check_state(&place, id, RENTAL_RUNNING, REASON_NONE);

    world_pass(&place.world, RECLAIM_WINDOW_US - 5 * US_PER_SECOND - 1);
    CHECK_INT(world_beat(&place.world, &place.machine), TAKE_DONE);
    CHECK_INT((int64_t)end_lifetimes(&place), 0);
    world_pass(&place.world, 1);
    CHECK_INT((int64_t)end_lifetimes(&place), 2);
    place_run_s(&place, 5);
    place_check_state(&place, id, RENTAL_STOPPED, REASON_RECLAIMED);
    place_check_state(&place, bid, RENTAL_STOPPED, REASON_RECLAIMED);
    CHECK_OK(flow_start(&place.world.flow, &place.ada, id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_LIFETIME_OVER);
    CHECK_OK(flow_why(&place.world.flow, &place.ada, id, &place.world.arena, &why, &has, &err),
             &err);
    CHECK_TEXT(why.code, "reclaimed");
    CHECK_TEXT(why.sentence, "Its host took the machine back: It is sold.");
    CHECK(strstr(why.advice, "Copy your data away") != NULL);
    place_close(&place);
}

/* Nobody but bids: at once, but for the notice that those who run were promised. */
static void test_bids_have_their_notice(void **state)
{
    struct place place;

    place_open(&place, state, 1);
    int64_t runs = place_bid(&place, place.ada, 1, 100),
            waits = place_bid(&place, place.bob, 1, 50);
    place_run_s(&place, 70);
    int64_t now_us = clock_now(&place.world.clock).microseconds;
    struct reclaim_reply reply = reclaim(&place, place.machine.host, -1);
    CHECK_INT(reply.outcome, RECLAIM_DONE);
    CHECK_INT(reply.due.microseconds, now_us);
    CHECK_INT(end_of(&place, runs), now_us + 10 * US_PER_SECOND);
    CHECK_INT(end_of(&place, waits), now_us);
    CHECK_INT((int64_t)end_lifetimes(&place), 1);
    place_check_state(&place, waits, RENTAL_STOPPED, REASON_RECLAIMED);
    place_run_s(&place, 10);
    CHECK_INT((int64_t)end_lifetimes(&place), 1);
    place_run_s(&place, 5);
    place_check_state(&place, runs, RENTAL_STOPPED, REASON_RECLAIMED);
    CHECK_INT(world_number_of(&place.world,
                              "SELECT total FROM meter WHERE comp = 1 AND instance_id = $1", runs),
              75 * US_PER_SECOND); /* from the fifth second on */
    place_close(&place);
}

/* Who ended before the deadline by themselves ended by themselves; and who thinks better of it
 * extends. */
static void test_what_ends_sooner_ends_as_before(void **state)
{
    struct list_machine_request listing = { .has_gpu_hour = true,
                                            .has_duration = true,
                                            .duration_s = 3600,
                                            .values = { .gpu_hour = { 360000000 } } };
    struct extend_request longer = { 0 };
    struct extend_reply extended;
    struct list_machine_reply listed;
    struct place place;
    struct error err;

    place_open(&place, state, 2);
    listing.machine_id = longer.machine_id = place.machine.id;
    CHECK_OK(flow_list_machine(&place.world.flow, &place.machine.host, &listing, &listed, &err),
             &err);
    int64_t id = place_rent(&place, place.ada, 1);
    place_run_s(&place, 5);
    struct reclaim_reply reply = reclaim(&place, place.machine.host, RECLAIM_WINDOW_US);
    CHECK_INT(reply.outcome, RECLAIM_DONE);
    CHECK_INT(reply.told, 0);
    world_pass(&place.world, 3600 * US_PER_SECOND);
    CHECK_INT(world_beat(&place.world, &place.machine), TAKE_DONE);
    CHECK_INT((int64_t)end_lifetimes(&place), 1);
    place_run_s(&place, 5);
    place_check_state(&place, id, RENTAL_STOPPED, REASON_LIFETIME_EXPIRED);

    longer.end = instant_add(clock_now(&place.world.clock), 72 * US_PER_HOUR);
    CHECK_OK(flow_extend(&place.world.flow, &place.machine.host, &longer, &extended, &err), &err);
    CHECK_INT(extended.extended, 1);
    CHECK_INT(place_start(&place, place.ada, id), CHANGE_DONE);
    reply = reclaim(&place, place.machine.host, RECLAIM_WINDOW_US);
    CHECK_INT(reply.told, 1);
    CHECK_OK(flow_extend(&place.world.flow, &place.machine.host, &longer, &extended, &err), &err);
    CHECK_INT(extended.extended, 1);
    CHECK_INT(end_of(&place, id), longer.end.microseconds);
    place_close(&place);
}

/* A part of the hourly price, for a day that it was promised; once, however often it is said. */
static void test_on_demand_is_paid_for_what_is_taken(void **state)
{
    struct place place;
    struct error err;
    size_t count;

    place_open(&place, state, 2);
    place.world.flow.downtime_bps = 50;
    int64_t id = place_rent(&place, place.ada, 1), bid = place_bid(&place, place.bob, 1, 100);
    place_run_s(&place, 5);
    place_run_s(&place, 4000); /* what it gives comes out of its earnings */
    CHECK_OK(flow_post_usage(&place.world.flow, &count, &err), &err);
    int64_t before = world_credit(&place.world, place.ada);
    int64_t bobs = world_credit(&place.world, place.bob);
    CHECK_INT(reclaim(&place, place.machine.host, RECLAIM_WINDOW_US).told, 2);
    CHECK_INT(world_credit(&place.world, place.ada) - before, INT64_C(24) * 1800000);
    CHECK_INT(world_credit(&place.world, place.bob), bobs);
    /* What has been shortened already is not taken a second time. */
    CHECK_INT(reclaim(&place, place.machine.host, RECLAIM_WINDOW_US).told, 0);
    CHECK_INT(world_credit(&place.world, place.ada) - before, INT64_C(24) * 1800000);
    CHECK(id > 0 && bid > 0);
    place_close(&place);
}

static void test_a_reason_is_needed(void **state)
{
    char reason[RECLAIM_REASON_MAX + 2];
    struct reclaim_request request = { .reason = reason };
    struct reclaim_reply reply;
    struct place place;
    struct error err;

    place_open(&place, state, 1);
    request.machine_id = place.machine.id;
    for (size_t length = 0; length <= RECLAIM_REASON_MAX + 1; length += RECLAIM_REASON_MAX + 1) {
        memset(reason, 'x', length);
        reason[length] = '\0';
        CHECK_OK(flow_reclaim(&place.world.flow, &place.machine.host, &request, &reply, &err),
                 &err);
        CHECK_INT(reply.outcome, RECLAIM_BAD_REASON);
    }
    reason[RECLAIM_REASON_MAX] = '\0';
    CHECK_OK(flow_reclaim(&place.world.flow, &place.machine.host, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, RECLAIM_DONE);
    place_close(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_on_demand_has_its_day),
        cmocka_unit_test(test_bids_have_their_notice),
        cmocka_unit_test(test_what_ends_sooner_ends_as_before),
        cmocka_unit_test(test_on_demand_is_paid_for_what_is_taken),
        cmocka_unit_test(test_a_reason_is_needed),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
