/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rented_lately.h"

#include <stdio.h>

#include "flow/instance_change.h"
#include "flow/list_machine.h"
#include "support.h"

static struct prices_rental *lately(struct world *world, int64_t want)
{
    struct prices_rental *rentals;
    struct error err;
    size_t count;

    CHECK_OK(flow_rented_lately(&world->flow, &world->arena, &rentals, &count, &err), &err);
    CHECK_INT((int64_t)count, want);
    return rentals;
}

static void test_what_ran_within_the_window(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 4);
    (void)lately(&world, 0);
    int64_t id = world_running(&world, &machine, ada, 2);
    enum change_outcome stopped;
    struct error err;
    world_run(&world, &machine, 100 * US_PER_SECOND);
    CHECK_OK(flow_stop(&world.flow, &ada, id, &stopped, &err), &err);
    world_run(&world, &machine, 10 * US_PER_SECOND);
    struct prices_rental rental = *lately(&world, 1);
    CHECK_TEXT(rental.gpu_name, "RTX 4090");
    CHECK_INT(rental.machine_id, machine.id);
    CHECK_INT(rental.machine_gpus, 4);
    CHECK_INT(rental.gpus, 2);
    CHECK_INT(rental.gpu_hour.nanodollars, 360000000);
    CHECK_INT(rental.fee_bps, world_contract(&world, id).fee_bps);
    CHECK(rental.run_us >= 95 * US_PER_SECOND && rental.run_us <= 105 * US_PER_SECOND);
    CHECK(rental.window_us >= 100 * US_PER_SECOND && rental.window_us < US_PER_HOUR);

    struct prices_run *runs;
    size_t run_count;
    CHECK_OK(flow_runs_lately(&world.flow, &world.arena, &runs, &run_count, &err), &err);
    CHECK_INT((int64_t)run_count, 1);
    CHECK_TEXT(runs[0].gpu_name, "RTX 4090");
    CHECK_INT(runs[0].gpus, 2);
    CHECK_INT(runs[0].gpu_hour.nanodollars, 360000000);
    CHECK_INT(instant_until(runs[0].start, runs[0].end), rental.run_us);

    /* What is charged for it is what it has earned: both come from the same intervals. */
    CHECK_INT(world_number(&world, "SELECT total FROM meter WHERE comp = 1"), rental.run_us);
    world_pass(&world, RENTED_LATELY_DAYS * 24 * US_PER_HOUR);
    (void)lately(&world, 0);
    CHECK_OK(flow_runs_lately(&world.flow, &world.arena, &runs, &run_count, &err), &err);
    CHECK_INT((int64_t)run_count, 0);
    world_close(&world);
}

static void test_what_is_on_the_market_and_since_when(void **state)
{
    enum { MACHINES = 70 }; /* more than are read at a time */
    struct world world;
    static struct world_machine machines[MACHINES];
    enum list_machine_outcome outcome;
    struct prices_there *there;
    struct error err;
    size_t count;

    world_open(&world, *state);
    for (int i = 0; i < MACHINES; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "host%d", i);
        world_host(&world, &machines[i], name, 1 + i % 2);
    }
    world_pass(&world, 100 * US_PER_SECOND);
    CHECK_OK(flow_unlist_machine(&world.flow, &machines[1].host, machines[1].id, &outcome, &err),
             &err);
    CHECK_OK(flow_there_lately(&world.flow, &world.arena, &there, &count, &err), &err);
    CHECK_INT((int64_t)count, MACHINES - 1);
    CHECK_TEXT(there[0].gpu_name, "RTX 4090");
    CHECK(there[0].window_us >= 100 * US_PER_SECOND && there[0].window_us < US_PER_HOUR);
    CHECK_INT(there[count - 1].machine_id, machines[MACHINES - 1].id);
    for (size_t i = 1; i < count; i++) {
        CHECK(there[i].machine_id > there[i - 1].machine_id);
        CHECK_INT(there[i].gpus, 1 + (int64_t)(i + 1) % 2);
    }
    world_pass(&world, 2 * RENTED_LATELY_DAYS * 24 * US_PER_HOUR);
    CHECK_OK(flow_there_lately(&world.flow, &world.arena, &there, &count, &err), &err);
    CHECK_INT(there[0].window_us, RENTED_LATELY_DAYS * 24 * US_PER_HOUR);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_ran_within_the_window),
        cmocka_unit_test(test_what_is_on_the_market_and_since_when),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
