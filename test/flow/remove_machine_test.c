/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/remove_machine.h"

#include <string.h>

#include "flow/enroll.h"
#include "flow/idle_job.h"
#include "flow/instance_change.h"
#include "flow/machines.h"
#include "support_scene.h"

static enum remove_machine_outcome remove_by(struct scene *scene, struct caller caller,
                                             int64_t *ret_rentals)
{
    enum remove_machine_outcome outcome;
    struct error err;

    CHECK_OK(flow_remove_machine(&scene->world.flow, &caller, scene->machine.id, &outcome,
                                 ret_rentals, &err),
             &err);
    return outcome;
}

static size_t count_machines(struct scene *scene)
{
    struct machine_view *machines;
    struct error err;
    size_t count;

    CHECK_OK(flow_machines(&scene->world.flow, &scene->machine.host, 0, &scene->world.arena,
                           &machines, &count, &err),
             &err);
    return count;
}

static void set_idle_job(struct scene *scene)
{
    const struct instance_spec spec = { .image = "alpine:3" };
    struct idle_job_request request = { .machine_id = scene->machine.id,
                                        .gpu_hour = { 100000000 },
                                        .spec = &spec };
    struct idle_job_reply reply;
    struct error err;

    CHECK_OK(flow_idle_job_set(&scene->world.flow, &scene->machine.host, &request, &reply, &err),
             &err);
    CHECK_INT(reply.outcome, IDLE_JOB_SET);
}

/* Running or stopped, what a renter has there keeps the machine. */
static void test_what_is_rented_stays(void **state)
{
    enum change_outcome changed;
    struct scene scene;
    struct error err;
    int64_t rentals;

    scene_begin(&scene, state);
    struct hash before = world_dump(&scene.world);
    CHECK_INT(remove_by(&scene, scene.machine.host, &rentals), REMOVE_IS_RENTED);
    CHECK_INT(rentals, 1);
    CHECK_INT(remove_by(&scene, scene.bob, &rentals), REMOVE_NO_MACHINE);
    CHECK_UNCHANGED(&scene.world, before);
    CHECK_OK(flow_stop(&scene.world.flow, &scene.ada, scene.id, &changed, &err), &err);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(remove_by(&scene, scene.machine.host, &rentals), REMOVE_IS_RENTED);
    CHECK_INT((int64_t)count_machines(&scene), 1);
    scene_end(&scene);
}

/* Nobody waits for a host that says nothing more; and what was earned stays in the books. */
static void test_it_goes_with_its_offers_and_its_idle_job(void **state)
{
    enum change_outcome changed;
    struct scene scene;
    struct error err;
    int64_t rentals;

    scene_begin(&scene, state);
    set_idle_job(&scene);
    world_run(&scene.world, &scene.machine, 60 * US_PER_SECOND);
    CHECK_OK(flow_destroy(&scene.world.flow, &scene.ada, scene.id, &changed, &err), &err);
    CHECK_INT(world_contract(&scene.world, scene.id).state, RENTAL_DESTROYING);
    int64_t charged = world_number(&scene.world, "SELECT SUM(amount) FROM transfer");
    CHECK(charged > 0);
    CHECK_INT(remove_by(&scene, scene.machine.host, &rentals), REMOVE_DONE);
    CHECK_INT(rentals, 0);

    CHECK_INT(world_contract(&scene.world, scene.id).state, RENTAL_DESTROYED);
    CHECK_INT(world_contract(&scene.world, scene.id).reason, REASON_USER_DESTROY);
    CHECK_INT(world_offer(&scene.world, scene.machine.id, 1), 0);
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM contract WHERE state <> 9"), 0);
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM idle_job"), 0);
    CHECK_INT(world_number(&scene.world, "SELECT SUM(amount) FROM transfer"), charged);
    CHECK_INT((int64_t)count_machines(&scene), 0);
    CHECK_INT(remove_by(&scene, scene.machine.host, &rentals), REMOVE_NO_MACHINE);
    scene_end(&scene);
}

/* Its identity is good for nothing: not for the session that it has, nor for another. */
static void test_its_agent_is_let_in_no_more(void **state)
{
    struct session_identity identity;
    enum change_outcome changed;
    uint8_t nonce[32];
    struct scene scene;
    struct error err;
    int64_t rentals;
    bool has;

    scene_begin(&scene, state);
    CHECK_OK(flow_destroy(&scene.world.flow, &scene.ada, scene.id, &changed, &err), &err);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(remove_by(&scene, scene.machine.host, &rentals), REMOVE_DONE);
    CHECK_OK(flow_session_identity(&scene.world.flow, scene.machine.id, &identity, &has, &err),
             &err);
    CHECK(!has);
    /* The nonce that it is given opens nothing. */
    const struct nonce_terms terms = { scene.machine.id, scene.machine.epoch + 1 };
    struct instant now = clock_now(&scene.world.clock);
    CHECK_OK(flow_session_nonce(&scene.world.flow, scene.machine.id, nonce, &err), &err);
    CHECK(!nonce_is_good(scene.world.flow.server_keys, &terms, now, nonce));
    CHECK(world_beat(&scene.world, &scene.machine) != TAKE_DONE);
    scene_end(&scene);
}

/* Under another identity the same GPUs are another machine, with another id. */
static void test_its_gpus_may_join_again(void **state)
{
    struct world_machine again = { 0 };
    enum change_outcome changed;
    struct scene scene;
    struct error err;
    int64_t rentals;

    scene_begin(&scene, state);
    CHECK_OK(flow_destroy(&scene.world.flow, &scene.ada, scene.id, &changed, &err), &err);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(remove_by(&scene, scene.machine.host, &rentals), REMOVE_DONE);
    world_machine(&scene.world, &again, scene.machine.host, "a", 1);
    CHECK(again.id != 0 && again.id != scene.machine.id);
    CHECK_INT((int64_t)count_machines(&scene), 1);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_rented_stays),
        cmocka_unit_test(test_it_goes_with_its_offers_and_its_idle_job),
        cmocka_unit_test(test_its_agent_is_let_in_no_more),
        cmocka_unit_test(test_its_gpus_may_join_again),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
