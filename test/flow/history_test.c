/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/history.h"

#include <math.h>
#include <string.h>

#include "flow/contact_lost.h"
#include "flow/maintenance.h"
#include "flow/offers.h"
#include "market/offer.h"
#include "support.h"
#include "support_history.h"

#define MINUTE (60 * US_PER_SECOND)

static void lose_all(struct world *world)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_contact_lost(&world->flow, &count, &err), &err);
}

/* Out of contact for so long, then heard again. */
static void be_away(struct world *world, struct world_machine *machine, int64_t away_us)
{
    world_pass(world, MINUTE);
    lose_all(world);
    world_pass(world, away_us - MINUTE);
    CHECK_INT(world_beat(world, machine), TAKE_DONE);
}

/* The network is cut for five minutes: one outage, with its start, its end and its cause. */
static void test_an_outage_is_a_row(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    world_run(&world, &machine, 10 * MINUTE);
    struct instant last = clock_now(&world.clock);
    double before = history_stored(
        &(struct history){ .machine = history_of(&world, machine.id).machine, .now = last });
    be_away(&world, &machine, 5 * MINUTE);
    struct history history = history_of(&world, machine.id);
    CHECK_INT((int64_t)history.count, 2);
    CHECK_INT(history.events[1].kind, RELIABILITY_JOINED);
    CHECK_INT(history.events[0].kind, RELIABILITY_OUTAGE);
    CHECK_INT(history.events[0].start.microseconds, last.microseconds);
    CHECK_INT(instant_until(history.events[0].start, history.events[0].end), 5 * MINUTE);
    CHECK_INT(history.events[0].cause, RELIABILITY_CONTACT_LOST);
    CHECK_INT(history.events[0].severity_ppm, 500000);
    CHECK(!history.events[0].had_rental);
    CHECK(history_stored(&history) < before - 0.1);
    CHECK(fabs(history_stored(&history) - history_worked_out(&history)) < 5e-5);
    world_close(&world);
}

static void test_an_outage_that_goes_on_has_no_end(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    world_run(&world, &machine, MINUTE);
    world_pass(&world, MINUTE);
    lose_all(&world);
    lose_all(&world);
    struct history history = history_of(&world, machine.id);
    CHECK_INT((int64_t)history.count, 2);
    CHECK_INT(history.events[0].end.microseconds, 0);
    CHECK_INT(history.events[0].severity_ppm, 0);
    world_close(&world);
}

static void test_a_renter_makes_it_worse_and_a_notice_better(void **state)
{
    struct world world;
    struct world_machine machine;
    enum maintenance_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 250);
    world_host(&world, &machine, "a", 1);
    (void)world_running(&world, &machine, ada, 1);
    be_away(&world, &machine, 5 * MINUTE);
    struct history history = history_of(&world, machine.id);
    CHECK(history.events[0].had_rental);
    CHECK_INT(history.events[0].severity_ppm, 2000000);

    struct maintenance_row window = { .machine_id = machine.id,
                                      .start =
                                          instant_add(clock_now(&world.clock), 25 * US_PER_HOUR),
                                      .category = "power" };
    window.end = instant_add(window.start, 2 * US_PER_HOUR);
    CHECK_OK(flow_maintenance_schedule(&world.flow, &machine.host, &window, &outcome, &err), &err);
    CHECK_INT(outcome, MAINTENANCE_DONE);
    world_run(&world, &machine, 25 * US_PER_HOUR);
    be_away(&world, &machine, 90 * MINUTE);
    history = history_of(&world, machine.id);
    CHECK_INT(history.events[0].cause, RELIABILITY_ANNOUNCED);
    CHECK_INT(history.events[0].severity_ppm, 1000000);
    CHECK(fabs(history_stored(&history) - history_worked_out(&history)) < 5e-5);
    world_close(&world);
}

static void test_what_is_announced_too_late_or_overrun_counts(void **state)
{
    struct world world;
    struct world_machine machine;
    enum maintenance_outcome outcome;
    struct error err;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    struct maintenance_row window = { .machine_id = machine.id,
                                      .start = instant_add(clock_now(&world.clock), US_PER_HOUR),
                                      .category = "power" };
    window.end = instant_add(window.start, US_PER_HOUR);
    CHECK_OK(flow_maintenance_schedule(&world.flow, &machine.host, &window, &outcome, &err), &err);
    world_run(&world, &machine, US_PER_HOUR);
    be_away(&world, &machine, 40 * MINUTE);
    struct history history = history_of(&world, machine.id);
    CHECK_INT(history.events[0].cause, RELIABILITY_CONTACT_LOST);
    CHECK_INT(history.events[0].severity_ppm, 1000000);

    window.start = instant_add(clock_now(&world.clock), 24 * US_PER_HOUR);
    window.end = instant_add(window.start, US_PER_HOUR);
    CHECK_OK(flow_maintenance_schedule(&world.flow, &machine.host, &window, &outcome, &err), &err);
    world_run(&world, &machine, 24 * US_PER_HOUR);
    /* Twenty minutes longer than was said: those are what counts. */
    be_away(&world, &machine, 80 * MINUTE);
    history = history_of(&world, machine.id);
    CHECK_INT(history.events[0].cause, RELIABILITY_CONTACT_LOST);
    CHECK_INT(history.events[0].severity_ppm, 500000);
    world_close(&world);
}

static void test_when_all_go_at_once_it_is_nobodys_outage(void **state)
{
    static struct world_machine machines[4];
    struct world world;

    world_open(&world, *state);
    for (int i = 0; i < 4; i++) {
        char name[2] = { (char)('a' + i), '\0' };

        world_host(&world, &machines[i], name, 1);
    }
    for (int i = 0; i < 4; i++)
        CHECK_INT(world_beat(&world, &machines[i]), TAKE_DONE);
    world_pass(&world, MINUTE);
    lose_all(&world);
    world_pass(&world, 10 * MINUTE);
    for (int i = 0; i < 4; i++) {
        CHECK_INT(world_beat(&world, &machines[i]), TAKE_DONE);
        struct history history = history_of(&world, machines[i].id);
        CHECK_INT(history.events[0].cause, RELIABILITY_MARKET);
        CHECK_INT(history.events[0].severity_ppm, 0);
        /* The first has counted for all of them. */
        CHECK_INT(world_number(&world, "SELECT hosts * 10 + is_market FROM outage_slot"), 41);
    }
    /* One of them alone is. */
    world_pass(&world, 20 * US_PER_SECOND);
    for (int i = 1; i < 4; i++)
        CHECK_INT(world_beat(&world, &machines[i]), TAKE_DONE);
    world_pass(&world, 20 * US_PER_SECOND);
    lose_all(&world);
    world_pass(&world, 5 * US_PER_SECOND);
    CHECK_INT(world_beat(&world, &machines[0]), TAKE_DONE);
    struct history history = history_of(&world, machines[0].id);
    CHECK_INT(history.events[0].cause, RELIABILITY_CONTACT_LOST);
    CHECK_INT(history.events[0].severity_ppm, 100000);
    world_close(&world);
}

/* Two are missed before the others are: who comes back by then is judged by what is known. */
static void test_hosts_that_are_missed_later_count_for_the_rest(void **state)
{
    static const enum reliability_cause causes[] = { RELIABILITY_CONTACT_LOST, RELIABILITY_MARKET,
                                                     RELIABILITY_MARKET, RELIABILITY_MARKET };
    static struct world_machine machines[4], joined;
    struct world world;

    world_open(&world, *state);
    for (int i = 0; i < 4; i++)
        world_host(&world, &machines[i], (const char[]){ (char)('a' + i), '\0' }, 1);
    world_pass(&world,
               RELIABILITY_SLOT_US - clock_now(&world.clock).microseconds % RELIABILITY_SLOT_US);
    for (int i = 0; i < 4; i++) {
        if (i == 2)
            world_pass(&world, 5 * US_PER_SECOND);
        CHECK_INT(world_beat(&world, &machines[i]), TAKE_DONE);
    }
    world_pass(&world, 27 * US_PER_SECOND);
    lose_all(&world);
    CHECK_INT(world_beat(&world, &machines[0]), TAKE_DONE);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM outage_slot"), 0);
    world_pass(&world, 15 * US_PER_SECOND);
    lose_all(&world);
    CHECK_INT(world_beat(&world, &machines[1]), TAKE_DONE);
    CHECK_INT(world_number(&world, "SELECT hosts * 10 + is_market FROM outage_slot"), 41);
    /* Of all that join meanwhile four are no fifth any more. */
    for (int i = 0; i < 17; i++)
        world_host(&world, &joined, (const char[]){ 'z', (char)('a' + i), '\0' }, 1);
    for (int i = 2; i < 4; i++)
        CHECK_INT(world_beat(&world, &machines[i]), TAKE_DONE);
    for (int i = 0; i < 4; i++)
        CHECK_INT(history_of(&world, machines[i].id).events[0].cause, causes[i]);
    world_close(&world);
}

/* What ran and does not start again is the host's fault; what never ran may be its image's. */
static void test_a_start_that_fails_counts_if_it_is_the_hosts(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    struct caller bob = world_user(&world, "bob@berth.test", 25);
    world_host(&world, &machine, "a", 4);
    int64_t never = world_rent(&world, ada, world_offer(&world, machine.id, 1)).instance_id;
    world_container(&machine, never)->has_failed = true;
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    struct history history = history_of(&world, machine.id);
    CHECK_INT(history.events[0].kind, RELIABILITY_FAILED_START);
    CHECK_INT(history.events[0].severity_ppm, 0);
    CHECK_INT((int64_t)history.count, 2);

    int64_t other = world_rent(&world, bob, world_offer(&world, machine.id, 1)).instance_id;
    world_container(&machine, other)->has_failed = true;
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    history = history_of(&world, machine.id);
    CHECK_INT((int64_t)history.count, 3);
    CHECK_INT(history.events[0].severity_ppm, RELIABILITY_FAILED_START_PPM);
    CHECK(fabs(history_stored(&history) - history_worked_out(&history)) < 5e-5);
    world_close(&world);
}

/* The offer that a search sees has the machine's past in it, and its score falls with it. */
static void test_offers_know_the_past(void **state)
{
    struct world world;
    struct world_machine machine;
    struct offer *offers;
    size_t count;
    struct error err;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    world_run(&world, &machine, 48 * US_PER_HOUR);
    CHECK_OK(flow_offers_of_machine(&world.flow, machine.id, &world.arena, &offers, &count, &err),
             &err);
    CHECK_INT((int64_t)count, 1);
    struct history history = history_of(&world, machine.id);
    CHECK(fabs((double)offers[0].machine->reliability_ppm / 1e6 - history_stored(&history)) < 2e-6);
    CHECK(offers[0].machine->reliability_ppm > 780000);
    double before = offer_quote(&offers[0], &(struct offer_ask){ 0 }).score;
    be_away(&world, &machine, 40 * MINUTE);
    CHECK_OK(flow_offers_of_machine(&world.flow, machine.id, &world.arena, &offers, &count, &err),
             &err);
    CHECK(offer_quote(&offers[0], &(struct offer_ask){ 0 }).score < before);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_outage_is_a_row),
        cmocka_unit_test(test_an_outage_that_goes_on_has_no_end),
        cmocka_unit_test(test_a_renter_makes_it_worse_and_a_notice_better),
        cmocka_unit_test(test_what_is_announced_too_late_or_overrun_counts),
        cmocka_unit_test(test_when_all_go_at_once_it_is_nobodys_outage),
        cmocka_unit_test(test_hosts_that_are_missed_later_count_for_the_rest),
        cmocka_unit_test(test_a_start_that_fails_counts_if_it_is_the_hosts),
        cmocka_unit_test(test_offers_know_the_past),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
