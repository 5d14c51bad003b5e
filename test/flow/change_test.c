/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/change.h"

#include <pthread.h>

#include "flow/admin.h"
#include "flow/contact_lost.h"
#include "flow/instance_change.h"
#include "flow/list_machine.h"
#include "flow/no_credit.h"
#include "flow/post_usage.h"
#include "flow/support_check.h"
#include "support.h"

enum { RENTERS = 3, MACHINES = 2, IDS_MAX = 256 };

struct scene {
    struct world world;
    struct world_machine machines[MACHINES];
    struct caller renters[RENTERS];
    struct {
        int64_t id;
        struct caller renter;
    } instances[IDS_MAX];
    size_t instance_count;
    int64_t tickets;
};

static void open_scene(struct scene *scene, void **state)
{
    *scene = (struct scene){ 0 };
    world_open(&scene->world, *state);
    scene->renters[0] = world_user(&scene->world, "ada@berth.test", 3);
    scene->renters[1] = world_user(&scene->world, "bob@berth.test", 25);
    scene->renters[2] = world_user(&scene->world, "cy@berth.test", 1);
    world_host(&scene->world, &scene->machines[0], "a", 4);
    world_host(&scene->world, &scene->machines[1], "cpu", 0);
}

static void step_rent(struct scene *scene)
{
    struct world_machine *machine = &scene->machines[check_random(MACHINES)];
    struct caller renter = scene->renters[check_random(RENTERS)];
    int64_t size = machine->facts.gpu_count == 0 ? 0 : INT64_C(1) << check_random(3);
    int64_t offer_id = world_offer(&scene->world, machine->id, size);

    if (offer_id == 0 || scene->instance_count == IDS_MAX)
        return;
    struct rental_reply reply = world_rent(&scene->world, renter, offer_id);
    if (reply.outcome != RENTAL_MADE)
        return;
    scene->instances[scene->instance_count].id = reply.instance_id;
    scene->instances[scene->instance_count++].renter = renter;
}

static void step_change(struct scene *scene)
{
    static bool (*const actions[])(
        const struct flow *, const struct caller *, int64_t, enum change_outcome *,
        struct error *) = { flow_start, flow_stop, flow_start, flow_reboot, flow_destroy };
    enum change_outcome outcome;
    struct error err;

    if (scene->instance_count == 0)
        return;
    size_t at = check_random(scene->instance_count);
    size_t action = check_random(sizeof actions / sizeof actions[0]);
    CHECK_OK(actions[action](&scene->world.flow, &scene->instances[at].renter,
                             scene->instances[at].id, &outcome, &err),
             &err);
}

static void step_host(struct scene *scene)
{
    struct world_machine *machine = &scene->machines[check_random(MACHINES)];
    enum list_machine_outcome outcome;
    struct error err;

    switch (check_random(8)) {
    case 0: /* reboot of the host */
        machine->boot++;
        for (size_t i = 0; i < WORLD_CONTAINERS; i++)
            machine->containers[i].is_running = false;
        world_session(&scene->world, machine);
        break;
    case 1:
        world_session(&scene->world, machine);
        break;
    case 2:
        CHECK_OK(
            flow_unlist_machine(&scene->world.flow, &machine->host, machine->id, &outcome, &err),
            &err);
        break;
    case 3:
    case 4:
        world_list(&scene->world, machine);
        break;
    default: /* containers that end, and start again at the next order */
        for (size_t i = 0; i < WORLD_CONTAINERS; i++) {
            machine->containers[i].has_exited = check_random(6) == 0;
            machine->containers[i].bytes_up += (int64_t)check_random(1000000);
            machine->containers[i].bytes_down += (int64_t)check_random(1000000);
        }
    }
}

static void step_timers(struct scene *scene)
{
    const struct flow *flow = &scene->world.flow;
    enum admin_outcome outcome;
    struct error err;
    size_t count;

    CHECK_OK(flow_contact_lost(flow, &count, &err), &err);
    CHECK_OK(flow_no_credit(flow, &count, &err), &err);
    CHECK_OK(flow_post_usage(flow, &count, &err), &err);
    if (check_random(4) != 0)
        return;
    const char *ticket = arena_printf(&scene->world.arena, "t%lld", (long long)++scene->tickets);
    CHECK_OK(flow_grant_credit(flow, scene->renters[check_random(RENTERS)].user_id,
                               (struct money){ (int64_t)check_random(500000000) + 1 }, ticket,
                               &outcome, &err),
             &err);
}

static void step_time(struct scene *scene)
{
    static const int64_t longest_s[] = { 5, 5, 5, 25, 60, 4000 };
    int64_t us = (int64_t)check_random((uint64_t)(longest_s[check_random(6)] * US_PER_SECOND));

    if (check_random(12) == 0)
        world_silence(&scene->world, us);
    else
        world_pass(&scene->world, us);
}

/* Whatever happens, in whatever order, the books balance, no GPU has two holders, and no
 * microsecond is charged that was not confirmed. */
static void test_the_laws_hold_after_any_sequence_of_events(void **state)
{
    enum { STEPS = 240, CHECK_EVERY = 8 };
    struct scene scene;

    open_scene(&scene, state);
    for (int step = 0; step < STEPS; step++) {
        check_row("step %d", step);
        switch (check_random(10)) {
        case 0:
        case 1:
            step_rent(&scene);
            break;
        case 2:
        case 3:
            step_change(&scene);
            break;
        case 4:
            step_host(&scene);
            break;
        case 5:
            step_timers(&scene);
            break;
        case 6:
            step_time(&scene);
            break;
        default:
            world_pass(&scene.world, (int64_t)check_random(6 * US_PER_SECOND));
            for (size_t i = 0; i < MACHINES; i++)
                if (check_random(8) != 0)
                    CHECK_INT(world_beat(&scene.world, &scene.machines[i]), TAKE_DONE);
        }
        if (step % CHECK_EVERY == 0)
            world_check(&scene.world);
    }
    world_check(&scene.world);
    world_close(&scene.world);
}

/* Who looked at the clock first need not come first: some have waited for their turn. */
static void test_times_never_run_backwards(void **state)
{
    struct scene scene;
    struct world *world = &scene.world;
    enum change_outcome outcome;
    struct error err;

    open_scene(&scene, state);
    struct caller bob = scene.renters[1];
    int64_t id = world_running(world, &scene.machines[0], bob, 4);
    world_run(world, &scene.machines[0], 20 * US_PER_SECOND);
    world_pass(world, 4 * US_PER_SECOND);
    CHECK_OK(flow_stop(&world->flow, &bob, id, &outcome, &err), &err);
    int64_t stopped = world_number_of(world, "SELECT state_us FROM contract WHERE id = $1", id);
    world->clock.held_now.microseconds -= 2 * US_PER_SECOND;
    CHECK_OK(flow_start(&world->flow, &bob, id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_DONE);
    CHECK_INT(world_number_of(world, "SELECT state_us FROM contract WHERE id = $1", id), stopped);
    CHECK_OK(flow_destroy(&world->flow, &bob, id, &outcome, &err), &err);
    CHECK_INT(world_number_of(world, "SELECT destroyed_us FROM contract WHERE id = $1", id),
              stopped);
    world->clock.held_now.microseconds += 2 * US_PER_SECOND;
    CHECK_INT(world_beat(world, &scene.machines[0]), TAKE_DONE);

    /* The next renter's claim does not begin before this one's ended. */
    int64_t freed = world_number(world, "SELECT max(released_us) FROM gpu_claim");
    world->clock.held_now.microseconds -= 3 * US_PER_SECOND;
    struct rental_reply next = world_rent(world, bob, world_offer(world, scene.machines[0].id, 4));
    CHECK_INT(next.outcome, RENTAL_MADE);
    CHECK(world_number_of(world, "SELECT min(claimed_us) FROM gpu_claim WHERE contract_id = $1",
                          next.instance_id) >= freed);
    CHECK(world_number_of(world, "SELECT created_us FROM contract WHERE id = $1",
                          next.instance_id) >= freed);
    world->clock.held_now.microseconds += 3 * US_PER_SECOND;
    world_run(world, &scene.machines[0], 10 * US_PER_SECOND);
    check_is_clean(*state);
    world_close(world);
}

struct actor {
    struct scene *scene;
    size_t number;
    bool is_ok;
    struct error err;
};

/* Start and stop the same instances as everybody else; post; look for lost ones. */
static void *act(void *context)
{
    struct actor *actor = context;
    struct scene *scene = actor->scene;
    const struct flow *flow = &scene->world.flow;
    enum change_outcome outcome;
    size_t count;

    actor->is_ok = true;
    for (size_t i = 0; i < 12 && actor->is_ok; i++) {
        size_t at = (actor->number + i) % scene->instance_count;
        const struct caller *renter = &scene->instances[at].renter;
        int64_t id = scene->instances[at].id;

        if (i % 4 == 3)
            actor->is_ok = flow_post_usage(flow, &count, &actor->err);
        else if (i % 2 == 0)
            actor->is_ok = flow_stop(flow, renter, id, &outcome, &actor->err);
        else
            actor->is_ok = flow_start(flow, renter, id, &outcome, &actor->err);
    }
    return NULL;
}

static void test_many_at_once_get_in_nobodys_way(void **state)
{
    enum { ACTORS = 4 };
    struct scene scene;
    struct actor actors[ACTORS];
    pthread_t threads[ACTORS];

    open_scene(&scene, state);
    for (size_t i = 0; i < 3; i++) {
        scene.instances[i].renter = scene.renters[i % 2];
        scene.instances[i].id =
            world_running(&scene.world, &scene.machines[0], scene.renters[i % 2], 1);
    }
    scene.instance_count = 3;
    world_run(&scene.world, &scene.machines[0], 20 * US_PER_SECOND);
    support_script(scene.world.support, "UPDATE contract SET posted_us = 0");
    for (size_t i = 0; i < ACTORS; i++) {
        actors[i] = (struct actor){ .scene = &scene, .number = i };
        CHECK_INT(pthread_create(&threads[i], NULL, act, &actors[i]), 0);
    }
    /* And heartbeats come all the while. */
    for (int i = 0; i < 5; i++)
        CHECK_INT(world_beat(&scene.world, &scene.machines[0]), TAKE_DONE);
    for (size_t i = 0; i < ACTORS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < ACTORS; i++)
        CHECK_OK(actors[i].is_ok, &actors[i].err);
    CHECK_INT(world_beat(&scene.world, &scene.machines[0]), TAKE_DONE);
    world_check(&scene.world);
    world_close(&scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_laws_hold_after_any_sequence_of_events),
        cmocka_unit_test(test_times_never_run_backwards),
        cmocka_unit_test(test_many_at_once_get_in_nobodys_way),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
