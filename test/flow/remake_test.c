/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/remake.h"

#include <string.h>

#include "flow/instance_change.h"
#include "support_scene.h"

static enum remake_outcome remake(struct scene *scene, struct caller caller,
                                  const struct instance_spec *launch)
{
    struct remake_request request = { .instance_id = scene->id, .launch = launch };
    struct remake_reply reply;
    struct error err;

    CHECK_OK(flow_remake(&scene->world.flow, &caller, &request, &reply, &err), &err);
    return reply.outcome;
}

static const struct instance_spec *spec_of(struct scene *scene)
{
    return world_instance(&scene->world, scene->ada, scene->id).spec;
}

static void test_what_runs_is_restarted_and_not_charged_meanwhile(void **state)
{
    struct scene scene;

    scene_begin(&scene, state);
    world_run(&scene.world, &scene.machine, 60 * US_PER_SECOND);
    int64_t before = world_charged(&scene.world, scene.ada, scene.id);
    CHECK_INT(remake(&scene, scene.ada, NULL), REMAKE_DONE);
    struct contract_row contract = world_contract(&scene.world, scene.id);
    CHECK_INT(contract.state, RENTAL_REBOOTING);
    CHECK_INT(spec_of(&scene)->remake, 1);
    world_pass(&scene.world, 4 * US_PER_SECOND);
    int64_t disk = INT64_C(1500000000) * 4 / 2592000;
    CHECK(world_charged(&scene.world, scene.ada, scene.id) <= before + disk + 1);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(world_contract(&scene.world, scene.id).state, RENTAL_RUNNING);
    scene_end(&scene);
}

static void test_another_launch_changes_nothing_else(void **state)
{
    struct scene scene;

    scene_begin(&scene, state);
    struct contract_row before = world_contract(&scene.world, scene.id);
    struct instance_spec launch = { .image = "alpine:3",
                                    .onstart = "true",
                                    .disk_gb = 4000,
                                    .ram_mb = 1 << 20,
                                    .cpu_millis = 640000 };
    CHECK_INT(remake(&scene, scene.ada, &launch), REMAKE_DONE);
    struct contract_row after = world_contract(&scene.world, scene.id);
    const struct instance_spec *spec = spec_of(&scene);
    CHECK_TEXT(after.image, "alpine:3");
    CHECK_TEXT(spec->onstart, "true");
    CHECK_INT(spec->disk_gb, before.share.disk_gb);
    CHECK_INT(spec->ram_mb, before.share.ram_mb);
    CHECK_INT(spec->cpu_millis, before.share.cpu_millis);
    CHECK_INT(after.terms.gpu_hour.nanodollars, before.terms.gpu_hour.nanodollars);
    CHECK(after.gen > before.gen);
    CHECK_INT(remake(&scene, scene.ada, NULL), REMAKE_DONE);
    CHECK_TEXT(spec_of(&scene)->image, "alpine:3");
    CHECK_INT(spec_of(&scene)->remake, 2);
    scene_end(&scene);
}

static void test_what_is_stopped_waits_for_its_start(void **state)
{
    enum change_outcome outcome;
    struct scene scene;
    struct error err;

    scene_begin(&scene, state);
    CHECK_OK(flow_stop(&scene.world.flow, &scene.ada, scene.id, &outcome, &err), &err);
    CHECK_INT(remake(&scene, scene.ada, NULL), REMAKE_ENDING);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(remake(&scene, scene.ada, NULL), REMAKE_DONE);
    CHECK_INT(world_contract(&scene.world, scene.id).state, RENTAL_STOPPED);
    CHECK_INT(spec_of(&scene)->remake, 1);
    scene_end(&scene);
}

static void test_who_may_not_and_what_cannot_change_nothing(void **state)
{
    struct instance_spec bad = { .image = "-rm" };
    struct scene scene;
    struct error err;
    enum change_outcome outcome;

    scene_begin(&scene, state);
    struct hash before = world_dump(&scene.world);
    CHECK_INT(remake(&scene, scene.bob, NULL), REMAKE_NO_INSTANCE);
    CHECK_INT(remake(&scene, scene.machine.host, NULL), REMAKE_NO_INSTANCE);
    CHECK_INT(remake(&scene, scene.ada, &bad), REMAKE_BAD_SPEC);
    CHECK_UNCHANGED(&scene.world, before);
    CHECK_OK(flow_destroy(&scene.world.flow, &scene.ada, scene.id, &outcome, &err), &err);
    before = world_dump(&scene.world);
    CHECK_INT(remake(&scene, scene.ada, NULL), REMAKE_NO_INSTANCE);
    CHECK_UNCHANGED(&scene.world, before);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_runs_is_restarted_and_not_charged_meanwhile),
        cmocka_unit_test(test_another_launch_changes_nothing_else),
        cmocka_unit_test(test_what_is_stopped_waits_for_its_start),
        cmocka_unit_test(test_who_may_not_and_what_cannot_change_nothing),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
