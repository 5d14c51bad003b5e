/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/schedule.h"

#include <string.h>

#include "flow/instance_change.h"
#include "support_scene.h"

#define HOUR_US (3600 * US_PER_SECOND)

static struct schedule_reply schedule(struct scene *scene, struct caller caller, enum job_deed deed,
                                      const char *body)
{
    struct instant now = clock_now(&scene->world.clock);
    struct schedule_request request = { .instance_id = scene->id,
                                        .deed = deed,
                                        .body = body,
                                        .frequency = "HOURLY",
                                        .schedule = { SCHEDULE_ANY, SCHEDULE_ANY, now,
                                                      instant_add(now, 3 * HOUR_US + 1) } };
    struct schedule_reply reply;
    struct error err;

    CHECK_OK(flow_schedule(&scene->world.flow, &caller, &request, &reply, &err), &err);
    return reply;
}

static size_t run(struct scene *scene)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_schedule_run(&scene->world.flow, &count, &err), &err);
    return count;
}

static int64_t job_count(struct scene *scene)
{
    return world_number(&scene->world, "SELECT COUNT(*) FROM scheduled_job");
}

static void test_a_reboot_comes_every_hour_until_the_end(void **state)
{
    struct scene scene;
    int64_t reboots = 0;

    scene_begin(&scene, state);
    CHECK_INT(schedule(&scene, scene.ada, JOB_REBOOT, "").outcome, SCHEDULE_DONE);
    CHECK_INT((int64_t)run(&scene), 0);
    for (int hour = 0; hour < 5; hour++) {
        world_run(&scene.world, &scene.machine, HOUR_US);
        int64_t before = world_contract(&scene.world, scene.id).restart_nonce;
        (void)run(&scene);
        CHECK_INT((int64_t)run(&scene), 0); /* once an hour, whoever looks */
        reboots += world_contract(&scene.world, scene.id).restart_nonce - before;
        world_run(&scene.world, &scene.machine, 10 * US_PER_SECOND);
    }
    CHECK_INT(reboots, 3);
    CHECK_INT(job_count(&scene), 0);
    scene_end(&scene);
}

static void test_a_command_lies_sealed_and_is_run(void **state)
{
    struct scene scene;

    scene_begin(&scene, state);
    CHECK_INT(schedule(&scene, scene.ada, JOB_COMMAND, "echo s3cret").outcome, SCHEDULE_DONE);
    CHECK_INT(
        world_number(&scene.world, "SELECT COUNT(*) FROM scheduled_job WHERE body LIKE '%s3cret%'"),
        0);
    world_run(&scene.world, &scene.machine, HOUR_US);
    CHECK_INT((int64_t)run(&scene), 1);
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM op WHERE is_exec = 1"), 1);
    scene_end(&scene);
}

static void test_a_job_goes_with_its_instance(void **state)
{
    enum change_outcome outcome;
    struct scene scene;
    struct error err;

    scene_begin(&scene, state);
    CHECK_INT(schedule(&scene, scene.ada, JOB_BID, "0.2").outcome, SCHEDULE_DONE);
    CHECK_INT(schedule(&scene, scene.ada, JOB_REBOOT, "").outcome, SCHEDULE_DONE);
    CHECK_OK(flow_destroy(&scene.world.flow, &scene.ada, scene.id, &outcome, &err), &err);
    world_run(&scene.world, &scene.machine, HOUR_US);
    CHECK_INT((int64_t)run(&scene), 2);
    CHECK_INT(job_count(&scene), 0);
    scene_end(&scene);
}

static void test_what_may_not_be_changes_nothing(void **state)
{
    struct scene scene;
    enum schedule_outcome outcome;
    struct error err;

    scene_begin(&scene, state);
    struct schedule_reply made = schedule(&scene, scene.ada, JOB_REBOOT, "");
    struct hash before = world_dump(&scene.world);
    CHECK_INT(schedule(&scene, scene.bob, JOB_REBOOT, "").outcome, SCHEDULE_NO_INSTANCE);
    struct schedule_reply again = schedule(&scene, scene.ada, JOB_REBOOT, "");
    CHECK_INT(again.outcome, SCHEDULE_EXISTS);
    CHECK_INT(again.id, made.id);
    CHECK_INT(schedule(&scene, scene.ada, JOB_COMMAND, "").outcome, SCHEDULE_BAD_BODY);
    CHECK_OK(flow_schedule_delete(&scene.world.flow, &scene.bob, made.id, &outcome, &err), &err);
    CHECK_INT(outcome, SCHEDULE_NO_JOB);
    CHECK_UNCHANGED(&scene.world, before);
    CHECK_OK(flow_schedule_delete(&scene.world.flow, &scene.ada, made.id, &outcome, &err), &err);
    CHECK_INT(outcome, SCHEDULE_DONE);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reboot_comes_every_hour_until_the_end),
        cmocka_unit_test(test_a_command_lies_sealed_and_is_run),
        cmocka_unit_test(test_a_job_goes_with_its_instance),
        cmocka_unit_test(test_what_may_not_be_changes_nothing),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
