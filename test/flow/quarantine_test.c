/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "flow/admin.h"
#include "flow/desired.h"
#include "flow/instance_change.h"
#include "flow/op.h"
#include "flow/session.h"
#include "flow/ssh_keys.h"
#include "support.h"

#define SECRET "do-not-tell"

/* A new session with the machine's fingerprint as it is now. */
static enum session_outcome reconnect(struct world *world, struct world_machine *machine)
{
    struct session_request request = { .machine_id = machine->id,
                                       .boot_id = "boot-1",
                                       .agent_incarnation = 2,
                                       .facts = machine->facts };
    auto_buf struct buf text = buf_of(PROTO_BODY_MAX);
    struct session_open_reply reply;
    struct error err;

    memcpy(request.fingerprint, machine->fingerprint, sizeof machine->fingerprint);
    CHECK_OK(flow_session_nonce(&world->flow, machine->id, request.nonce, &err), &err);
    hello_signed(&text, &request);
    struct signature signature = crypto_sign_with(&machine->keys, text.bytes, text.length);
    memcpy(request.signature, signature.bytes, sizeof request.signature);
    CHECK_OK(flow_session_open(&world->flow, &request, "proc-7", &reply, &err), &err);
    machine->epoch = reply.reply.session_epoch;
    machine->seq = 0;
    return reply.outcome;
}

static struct desired load(struct world *world, const struct world_machine *machine)
{
    struct desired desired;
    struct error err;
    bool has;

    CHECK_OK(flow_desired(&world->flow, machine->id, &world->arena, &desired, &has, &err), &err);
    CHECK(has);
    return desired;
}

/* Whether the bytes that the machine gets have this text anywhere. */
static bool tells(const struct desired *desired, const char *text)
{
    auto_buf struct buf wire = buf_of(DESIRED_BODY_MAX);

    desired_encode(&wire, desired);
    CHECK(!wire.has_overflowed);
    return strstr(wire.bytes, text) != NULL;
}

/* An instance that runs, with a secret wherever a renter can put one. */
static int64_t rent_with_secrets(struct world *world, struct world_machine *machine,
                                 struct caller ada)
{
    struct spec_variable env[] = { { "TOKEN", SECRET } };
    const char *args[] = { SECRET };
    struct rental_request request = {
        .offer_id = world_offer(world, machine->id, 1),
        .spec = { .image = "ubuntu:24.04",
                  .runtype = "ssh",
                  .disk_gb = 10,
                  .env = env,
                  .env_count = 1,
                  .args = args,
                  .arg_count = 1,
                  .onstart = "export K=" SECRET,
                  .registry_login = "-u ada -p " SECRET " registry.test" },
    };
    struct ssh_keys_reply key;
    struct rental_reply rental;
    struct op_reply op;
    struct error err;

    CHECK_OK(flow_ssh_key_add(&world->flow, &ada, KEY_ED25519, &world->arena, &key, &err), &err);
    CHECK_OK(flow_rent(&world->flow, &ada, &request, &rental, &err), &err);
    CHECK_INT(rental.outcome, RENTAL_MADE);
    CHECK_INT(world_beat(world, machine), TAKE_DONE);
    const struct op_request exec = { .instance_id = rental.instance_id,
                                     .kind = OP_EXEC,
                                     .command = "echo " SECRET };
    CHECK_OK(flow_op_create(&world->flow, &ada, &exec, &op, &err), &err);
    CHECK_INT(op.outcome, OP_ACCEPTED);
    return rental.instance_id;
}

static void test_other_hardware_is_told_no_secrets(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = rent_with_secrets(&world, &machine, ada);
    struct desired before = load(&world, &machine);
    CHECK(tells(&before, SECRET) && tells(&before, KEY_ED25519));

    machine.fingerprint[5] = 9;
    CHECK_INT(reconnect(&world, &machine), SESSION_QUARANTINED);
    struct desired desired = load(&world, &machine);
    CHECK(!tells(&desired, SECRET) && !tells(&desired, KEY_ED25519));
    /* What it gets: that the instance is there, stopped, and how large it is. */
    CHECK(desired.desired_rev > before.desired_rev);
    CHECK_INT(desired.op_count, 0);
    CHECK_INT(desired.instance_count, 1);
    CHECK_INT(desired.instances[0].id, id);
    CHECK_INT(desired.instances[0].state, DESIRED_STOPPED);
    CHECK_TEXT(desired.instances[0].spec.image, "ubuntu:24.04");
    CHECK_INT(desired.instances[0].spec.disk_gb, 10);
    CHECK_INT(desired.instances[0].spec.env_count, 0);

    /* It stops there, and nobody is charged for what does not run. */
    world_pass(&world, 5 * US_PER_SECOND);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(world_contract(&world, id).state, RENTAL_LOADING);
    int64_t intervals =
        world_number(&world, "SELECT COUNT(*) FROM run_interval WHERE end_us IS NULL");
    CHECK_INT(intervals, 0);
    world_check(&world);
    world_close(&world);
}

static void test_what_it_was_before_gets_everything_again(void **state)
{
    struct world world;
    struct world_machine machine;
    enum admin_outcome cleared;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = rent_with_secrets(&world, &machine, ada);
    for (int way = 0; way < 2; way++) {
        check_row("%s", way == 0 ? "the hardware is back" : "an operator has looked");
        machine.fingerprint[5] = 9;
        CHECK_INT(reconnect(&world, &machine), SESSION_QUARANTINED);
        CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
        int64_t rev = load(&world, &machine).desired_rev;
        if (way == 0) {
            machine.fingerprint[5] = 0;
            CHECK_INT(reconnect(&world, &machine), SESSION_OPEN);
        } else {
            CHECK_OK(flow_set_verification(&world.flow, machine.id, VERIFICATION_VERIFIED, &cleared,
                                           &err),
                     &err);
        }
        struct desired desired = load(&world, &machine);
        CHECK(desired.desired_rev > rev);
        CHECK_INT(desired.instances[0].state, DESIRED_RUNNING);
        CHECK(tells(&desired, "export K=" SECRET) && tells(&desired, KEY_ED25519));
        world_pass(&world, 5 * US_PER_SECOND);
        CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
        CHECK_INT(world_contract(&world, id).state, RENTAL_RUNNING);
    }
    world_check(&world);
    world_close(&world);
}

/* To end it needs no secret: the order to delete is signed for this machine alone. */
static void test_an_instance_can_still_be_destroyed(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = rent_with_secrets(&world, &machine, ada);
    machine.fingerprint[5] = 9;
    CHECK_INT(reconnect(&world, &machine), SESSION_QUARANTINED);
    CHECK_OK(flow_destroy(&world.flow, &ada, id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_DONE);
    struct desired desired = load(&world, &machine);
    CHECK_INT(desired.instances[0].state, DESIRED_ABSENT);
    CHECK(desired.instances[0].has_destroy_token);
    CHECK(!tells(&desired, SECRET));
    world_check(&world);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_hardware_is_told_no_secrets),
        cmocka_unit_test(test_what_it_was_before_gets_everything_again),
        cmocka_unit_test(test_an_instance_can_still_be_destroyed),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
