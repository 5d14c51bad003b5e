/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/machines.h"

#include "flow/instance_change.h"
#include "support.h"

static struct machine_view show(struct world *world, const struct world_machine *machine)
{
    struct machine_view *views;
    struct error err;
    size_t count;

    CHECK_OK(flow_machines(&world->flow, &machine->host, machine->id, &world->arena, &views, &count,
                           &err),
             &err);
    CHECK_INT((int64_t)count, 1);
    return views[0];
}

static void test_a_machine_shows_who_holds_what_and_what_it_earns(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 4);
    int64_t first = world_running(&world, &machine, ada, 2);
    int64_t second = world_running(&world, &machine, ada, 1);
    CHECK_OK(flow_stop(&world.flow, &ada, second, &outcome, &err), &err);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);

    struct machine_view view = show(&world, &machine);
    CHECK_INT(view.contract_count, 2);
    CHECK_INT(view.running_count, 1);
    CHECK_INT(view.disk_rented_gb, 20);
    CHECK_INT((int64_t)view.gpu_row_count, 4);
    CHECK_INT(view.gpus[0].claimed_by, first);
    CHECK_INT(view.gpus[1].claimed_by, first);
    CHECK_INT(view.gpus[2].claimed_by, 0);
    CHECK_INT(view.facts->gpu_count, 4);
    CHECK_TEXT(view.machine->hostname, "host-a");
    /* 75 % of $0.72, and twice of 10 GB of disk. */
    CHECK_INT(view.earn_hour.nanodollars, 540000000 + 2 * 1562499);
    CHECK_INT((int64_t)view.contract_rows, 2);
    CHECK_INT(view.contracts[0].contract->id, first);
    CHECK(view.contracts[0].runs);
    CHECK_INT(view.contracts[0].earn_hour.nanodollars, 540000000 + 1562499);
    CHECK(!view.contracts[1].runs);
    CHECK_INT(view.contracts[1].earn_hour.nanodollars, 1562499);

    CHECK_OK(flow_destroy(&world.flow, &ada, second, &outcome, &err), &err);
    view = show(&world, &machine);
    CHECK_INT(view.contract_count, 1);
    CHECK_INT((int64_t)view.contract_rows, 1);
    CHECK_INT(view.disk_rented_gb, 20); /* until the host has deleted it */
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(show(&world, &machine).disk_rented_gb, 10);
    world_close(&world);
}

static void test_a_machine_without_gpus_shows_one_row_for_itself(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "cpu", 0);
    struct machine_view view = show(&world, &machine);
    CHECK_INT((int64_t)view.gpu_row_count, 1);
    CHECK(view.gpus[0].is_whole_machine);
    CHECK_INT(view.facts->gpu_count, 0);
    CHECK_INT(view.contracts_end.microseconds, 0);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_machine_shows_who_holds_what_and_what_it_earns),
        cmocka_unit_test(test_a_machine_without_gpus_shows_one_row_for_itself),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
