/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/downtime.h"

#include <stdatomic.h>
#include <unistd.h>

#include "flow/contact_lost.h"
#include "flow/instance_change.h"
#include "support.h"

#define HOUR_US (3600 * US_PER_SECOND)

struct scene {
    struct world world;
    struct world_machine machine;
    struct caller ada;
    int64_t id;
};

/* It has run for two hours, and then the host is out of contact for one. */
static void open_scene(struct scene *scene, void **state, int64_t bps)
{
    struct error err;
    size_t count;

    world_open(&scene->world, *state);
    scene->world.flow.downtime_bps = bps;
    scene->ada = world_user(&scene->world, "ada@berth.test", 25);
    world_host(&scene->world, &scene->machine, "a", 1);
    scene->id = world_running(&scene->world, &scene->machine, scene->ada, 1);
    world_run(&scene->world, &scene->machine, 2 * HOUR_US);
    world_pass(&scene->world, 60 * US_PER_SECOND);
    CHECK_OK(flow_contact_lost(&scene->world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
}

static int64_t accrued(struct scene *scene)
{
    return world_number(&scene->world,
                        "SELECT cr_posted - dr_posted FROM account WHERE code = 2110");
}

static void test_the_host_gives_its_part_of_the_price(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 5000);
    world_pass(&scene.world, HOUR_US - 60 * US_PER_SECOND);
    int64_t credit = world_credit(&scene.world, scene.ada), before = accrued(&scene);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(before - accrued(&scene), 180000000);
    CHECK_INT(world_credit(&scene.world, scene.ada), credit + 180000000);
    CHECK_INT(world_number(&scene.world, "SELECT gross FROM usage_line WHERE kind = 3"),
              -180000000);
    CHECK_INT(world_number(&scene.world, "SELECT used FROM usage_line WHERE kind = 3"), HOUR_US);
    /* Once. */
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(before - accrued(&scene), 180000000);
    world_check(&scene.world);
    world_close(&scene.world);
}

static void hear(void *context, const struct heartbeat_outcome_reply *reply,
                 const struct error *err)
{
    (void)err;
    atomic_store((atomic_int *)context, reply != NULL && reply->outcome == TAKE_DONE ? 1 : -1);
}

/* Servers take most heartbeats this way: nobody waits for them. */
static void test_it_is_given_whichever_way_the_heartbeat_is_taken(void **state)
{
    atomic_int heard = 0;
    const struct heartbeat_listener listener = { hear, &heard };
    struct scene scene;

    open_scene(&scene, state, 5000);
    int64_t away = world_number(&scene.world, "SELECT offline_since_us FROM machine");
    world_pass(&scene.world, HOUR_US - 60 * US_PER_SECOND);
    int64_t before = accrued(&scene);
    struct heartbeat heartbeat = world_obey(&scene.world, &scene.machine, &scene.world.arena);
    struct heartbeat_request request = { .machine_id = scene.machine.id,
                                         .heartbeat = &heartbeat,
                                         .is_regular = true };
    CHECK(flow_heartbeat_later(&scene.world.flow, &request, &scene.world.arena, &listener));
    for (int i = 0; atomic_load(&heard) == 0 && i < 5000; i++)
        (void)usleep(1000);
    CHECK_INT(atomic_load(&heard), 1);
    CHECK_INT(before - accrued(&scene), 180000000);
    CHECK_INT(world_number(&scene.world, "SELECT from_us FROM usage_line WHERE kind = 3"), away);
    world_check(&scene.world);
    world_close(&scene.world);
}

static void test_no_more_than_is_pending(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 10000);
    int64_t before = accrued(&scene);
    CHECK(before > 540000000 && before < 560000000);
    world_pass(&scene.world, 10 * HOUR_US);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(accrued(&scene), 0);
    world_check(&scene.world);
    world_close(&scene.world);
}

static void test_nothing_where_nobody_set_it_or_nothing_ran(void **state)
{
    struct scene scene;
    enum change_outcome outcome;
    struct error err;

    open_scene(&scene, state, 0);
    world_pass(&scene.world, HOUR_US);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM usage_line WHERE kind = 3"), 0);

    /* Stopped by its owner while the host was away: it would not have run. */
    size_t count;
    scene.world.flow.downtime_bps = 5000;
    world_pass(&scene.world, 60 * US_PER_SECOND);
    CHECK_OK(flow_contact_lost(&scene.world.flow, &count, &err), &err);
    CHECK_OK(flow_stop(&scene.world.flow, &scene.ada, scene.id, &outcome, &err), &err);
    world_pass(&scene.world, HOUR_US);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM usage_line WHERE kind = 3"), 0);
    world_check(&scene.world);
    world_close(&scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_host_gives_its_part_of_the_price),
        cmocka_unit_test(test_it_is_given_whichever_way_the_heartbeat_is_taken),
        cmocka_unit_test(test_no_more_than_is_pending),
        cmocka_unit_test(test_nothing_where_nobody_set_it_or_nothing_ran),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
