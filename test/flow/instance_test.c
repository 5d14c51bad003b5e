/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/instance.h"

#include "support.h"

static void test_a_renter_sees_all_of_an_instance(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 4);
    struct rental_reply rented = world_rent(&world, ada, world_offer(&world, machine.id, 2));
    struct instance_view view = world_instance(&world, ada, rented.instance_id);
    CHECK_INT(view.uptime_s, -1);
    CHECK_INT(view.contract->ssh_port, 0);
    CHECK_TEXT(view.status.intended_status, "running");
    CHECK_TEXT(view.status_msg, "");

    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    world_run(&world, &machine, 90 * US_PER_SECOND);
    view = world_instance(&world, ada, rented.instance_id);
    CHECK_TEXT(view.status.actual_status, "running");
    CHECK_INT(view.uptime_s, 90);
    CHECK(view.is_connected);
    CHECK(view.contract->ssh_port != 0);
    CHECK_INT((int64_t)view.gpus_held, 2);
    CHECK_INT(view.machine->id, machine.id);
    CHECK_TEXT(view.facts->public_ip, "203.0.113.9");
    CHECK_TEXT(view.spec->image, "ubuntu:24.04");
    CHECK_INT(view.spec->ssh_key_count, 0);
    CHECK_INT(view.disk_hour.nanodollars, 2083333);
    CHECK_INT(view.total_hour.nanodollars, 720000000 + 2083333);
    CHECK_INT(view.charged.nanodollars, 90 * 200000 + INT64_C(1500000000) * 90 / 2592000);
    world_close(&world);
}

static void test_a_list_has_the_callers_own_in_order(void **state)
{
    struct world world;
    struct world_machine a, b;
    struct instance_view *views, view;
    struct error err;
    size_t count;
    bool has;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    struct caller bob = world_user(&world, "bob@berth.test", 25);
    world_host(&world, &a, "a", 4);
    world_host(&world, &b, "b", 4);
    int64_t first = world_running(&world, &b, ada, 1);
    int64_t bobs = world_running(&world, &b, bob, 1);
    int64_t second = world_running(&world, &a, ada, 1);
    CHECK_OK(flow_instance_list(&world.flow, &ada, &world.arena, &views, &count, &err), &err);
    CHECK_INT((int64_t)count, 2);
    CHECK_INT(views[0].contract->id, first);
    CHECK_INT(views[0].machine->id, b.id);
    CHECK_INT(views[1].contract->id, second);
    CHECK_INT(views[1].machine->id, a.id);

    CHECK_OK(flow_instance_show(&world.flow, &ada, bobs, &world.arena, &view, &has, &err), &err);
    CHECK(!has);
    /* No id is a way to ask for all. */
    CHECK_OK(flow_instance_show(&world.flow, &ada, 0, &world.arena, &view, &has, &err), &err);
    CHECK(!has);
    CHECK_OK(flow_instance_show(&world.flow, &ada, -1, &world.arena, &view, &has, &err), &err);
    CHECK(!has);
    enum change_outcome outcome;
    CHECK_OK(flow_destroy(&world.flow, &ada, first, &outcome, &err), &err);
    CHECK_OK(flow_instance_list(&world.flow, &ada, &world.arena, &views, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_OK(flow_instance_show(&world.flow, &ada, first, &world.arena, &view, &has, &err), &err);
    CHECK(!has);
    world_close(&world);
}

static void test_a_spec_that_does_not_decode_is_corrupt(void **state)
{
    struct world world;
    struct world_machine machine;
    struct instance_view view;
    struct error err;
    bool has;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    support_script(world.support, "UPDATE contract SET spec = '{'");
    CHECK_FAILS(flow_instance_show(&world.flow, &ada, id, &world.arena, &view, &has, &err), &err,
                ERROR_CORRUPT);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_renter_sees_all_of_an_instance),
        cmocka_unit_test(test_a_list_has_the_callers_own_in_order),
        cmocka_unit_test(test_a_spec_that_does_not_decode_is_corrupt),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
