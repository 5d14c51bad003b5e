/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rented_lately.h"

#include "flow/instance_change.h"
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

    /* What is charged for it is what it has earned: both come from the same intervals. */
    CHECK_INT(world_number(&world, "SELECT total FROM meter WHERE comp = 1"), rental.run_us);
    world_pass(&world, RENTED_LATELY_DAYS * 24 * US_PER_HOUR);
    (void)lately(&world, 0);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_what_ran_within_the_window) };

    crypto_start();
    return SUPPORT_RUN(tests);
}
