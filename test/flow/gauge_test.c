/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/gauge.h"

#include "flow/machines.h"
#include "store/machine_gauge.h"
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

/* What is told stands until it is told again: a heartbeat without it changes nothing. */
static void test_gpus_are_shown_as_they_were_told(void **state)
{
    struct gpu_gauge gauge;
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 2);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    CHECK_INT((int64_t)show(&world, &machine).gauges.count, 0);
    /* As most heartbeats are: of a machine that nobody rents; then of one that is rented. */
    for (int round = 0; round < 2; round++) {
        auto_arena struct arena arena = arena_of(WORLD_ARENA);

        check_row("round %d", round);
        for (int again = 0; again < 2; again++) {
            world_pass(&world, US_PER_SECOND);
            struct heartbeat heartbeat = world_obey(&world, &machine, &arena);
            gauge = gpu_gauge_unknown("GPU-a-1");
            gauge.temperature_c = 60 + 2 * round + again;
            gauge.brakes = 1 << GPU_BRAKE_POWER;
            heartbeat.has_gauges = true;
            heartbeat.gauges = &gauge;
            heartbeat.gauge_count = 1;
            CHECK_INT(world_send(&world, &machine, &heartbeat), TAKE_DONE);
        }
        struct instant told = clock_now(world.flow.clock);
        world_pass(&world, US_PER_SECOND);
        CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
        struct machine_view view = show(&world, &machine);
        CHECK_INT((int64_t)view.gauges.count, 1);
        CHECK_INT(view.gauges.told.microseconds, told.microseconds);
        CHECK(gauge_find(&view.gauges, "GPU-a-0") == NULL);
        const struct gpu_gauge *shown = gauge_find(&view.gauges, "GPU-a-1");
        CHECK(shown != NULL);
        CHECK_INT(shown->temperature_c, 61 + 2 * round);
        CHECK_INT(shown->power_w, -1);
        CHECK_INT(shown->brakes, 1 << GPU_BRAKE_POWER);
        if (round == 0)
            (void)world_running(&world, &machine, ada, 1);
    }
    world_close(&world);
}

static bool spoil(struct db *db, void *context, struct error *err)
{
    const struct machine_gauge_row row = { *(int64_t *)context, { 1 }, "[{\"uuid\":\"x\"}]" };

    return machine_gauge_put(db, &row, err);
}

static void test_what_the_store_has_is_checked(void **state)
{
    struct machine_view *views;
    struct world world;
    struct world_machine machine;
    struct error err;
    size_t count;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    CHECK_OK(store_write(world.flow.store, spoil, &machine.id, &err), &err);
    CHECK_FAILS(
        flow_machines(&world.flow, &machine.host, machine.id, &world.arena, &views, &count, &err),
        &err, ERROR_CORRUPT);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gpus_are_shown_as_they_were_told),
        cmocka_unit_test(test_what_the_store_has_is_checked),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
