/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/volume_clone.h"

#include <string.h>

#include "flow/desired.h"
#include "flow/op.h"
#include "flow/rent.h"
#include "support_volumes.h"

struct scene {
    struct world world;
    struct world_machine machine, other;
    struct caller ada, bob;
    int64_t offer, source, seq;
};

static void open_scene(struct scene *scene, void **state)
{
    struct world *world = &scene->world;

    scene->seq = 0;
    world_open(world, *state);
    scene->ada = world_user(world, "ada@berth.test", 25);
    scene->bob = world_user(world, "bob@berth.test", 25);
    world_host(world, &scene->machine, "a", 2);
    world_host(world, &scene->other, "b", 1);
    scene->offer = volumes_offer(world, &scene->machine, 100, VOLUME_MONTH, 0);
    scene->source = volumes_make(world, scene->ada, scene->offer, 20).id;
}

static void close_scene(struct scene *scene)
{
    world_check(&scene->world);
    world_close(&scene->world);
}

static struct volume_clone_reply clone(struct scene *scene, struct caller caller, int64_t offer_id,
                                       int64_t size_gb)
{
    const struct volume_clone_request request = { scene->source, offer_id, size_gb };
    struct volume_clone_reply reply;
    struct error err;

    CHECK_OK(flow_volume_clone(&scene->world.flow, &caller, &request, &reply, &err), &err);
    return reply;
}

static void answer(struct scene *scene, const char *op_id, enum op_status status)
{
    struct op_result result = { .op_id = op_id, .status = status, .output = "so", .exit_code = -1 };
    enum take_outcome outcome;
    struct error err;

    CHECK_OK(flow_op_result(&scene->world.flow, scene->machine.id, scene->machine.epoch,
                            ++scene->seq, &result, &outcome, &err),
             &err);
    CHECK_INT(outcome, TAKE_DONE);
}

static enum rental_outcome mount(struct scene *scene, int64_t volume_id)
{
    struct rental_request request = {
        .offer_id = world_offer(&scene->world, scene->machine.id, 1),
        .spec = { .image = "ubuntu:24.04", .runtype = "ssh", .disk_gb = 10 },
        .starts_stopped = true,
    };
    struct spec_volume volume = { volume_id, 1, "/data" };
    struct rental_reply reply;
    struct error err;

    request.spec.volumes = &volume;
    request.spec.volume_count = 1;
    CHECK_OK(flow_rent(&scene->world.flow, &scene->ada, &request, &reply, &err), &err);
    return reply.outcome;
}

static bool is_filling(struct scene *scene, int64_t id)
{
    struct volume_view *views;
    size_t count;
    struct error err;

    CHECK_OK(
        flow_volumes(&scene->world.flow, &scene->ada, &scene->world.arena, &views, &count, &err),
        &err);
    for (size_t i = 0; i < count; i++)
        if (views[i].contract->id == id)
            return views[i].is_filling;
    fail_msg("there is no volume %lld", (long long)id);
    return false;
}

static void test_its_host_copies_and_then_it_is_a_volume_as_any(void **state)
{
    struct scene scene;
    struct op_view view;
    struct error err;

    open_scene(&scene, state);
    int64_t rev = world_desired(&scene.world, scene.machine.id).desired_rev;
    struct volume_clone_reply reply = clone(&scene, scene.ada, scene.offer, 0);
    CHECK_INT(reply.outcome, VOLUME_CLONE_BEGUN);
    int64_t id = reply.made.id;
    CHECK(id != scene.source);

    struct desired desired = world_desired(&scene.world, scene.machine.id);
    CHECK(desired.desired_rev > rev);
    CHECK_INT(desired.op_count, 1);
    CHECK_INT(desired.ops[0].kind, OP_CLONE);
    CHECK_INT(desired.ops[0].instance_id, id);
    CHECK_INT(desired.ops[0].source_id, scene.source);
    CHECK_INT(desired.ops[0].size_gb, 20);
    CHECK_INT(desired.ops[0].expires_ms, VOLUME_CLONE_SECONDS_MAX * INT64_C(1000));

    /* Meanwhile nothing mounts it or copies it, and the other one stays. */
    CHECK(is_filling(&scene, id) && !is_filling(&scene, scene.source));
    CHECK_INT(mount(&scene, id), RENTAL_VOLUME_FILLING);
    struct volume_delete_reply deleted = volumes_delete(&scene.world, scene.ada, scene.source);
    CHECK_INT(deleted.outcome, VOLUME_IS_CLONED);
    CHECK_INT(deleted.volume_id, id);
    int64_t source = scene.source;
    scene.source = id;
    CHECK_INT(clone(&scene, scene.ada, scene.offer, 0).outcome, VOLUME_CLONE_FILLING);
    scene.source = source;

    answer(&scene, desired.ops[0].op_id, OP_DONE);
    CHECK_OK(flow_op_fetch(&scene.world.flow, reply.token, &scene.world.arena, &view, &err), &err);
    CHECK_INT(view.state, OP_STATE_DONE);
    CHECK_INT(world_desired(&scene.world, scene.machine.id).op_count, 0);
    CHECK(!is_filling(&scene, id));
    CHECK_INT(mount(&scene, id), RENTAL_MADE);
    CHECK_INT(volumes_delete(&scene.world, scene.ada, scene.source).outcome, VOLUME_DELETED);

    /* 20 GB for 36 hours. */
    world_run(&scene.world, &scene.machine, 36 * US_PER_HOUR);
    CHECK_INT(volumes_charged(&scene.world, id), 100000000);
    close_scene(&scene);
}

/* Failed, not known, or never begun: the renter keeps what was there, and pays for no half. */
static void test_what_cannot_be_copied_is_no_volume(void **state)
{
    static const enum op_status statuses[] = { OP_FAILED, OP_UNKNOWN };

    struct scene scene;
    struct error err;

    open_scene(&scene, state);
    for (size_t i = 0; i < 3; i++) {
        int64_t id = clone(&scene, scene.ada, scene.offer, 25).made.id;
        struct desired desired = world_desired(&scene.world, scene.machine.id);

        CHECK_INT(desired.op_count, 1);
        CHECK_INT(desired.ops[0].size_gb, 25);
        if (i < 2) {
            answer(&scene, desired.ops[0].op_id, statuses[i]);
        } else {
            world_pass(&scene.world, VOLUME_CLONE_SECONDS_MAX * US_PER_SECOND - 1);
            CHECK_OK(flow_op_expire(&scene.world.flow, &err), &err);
            CHECK_INT(volumes_count(&scene.world, scene.ada), 2);
            world_pass(&scene.world, 1);
            CHECK_OK(flow_op_expire(&scene.world.flow, &err), &err);
        }
        CHECK_INT(volumes_count(&scene.world, scene.ada), 1);
        desired = world_desired(&scene.world, scene.machine.id);
        CHECK_INT(desired.op_count, 0);
        CHECK_INT(desired.gone_count, (int64_t)i + 1);
        CHECK_INT(desired.gone[i].id, id);
    }
    CHECK_INT(volumes_delete(&scene.world, scene.ada, scene.source).outcome, VOLUME_DELETED);
    close_scene(&scene);
}

/* The host stops as soon as it hears of it, and what it still says changes nothing. */
static void test_deleting_it_ends_the_copy(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    int64_t id = clone(&scene, scene.ada, scene.offer, 0).made.id;
    const char *op_id = world_desired(&scene.world, scene.machine.id).ops[0].op_id;
    CHECK_INT(volumes_delete(&scene.world, scene.ada, id).outcome, VOLUME_DELETED);
    CHECK_INT(world_desired(&scene.world, scene.machine.id).op_count, 0);
    answer(&scene, op_id, OP_DONE);
    CHECK_INT(volumes_count(&scene.world, scene.ada), 1);
    CHECK_INT(volumes_delete(&scene.world, scene.ada, scene.source).outcome, VOLUME_DELETED);
    close_scene(&scene);
}

static void test_what_makes_no_sense_makes_nothing(void **state)
{
    struct scene scene;
    struct error err;

    open_scene(&scene, state);
    int64_t elsewhere = volumes_offer(&scene.world, &scene.other, 100, VOLUME_MONTH, 0);
    const struct {
        struct caller caller;
        int64_t offer_id, size_gb;
        enum volume_clone_outcome outcome;
        enum rent_outcome refusal;
    } rows[] = {
        { scene.bob, scene.offer, 0, VOLUME_CLONE_NO_SOURCE, RENT_OK },
        { scene.ada, elsewhere, 0, VOLUME_CLONE_ELSEWHERE, RENT_OK },
        { scene.ada, 987654321, 0, VOLUME_CLONE_REFUSED, RENT_NO_SUCH_OFFER },
        { scene.ada, scene.offer, 19, VOLUME_CLONE_TOO_SMALL, RENT_OK },
        { scene.ada, scene.offer, 81, VOLUME_CLONE_REFUSED, RENT_DISK_TOO_LARGE },
        { scene.ada, scene.offer, 80, VOLUME_CLONE_BEGUN, RENT_OK },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct volume_clone_reply reply =
            clone(&scene, rows[i].caller, rows[i].offer_id, rows[i].size_gb);

        CHECK_INT(reply.outcome, rows[i].outcome);
        CHECK_INT(reply.made.outcome, rows[i].refusal);
        CHECK_INT(volumes_count(&scene.world, scene.ada),
                  1 + (reply.outcome == VOLUME_CLONE_BEGUN));
    }
    CHECK_OK(flow_op_expire(&scene.world.flow, &err), &err);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_its_host_copies_and_then_it_is_a_volume_as_any),
        cmocka_unit_test(test_what_cannot_be_copied_is_no_volume),
        cmocka_unit_test(test_deleting_it_ends_the_copy),
        cmocka_unit_test(test_what_makes_no_sense_makes_nothing),
    };
    crypto_start();
    return SUPPORT_RUN(tests);
}
