/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/ssh_keys.h"

#include <stdio.h>
#include <string.h>

#include "flow/desired.h"
#include "flow/instance_change.h"
#include "support.h"

struct scene {
    struct world world;
    struct world_machine machine;
    struct caller ada, bob;
    int64_t id;
};

static void open_scene(struct scene *scene, void **state)
{
    world_open(&scene->world, *state);
    scene->ada = world_user(&scene->world, "ada@berth.test", 25);
    scene->bob = world_user(&scene->world, "bob@berth.test", 25);
    world_host(&scene->world, &scene->machine, "a", 1);
    scene->id = world_running(&scene->world, &scene->machine, scene->ada, 1);
}

static struct ssh_keys_reply add(struct scene *scene, struct caller caller, const char *text)
{
    struct ssh_keys_reply reply;
    struct error err;

    CHECK_OK(flow_ssh_key_add(&scene->world.flow, &caller, text, &scene->world.arena, &reply, &err),
             &err);
    return reply;
}

static struct ssh_keys_reply attach(struct scene *scene, struct caller caller, const char *text)
{
    struct ssh_keys_reply reply;
    struct error err;

    CHECK_OK(flow_ssh_key_attach(&scene->world.flow, &caller, scene->id, text, &scene->world.arena,
                                 &reply, &err),
             &err);
    return reply;
}

/* What the host is to let in. */
static const struct desired_instance *desired(struct scene *scene)
{
    struct desired *state = arena_alloc(&scene->world.arena, 1, sizeof *state);
    struct error err;
    bool has;

    CHECK_OK(
        flow_desired(&scene->world.flow, scene->machine.id, &scene->world.arena, state, &has, &err),
        &err);
    CHECK_INT(state->instance_count, 1);
    return &state->instances[0];
}

static void test_an_account_key_reaches_instances_old_and_new(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    int64_t gen = desired(&scene)->gen;
    struct ssh_keys_reply reply = add(&scene, scene.ada, "  " KEY_ED25519 "\n");
    CHECK_INT(reply.outcome, SSH_KEYS_DONE);
    CHECK_TEXT(reply.key.public_key, KEY_ED25519);
    CHECK_INT(desired(&scene)->spec.ssh_key_count, 1);
    CHECK_TEXT(desired(&scene)->spec.ssh_keys[0], KEY_ED25519);
    CHECK_INT(desired(&scene)->gen, gen + 1);
    /* Once more is the same key, and nothing new. */
    struct hash before = world_dump(&scene.world);
    CHECK_INT(add(&scene, scene.ada, KEY_ED25519).key.id, reply.key.id);
    CHECK_UNCHANGED(&scene.world, before);

    /* It stays running and is charged on. */
    world_run(&scene.world, &scene.machine, 60 * US_PER_SECOND);
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM run_interval"), 1);

    enum change_outcome outcome;
    struct error err;
    CHECK_OK(flow_destroy(&scene.world.flow, &scene.ada, scene.id, &outcome, &err), &err);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    scene.id = world_running(&scene.world, &scene.machine, scene.ada, 1);
    CHECK_INT(desired(&scene)->spec.ssh_key_count, 1);
    world_check(&scene.world);
    world_close(&scene.world);
}

static void test_a_changed_or_deleted_key_changes_running_instances(void **state)
{
    struct scene scene;
    struct ssh_keys_reply reply;
    struct error err;

    open_scene(&scene, state);
    int64_t key_id = add(&scene, scene.ada, KEY_ED25519).key.id;
    CHECK_OK(flow_ssh_key_update(&scene.world.flow, &scene.ada, key_id, KEY_ED25519_OTHER,
                                 &scene.world.arena, &reply, &err),
             &err);
    CHECK_INT(reply.outcome, SSH_KEYS_DONE);
    CHECK_TEXT(desired(&scene)->spec.ssh_keys[0], KEY_ED25519_OTHER);
    int64_t gen = desired(&scene)->gen;
    CHECK_OK(flow_ssh_key_delete(&scene.world.flow, &scene.ada, key_id, &reply, &err), &err);
    CHECK_INT(reply.outcome, SSH_KEYS_DONE);
    CHECK_INT(desired(&scene)->spec.ssh_key_count, 0);
    CHECK_INT(desired(&scene)->gen, gen + 1);
    CHECK_OK(flow_ssh_key_delete(&scene.world.flow, &scene.ada, key_id, &reply, &err), &err);
    CHECK_INT(reply.outcome, SSH_KEYS_NO_KEY);
    world_close(&scene.world);
}

static void test_an_attached_key_is_for_that_instance_alone(void **state)
{
    struct scene scene;
    struct ssh_keys_reply reply;
    struct ssh_key_row *keys;
    struct error err;
    size_t count;
    bool has;

    open_scene(&scene, state);
    int64_t key_id = attach(&scene, scene.ada, KEY_ED25519_OTHER).key.id;
    CHECK_TEXT(desired(&scene)->spec.ssh_keys[0], KEY_ED25519_OTHER);
    CHECK_OK(
        flow_ssh_key_list(&scene.world.flow, &scene.ada, &scene.world.arena, &keys, &count, &err),
        &err);
    CHECK_INT((int64_t)count, 0);
    CHECK_OK(flow_ssh_key_list_of(&scene.world.flow, &scene.ada, scene.id, &scene.world.arena,
                                  &keys, &count, &has, &err),
             &err);
    CHECK(has);
    CHECK_INT((int64_t)count, 1);
    CHECK_OK(flow_ssh_key_detach(&scene.world.flow, &scene.ada, scene.id, key_id, &reply, &err),
             &err);
    CHECK_INT(reply.outcome, SSH_KEYS_DONE);
    CHECK_INT(desired(&scene)->spec.ssh_key_count, 0);
    CHECK_OK(flow_ssh_key_detach(&scene.world.flow, &scene.ada, scene.id, key_id, &reply, &err),
             &err);
    CHECK_INT(reply.outcome, SSH_KEYS_NO_KEY);
    world_close(&scene.world);
}

static void test_others_find_neither_keys_nor_instances(void **state)
{
    struct scene scene;
    struct ssh_keys_reply reply;
    struct ssh_key_row *keys;
    struct error err;
    size_t count;
    bool has;

    open_scene(&scene, state);
    int64_t key_id = add(&scene, scene.ada, KEY_ED25519).key.id;
    int64_t bobs = add(&scene, scene.bob, KEY_ED25519_OTHER).key.id;
    struct hash before = world_dump(&scene.world);
    CHECK_OK(flow_ssh_key_update(&scene.world.flow, &scene.bob, key_id, KEY_ED25519_OTHER,
                                 &scene.world.arena, &reply, &err),
             &err);
    CHECK_INT(reply.outcome, SSH_KEYS_NO_KEY);
    CHECK_OK(flow_ssh_key_delete(&scene.world.flow, &scene.bob, key_id, &reply, &err), &err);
    CHECK_INT(reply.outcome, SSH_KEYS_NO_KEY);
    CHECK_INT(attach(&scene, scene.bob, KEY_ED25519_OTHER).outcome, SSH_KEYS_NO_INSTANCE);
    CHECK_OK(flow_ssh_key_detach(&scene.world.flow, &scene.bob, scene.id, key_id, &reply, &err),
             &err);
    CHECK_INT(reply.outcome, SSH_KEYS_NO_INSTANCE);
    CHECK_OK(flow_ssh_key_detach(&scene.world.flow, &scene.ada, scene.id, bobs, &reply, &err),
             &err);
    CHECK_INT(reply.outcome, SSH_KEYS_NO_KEY);
    CHECK_OK(flow_ssh_key_list_of(&scene.world.flow, &scene.bob, scene.id, &scene.world.arena,
                                  &keys, &count, &has, &err),
             &err);
    CHECK(!has);
    CHECK_UNCHANGED(&scene.world, before);
    world_close(&scene.world);
}

static void test_an_instances_own_key_touches_no_other(void **state)
{
    struct scene scene;
    struct ssh_keys_reply reply;
    struct error err;

    open_scene(&scene, state);
    struct caller other = scene.ada;
    other.instance_id = scene.id + 1;
    CHECK_INT(attach(&scene, other, KEY_ED25519).outcome, SSH_KEYS_NO_INSTANCE);
    other.instance_id = scene.id;
    reply = attach(&scene, other, KEY_ED25519);
    CHECK_INT(reply.outcome, SSH_KEYS_DONE);
    other.instance_id = scene.id + 1;
    CHECK_OK(flow_ssh_key_detach(&scene.world.flow, &other, scene.id, reply.key.id, &reply, &err),
             &err);
    CHECK_INT(reply.outcome, SSH_KEYS_NO_INSTANCE);
    world_close(&scene.world);
}

static void test_text_that_is_no_key_changes_nothing(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    struct hash before = world_dump(&scene.world);
    struct ssh_keys_reply reply = add(&scene, scene.ada, "k.pub");
    CHECK_INT(reply.outcome, SSH_KEYS_NOT_A_KEY);
    CHECK(strstr(reply.why, "ssh-ed25519") != NULL);
    CHECK_INT(attach(&scene, scene.ada, "ssh-ed25519 AAAA").outcome, SSH_KEYS_NOT_A_KEY);
    CHECK_UNCHANGED(&scene.world, before);
    world_close(&scene.world);
}

/* The last letters of the base64 text are free bits of the key: as many keys as we like. */
static void test_an_account_has_a_most_number_of_keys(void **state)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    struct scene scene;

    open_scene(&scene, state);
    for (int i = 0; i <= SSH_KEYS_PER_USER_MAX; i++) {
        char text[] = KEY_ED25519;

        *strchr(strchr(text, ' ') + 40, 'b') = digits[i];
        check_row("%d: %s", i, text);
        CHECK_INT(add(&scene, scene.ada, text).outcome,
                  i < SSH_KEYS_PER_USER_MAX ? SSH_KEYS_DONE : SSH_KEYS_TOO_MANY);
    }
    world_close(&scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_account_key_reaches_instances_old_and_new),
        cmocka_unit_test(test_a_changed_or_deleted_key_changes_running_instances),
        cmocka_unit_test(test_an_attached_key_is_for_that_instance_alone),
        cmocka_unit_test(test_others_find_neither_keys_nor_instances),
        cmocka_unit_test(test_an_instances_own_key_touches_no_other),
        cmocka_unit_test(test_text_that_is_no_key_changes_nothing),
        cmocka_unit_test(test_an_account_has_a_most_number_of_keys),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
