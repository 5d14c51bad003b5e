/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/instance_change.h"

#include <string.h>

#include "flow/admin.h"
#include "flow/contact_lost.h"
#include "flow/desired.h"
#include "flow/list_machine.h"
#include "proto/desired.h"
#include "support.h"

struct scene {
    struct world world;
    struct world_machine machine;
    struct caller ada, bob;
    int64_t id;
};

static void open_scene(struct scene *scene, void **state, int64_t gpu_count)
{
    world_open(&scene->world, *state);
    scene->ada = world_user(&scene->world, "ada@berth.test", 25);
    scene->bob = world_user(&scene->world, "bob@berth.test", 25);
    world_host(&scene->world, &scene->machine, "a", gpu_count);
    scene->id = world_running(&scene->world, &scene->machine, scene->ada, 1);
}

static void close_scene(struct scene *scene)
{
    world_check(&scene->world);
    world_close(&scene->world);
}

typedef bool change_action(const struct flow *flow, const struct caller *caller, int64_t id,
                           enum change_outcome *ret, struct error *err);

static enum change_outcome act(struct scene *scene, change_action *action, struct caller caller,
                               int64_t id)
{
    enum change_outcome outcome;
    struct error err;

    CHECK_OK(action(&scene->world.flow, &caller, id, &outcome, &err), &err);
    return outcome;
}

static enum rental_state state_of(struct scene *scene)
{
    return world_contract(&scene->world, scene->id).state;
}

static const char *actual(struct scene *scene)
{
    return world_instance(&scene->world, scene->ada, scene->id).status.actual_status;
}

static int64_t seconds_cost(int64_t gpu_seconds, int64_t disk_seconds)
{
    return gpu_seconds * 100000 + INT64_C(1500000000) * disk_seconds / 2592000;
}

static void test_a_stop_ends_the_charge_and_the_host_frees_the_gpu(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 1);
    world_run(&scene.world, &scene.machine, 60 * US_PER_SECOND);
    world_pass(&scene.world, 3 * US_PER_SECOND);
    CHECK_INT(act(&scene, flow_stop, scene.ada, scene.id), CHANGE_DONE);
    /* At the decision, between two heartbeats; the host's slowness is not the renter's. */
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id), seconds_cost(63, 63));
    CHECK_INT(state_of(&scene), RENTAL_STOPPING);
    CHECK_INT(world_offer(&scene.world, scene.machine.id, 1), 0);
    world_check(&scene.world);

    world_pass(&scene.world, 20 * US_PER_SECOND);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(state_of(&scene), RENTAL_STOPPED);
    CHECK(world_offer(&scene.world, scene.machine.id, 1) != 0);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id), seconds_cost(63, 83));
    CHECK_TEXT(actual(&scene), "stopped");
    CHECK_INT(world_contract(&scene.world, scene.id).reason, REASON_USER_STOP);
    close_scene(&scene);
}

static void test_asking_twice_is_asking_once(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 1);
    struct hash before = world_dump(&scene.world);
    CHECK_INT(act(&scene, flow_start, scene.ada, scene.id), CHANGE_DONE);
    CHECK_UNCHANGED(&scene.world, before);
    CHECK_INT(act(&scene, flow_stop, scene.ada, scene.id), CHANGE_DONE);
    before = world_dump(&scene.world);
    CHECK_INT(act(&scene, flow_stop, scene.ada, scene.id), CHANGE_DONE);
    CHECK_UNCHANGED(&scene.world, before);
    CHECK_INT(act(&scene, flow_destroy, scene.ada, scene.id), CHANGE_DONE);
    before = world_dump(&scene.world);
    CHECK_INT(act(&scene, flow_destroy, scene.ada, scene.id), CHANGE_NO_INSTANCE);
    CHECK_UNCHANGED(&scene.world, before);
    close_scene(&scene);
}

static void test_others_and_the_missing_are_told_alike(void **state)
{
    static change_action *const actions[] = { flow_start, flow_stop, flow_reboot, flow_destroy };
    struct scene scene;
    enum change_outcome outcome;
    struct error err;

    open_scene(&scene, state, 1);
    struct hash before = world_dump(&scene.world);
    struct caller other_instance = scene.ada;
    other_instance.instance_id = scene.id + 1;
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        check_row("%zu", i);
        CHECK_INT(act(&scene, actions[i], scene.bob, scene.id), CHANGE_NO_INSTANCE);
        CHECK_INT(act(&scene, actions[i], scene.machine.host, scene.id), CHANGE_NO_INSTANCE);
        CHECK_INT(act(&scene, actions[i], scene.ada, 99999), CHANGE_NO_INSTANCE);
        CHECK_INT(act(&scene, actions[i], other_instance, scene.id), CHANGE_NO_INSTANCE);
    }
    CHECK_OK(flow_label(&scene.world.flow, &scene.bob, scene.id, "x", &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_NO_INSTANCE);
    CHECK_UNCHANGED(&scene.world, before);
    close_scene(&scene);
}

static void test_a_stopped_instance_starts_on_any_gpu_that_is_free(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 2);
    CHECK_INT(act(&scene, flow_stop, scene.ada, scene.id), CHANGE_DONE);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    /* Bob takes the GPU that it had; it gets the other one. */
    int64_t bobs = world_running(&scene.world, &scene.machine, scene.bob, 1);
    CHECK_INT(act(&scene, flow_start, scene.ada, scene.id), CHANGE_DONE);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(state_of(&scene), RENTAL_RUNNING);
    CHECK_INT(world_contract(&scene.world, scene.id).reason, REASON_NONE);
    CHECK_INT(world_contract(&scene.world, bobs).state, RENTAL_RUNNING);
    world_run(&scene.world, &scene.machine, 10 * US_PER_SECOND);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id), seconds_cost(10, 10));
    close_scene(&scene);
}

static void test_it_gets_the_gpu_back_that_it_had(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 4);
    CHECK_INT(world_running(&scene.world, &scene.machine, scene.bob, 1) > 0, true);
    int64_t gpu_id = world_number_of(
        &scene.world, "SELECT gpu_id FROM gpu_claim WHERE contract_id = $1", scene.id);
    CHECK_INT(act(&scene, flow_stop, scene.ada, scene.id), CHANGE_DONE);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(act(&scene, flow_start, scene.ada, scene.id), CHANGE_DONE);
    CHECK_INT(world_number_of(&scene.world,
                              "SELECT gpu_id FROM gpu_claim WHERE contract_id = $1 "
                              "AND released_us IS NULL",
                              scene.id),
              gpu_id);
    close_scene(&scene);
}

static void test_whose_gpu_is_taken_waits_and_starts_by_itself(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 1);
    CHECK_INT(act(&scene, flow_stop, scene.ada, scene.id), CHANGE_DONE);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    int64_t bobs = world_running(&scene.world, &scene.machine, scene.bob, 1);

    CHECK_INT(act(&scene, flow_start, scene.ada, scene.id), CHANGE_WAITS);
    CHECK_INT(state_of(&scene), RENTAL_SCHEDULING);
    CHECK_TEXT(actual(&scene), "scheduling");
    /* First of one, behind whoever has it, until that one's lifetime ends. */
    struct instance_view view = world_instance(&scene.world, scene.ada, scene.id);
    CHECK(view.is_in_line);
    CHECK_INT(view.place.position, 1);
    CHECK_INT(view.place.length, 1);
    CHECK_INT(view.place.firms_ahead, 1);
    CHECK_INT(view.place.free_by.microseconds,
              world_contract(&scene.world, bobs).terms.end.microseconds);
    CHECK(!world_instance(&scene.world, scene.bob, bobs).is_in_line);
    world_run(&scene.world, &scene.machine, 100 * US_PER_SECOND);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id), seconds_cost(0, 100));
    /* Waiting can be ended. */
    CHECK_INT(act(&scene, flow_stop, scene.ada, scene.id), CHANGE_DONE);
    CHECK_INT(state_of(&scene), RENTAL_STOPPED);
    CHECK(!world_instance(&scene.world, scene.ada, scene.id).is_in_line);
    CHECK_INT(act(&scene, flow_start, scene.ada, scene.id), CHANGE_WAITS);

    CHECK_INT(act(&scene, flow_destroy, scene.bob, bobs), CHANGE_DONE);
    CHECK_INT(state_of(&scene), RENTAL_SCHEDULING); /* until the host confirms */
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(state_of(&scene), RENTAL_CREATED);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(state_of(&scene), RENTAL_RUNNING);
    CHECK_INT(world_offer(&scene.world, scene.machine.id, 1), 0);
    close_scene(&scene);
}

static void test_who_waited_longest_is_let_in_first(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 1);
    CHECK_INT(act(&scene, flow_stop, scene.ada, scene.id), CHANGE_DONE);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    int64_t bobs = world_running(&scene.world, &scene.machine, scene.bob, 1);
    CHECK_INT(act(&scene, flow_stop, scene.bob, bobs), CHANGE_DONE);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    struct caller cy = world_user(&scene.world, "cy@berth.test", 25);
    int64_t cys = world_running(&scene.world, &scene.machine, cy, 1);

    world_pass(&scene.world, US_PER_SECOND);
    CHECK_INT(act(&scene, flow_start, scene.bob, bobs), CHANGE_WAITS);
    world_pass(&scene.world, US_PER_SECOND);
    CHECK_INT(act(&scene, flow_start, scene.ada, scene.id), CHANGE_WAITS);
    CHECK_INT(act(&scene, flow_stop, cy, cys), CHANGE_DONE);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(world_contract(&scene.world, bobs).state, RENTAL_CREATED);
    CHECK_INT(state_of(&scene), RENTAL_SCHEDULING);
    close_scene(&scene);
}

static enum change_outcome grow(struct scene *scene, struct caller caller, int64_t disk_gb)
{
    enum change_outcome outcome;
    struct error err;

    CHECK_OK(flow_grow(&scene->world.flow, &caller, scene->id, disk_gb, &outcome, &err), &err);
    return outcome;
}

static void test_a_start_needs_credit_lifetime_and_an_honest_machine(void **state)
{
    struct scene scene;
    struct list_machine_request listing;
    enum admin_outcome done;
    struct error err;

    open_scene(&scene, state, 1);
    CHECK_INT(act(&scene, flow_stop, scene.ada, scene.id), CHANGE_DONE);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);

    CHECK_OK(flow_set_verification(&scene.world.flow, scene.machine.id, VERIFICATION_DEVERIFIED,
                                   &done, &err),
             &err);
    struct hash before = world_dump(&scene.world);
    CHECK_INT(act(&scene, flow_start, scene.ada, scene.id), CHANGE_BARRED);
    CHECK_UNCHANGED(&scene.world, before);
    CHECK_OK(flow_set_verification(&scene.world.flow, scene.machine.id, VERIFICATION_UNVERIFIED,
                                   &done, &err),
             &err);

    /* Ten gigabytes of disk eat $25 in about 17 months. */
    world_silence(&scene.world, INT64_C(500) * 24 * US_PER_HOUR);
    world_pass(&scene.world, 0);
    CHECK_INT(act(&scene, flow_start, scene.ada, scene.id), CHANGE_NO_CREDIT);
    before = world_dump(&scene.world);
    CHECK_INT(grow(&scene, scene.ada, 11), CHANGE_NO_CREDIT);
    CHECK_UNCHANGED(&scene.world, before);

    struct world_machine other;
    world_host(&scene.world, &other, "b", 1);
    listing = (struct list_machine_request){ .machine_id = other.id,
                                             .has_duration = true,
                                             .duration_s = 3600 };
    struct list_machine_reply listed;
    CHECK_OK(flow_list_machine(&scene.world.flow, &other.host, &listing, &listed, &err), &err);
    CHECK_INT(listed.outcome, LIST_DONE);
    int64_t bobs = world_running(&scene.world, &other, scene.bob, 1);
    CHECK_INT(act(&scene, flow_stop, scene.bob, bobs), CHANGE_DONE);
    CHECK_INT(world_beat(&scene.world, &other), TAKE_DONE);
    world_pass(&scene.world, 3600 * US_PER_SECOND);
    CHECK_INT(act(&scene, flow_start, scene.bob, bobs), CHANGE_LIFETIME_OVER);
    world_close(&scene.world);
}

static void test_a_reboot_restarts_once_and_charges_no_gap(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 1);
    world_run(&scene.world, &scene.machine, 10 * US_PER_SECOND);
    CHECK_INT(act(&scene, flow_reboot, scene.ada, scene.id), CHANGE_DONE);
    CHECK_INT(state_of(&scene), RENTAL_REBOOTING);
    CHECK_TEXT(actual(&scene), "rebooting");
    world_pass(&scene.world, 5 * US_PER_SECOND);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(state_of(&scene), RENTAL_RUNNING);
    CHECK_INT(world_container(&scene.machine, scene.id)->starts, 2);
    world_run(&scene.world, &scene.machine, 10 * US_PER_SECOND);
    CHECK_INT(world_container(&scene.machine, scene.id)->starts, 2);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id), seconds_cost(20, 25));
    CHECK_INT(act(&scene, flow_stop, scene.ada, scene.id), CHANGE_DONE);
    CHECK_INT(act(&scene, flow_reboot, scene.ada, scene.id), CHANGE_NOT_RUNNING);
    close_scene(&scene);
}

static void test_a_report_from_before_the_reboot_does_not_end_it(void **state)
{
    struct scene scene;
    auto_arena struct arena arena = arena_of(WORLD_ARENA);

    open_scene(&scene, state, 1);
    CHECK_INT(act(&scene, flow_reboot, scene.ada, scene.id), CHANGE_DONE);
    world_pass(&scene.world, US_PER_SECOND);
    struct heartbeat heartbeat = world_obey(&scene.world, &scene.machine, &arena);
    heartbeat.instances[0].restart_nonce = 0; /* the new generation, and not restarted yet */
    CHECK_INT(world_send(&scene.world, &scene.machine, &heartbeat), TAKE_DONE);
    CHECK_INT(state_of(&scene), RENTAL_REBOOTING);
    close_scene(&scene);
}

static void test_a_label_is_set_changed_and_taken_off(void **state)
{
    struct scene scene;
    enum change_outcome outcome;
    struct error err;
    char label[1024 + 2];

    open_scene(&scene, state, 1);
    int64_t gen = world_contract(&scene.world, scene.id).gen;
    memset(label, 'x', sizeof label);
    label[sizeof label - 1] = '\0';
    CHECK_OK(flow_label(&scene.world.flow, &scene.ada, scene.id, label, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_LABEL_TOO_LONG);
    CHECK_OK(flow_label(&scene.world.flow, &scene.ada, scene.id, label + 1, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_DONE);
    CHECK_TEXT(world_contract(&scene.world, scene.id).label, label + 1);
    CHECK_OK(flow_label(&scene.world.flow, &scene.ada, scene.id, "", &outcome, &err), &err);
    CHECK(world_contract(&scene.world, scene.id).label == NULL);
    /* Nothing for the host to do. */
    CHECK_INT(world_contract(&scene.world, scene.id).gen, gen);
    close_scene(&scene);
}

static int64_t grown_gb(struct scene *scene)
{
    struct desired desired = world_desired(&scene->world, scene->machine.id);

    CHECK_INT(desired.instances[0].spec.disk_gb, 10); /* what its container was made with */
    return desired.instances[0].grown_gb;
}

static void test_a_disk_grows_and_costs_what_it_is_from_then_on(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 1);
    CHECK_INT(grown_gb(&scene), 0);
    world_run(&scene.world, &scene.machine, 60 * US_PER_SECOND);
    world_pass(&scene.world, 3 * US_PER_SECOND);
    int64_t gen = world_contract(&scene.world, scene.id).gen;
    CHECK_INT(grow(&scene, scene.ada, 20), CHANGE_DONE);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id), seconds_cost(63, 63));
    CHECK_INT(world_contract(&scene.world, scene.id).share.disk_gb, 20);
    CHECK_INT(grown_gb(&scene), 20);
    /* It runs on: the same run, by the same generation. */
    CHECK_INT(world_contract(&scene.world, scene.id).gen, gen);
    CHECK_INT(state_of(&scene), RENTAL_RUNNING);
    world_check(&scene.world);
    world_run(&scene.world, &scene.machine, 60 * US_PER_SECOND);
    world_pass(&scene.world, 2 * US_PER_SECOND);
    CHECK_INT(act(&scene, flow_stop, scene.ada, scene.id), CHANGE_DONE);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id), seconds_cost(63 + 62, 63 + 2 * 62));
    /* And once more, while it is stopped; then it takes that with it. */
    world_pass(&scene.world, 10 * US_PER_SECOND);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    world_pass(&scene.world, 10 * US_PER_SECOND);
    CHECK_INT(grow(&scene, scene.ada, 30), CHANGE_DONE);
    world_pass(&scene.world, 10 * US_PER_SECOND);
    CHECK_INT(act(&scene, flow_destroy, scene.ada, scene.id), CHANGE_DONE);
    CHECK_INT(world_credit(&scene.world, scene.ada),
              INT64_C(25000000000) - seconds_cost(63 + 62, 63 + 2 * (62 + 20) + 3 * 10));
    close_scene(&scene);
}

static void test_a_disk_grows_within_what_its_machine_has(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 2);
    (void)world_running(&scene.world, &scene.machine, scene.ada, 1); /* 10 GB more */
    struct hash before = world_dump(&scene.world);
    CHECK_INT(grow(&scene, scene.bob, 20), CHANGE_NO_INSTANCE);
    CHECK_INT(grow(&scene, scene.ada, 10), CHANGE_DONE);
    CHECK_INT(grow(&scene, scene.ada, 9), CHANGE_DISK_SHRINKS);
    CHECK_INT(grow(&scene, scene.ada, 1), CHANGE_DISK_SHRINKS);
    CHECK_INT(grow(&scene, scene.ada, 991), CHANGE_DISK_TAKEN);
    CHECK_INT(grow(&scene, scene.ada, METER_QUANTITY_MAX), CHANGE_DISK_TAKEN);
    CHECK_UNCHANGED(&scene.world, before);
    CHECK_INT(grow(&scene, scene.ada, 990), CHANGE_DONE);
    CHECK_INT(grow(&scene, scene.ada, 991), CHANGE_DISK_TAKEN);
    CHECK_INT(grow(&scene, scene.ada, 989), CHANGE_DISK_SHRINKS);
    close_scene(&scene);
}

static void test_after_a_destroy_nothing_is_charged_and_nothing_is_left(void **state)
{
    struct scene scene;

    open_scene(&scene, state, 1);
    world_run(&scene.world, &scene.machine, 60 * US_PER_SECOND);
    world_pass(&scene.world, 2 * US_PER_SECOND);
    CHECK_INT(act(&scene, flow_reboot, scene.ada, scene.id), CHANGE_DONE);
    CHECK_INT(act(&scene, flow_destroy, scene.ada, scene.id), CHANGE_DONE);
    int64_t credit = INT64_C(25000000000) - seconds_cost(62, 62);
    CHECK_INT(world_credit(&scene.world, scene.ada), credit);

    /* The host deletes it when it hears, and only by a signed word. */
    struct desired desired = world_desired(&scene.world, scene.machine.id);
    const struct desired_instance *instance = &desired.instances[0];
    CHECK_INT(instance->state, DESIRED_ABSENT);
    CHECK(instance->has_destroy_token);
    auto_buf struct buf text = buf_of(1024);
    struct signature signature;
    destroy_signed(&text, scene.machine.id, scene.id, instance->gen);
    memcpy(signature.bytes, instance->destroy_token, 64);
    CHECK(crypto_verify(scene.world.server_keys.public_key, &signature, text.bytes, text.length));

    world_container(&scene.machine, scene.id)->bytes_up = 1 << 30;
    world_run(&scene.world, &scene.machine, 3600 * US_PER_SECOND);
    CHECK_INT(world_credit(&scene.world, scene.ada), credit);
    CHECK_INT(state_of(&scene), RENTAL_DESTROYED);
    CHECK_INT(world_desired(&scene.world, scene.machine.id).instance_count, 0);
    CHECK(world_offer(&scene.world, scene.machine.id, 1) != 0);
    close_scene(&scene);
}

static void test_destroyed_while_its_host_is_away_it_waits_as_a_tombstone(void **state)
{
    struct scene scene;
    struct error err;
    size_t count;

    open_scene(&scene, state, 1);
    world_run(&scene.world, &scene.machine, 60 * US_PER_SECOND);
    world_pass(&scene.world, 40 * US_PER_SECOND);
    CHECK_OK(flow_contact_lost(&scene.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_TEXT(actual(&scene), "offline");
    CHECK_INT(act(&scene, flow_destroy, scene.ada, scene.id), CHANGE_DONE);
    CHECK_INT(world_credit(&scene.world, scene.ada), INT64_C(25000000000) - seconds_cost(60, 100));
    CHECK_INT(state_of(&scene), RENTAL_DESTROYING);
    world_pass(&scene.world, 3600 * US_PER_SECOND);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(state_of(&scene), RENTAL_DESTROYED);
    CHECK_INT(world_credit(&scene.world, scene.ada), INT64_C(25000000000) - seconds_cost(60, 100));
    CHECK(world_offer(&scene.world, scene.machine.id, 1) != 0);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stop_ends_the_charge_and_the_host_frees_the_gpu),
        cmocka_unit_test(test_asking_twice_is_asking_once),
        cmocka_unit_test(test_others_and_the_missing_are_told_alike),
        cmocka_unit_test(test_a_stopped_instance_starts_on_any_gpu_that_is_free),
        cmocka_unit_test(test_it_gets_the_gpu_back_that_it_had),
        cmocka_unit_test(test_whose_gpu_is_taken_waits_and_starts_by_itself),
        cmocka_unit_test(test_who_waited_longest_is_let_in_first),
        cmocka_unit_test(test_a_start_needs_credit_lifetime_and_an_honest_machine),
        cmocka_unit_test(test_a_reboot_restarts_once_and_charges_no_gap),
        cmocka_unit_test(test_a_report_from_before_the_reboot_does_not_end_it),
        cmocka_unit_test(test_a_label_is_set_changed_and_taken_off),
        cmocka_unit_test(test_a_disk_grows_and_costs_what_it_is_from_then_on),
        cmocka_unit_test(test_a_disk_grows_within_what_its_machine_has),
        cmocka_unit_test(test_after_a_destroy_nothing_is_charged_and_nothing_is_left),
        cmocka_unit_test(test_destroyed_while_its_host_is_away_it_waits_as_a_tombstone),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
