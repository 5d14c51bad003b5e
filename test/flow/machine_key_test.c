/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/machine_key.h"

#include <string.h>

#include "support.h"

#define SECOND_US US_PER_SECOND

struct scene {
    struct world world;
    struct world_machine machine;
};

static void scene_begin(struct scene *scene, void **state)
{
    world_open(&scene->world, *state);
    world_host(&scene->world, &scene->machine, "a", 1);
}

static void scene_end(struct scene *scene)
{
    world_check(&scene->world);
    world_close(&scene->world);
}

static void sign(const struct machine_key_call *call, const struct key_pair *keys, uint8_t *ret)
{
    auto_buf struct buf text = buf_of(1024);

    key_signed(&text, call->machine_id, call->session_epoch, call->request.public_key);
    struct signature signature = crypto_sign_with(keys, text.bytes, text.length);
    memcpy(ret, signature.bytes, sizeof signature.bytes);
}

/* As an agent asks that has `by` and goes over to `next`. */
static struct machine_key_call call_of(struct world_machine *machine, const struct key_pair *by,
                                       const struct key_pair *next)
{
    struct machine_key_call call = { .machine_id = machine->id,
                                     .session_epoch = machine->epoch,
                                     .seq = ++machine->seq };

    memcpy(call.request.public_key, next->public_key, sizeof call.request.public_key);
    sign(&call, next, call.request.proof);
    sign(&call, by, call.request.signature);
    return call;
}

static struct machine_key_reply said; /* last */

static enum machine_key_outcome send(struct scene *scene, const struct machine_key_call *call)
{
    struct error err;

    CHECK_OK(flow_machine_key(&scene->world.flow, call, &said, &err), &err);
    return said.outcome;
}

static enum machine_key_outcome turn(struct scene *scene, const struct key_pair *by,
                                     const struct key_pair *next)
{
    const struct machine_key_call call = call_of(&scene->machine, by, next);

    return send(scene, &call);
}

static struct session_open_reply open_by(struct scene *scene, const struct key_pair *keys)
{
    return world_open_by(&scene->world, &scene->machine, keys, NULL);
}

static void test_the_new_key_opens_and_the_old_one_for_a_day(void **state)
{
    struct key_pair next = crypto_key_pair();
    struct session_open_reply reply;
    struct scene scene;

    scene_begin(&scene, state);
    struct key_pair *old = &scene.machine.keys;
    struct instant turned = clock_now(&scene.world.clock);
    CHECK_INT(turn(&scene, old, &next), MACHINE_KEY_TURNED);
    CHECK_INT(world_number(&scene.world, "SELECT key_since_us FROM machine"), turned.microseconds);
    /* The session is over, for every server. */
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_FENCED);

    reply = open_by(&scene, &next);
    CHECK_INT(reply.outcome, SESSION_OPEN);
    CHECK(memcmp(reply.public_key, next.public_key, 32) == 0);
    CHECK_INT(instant_compare(reply.key_until, INSTANT_NEVER), 0);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);

    world_pass(&scene.world, MACHINE_KEY_FORMER_US - 1);
    reply = open_by(&scene, old);
    CHECK_INT(reply.outcome, SESSION_OPEN);
    CHECK(memcmp(reply.public_key, old->public_key, 32) == 0);
    CHECK_INT(reply.key_until.microseconds, turned.microseconds + MACHINE_KEY_FORMER_US);
    world_pass(&scene.world, 1);
    CHECK_INT(open_by(&scene, old).outcome, SESSION_REFUSED);
    CHECK_INT(open_by(&scene, &next).outcome, SESSION_OPEN);
    scene_end(&scene);
}

static void test_nothing_but_the_newest_key_brings_in_another(void **state)
{
    struct key_pair next = crypto_key_pair(), third = crypto_key_pair();
    struct key_pair stranger = crypto_key_pair();
    struct scene scene;

    scene_begin(&scene, state);
    struct key_pair *first = &scene.machine.keys;
    CHECK_INT(turn(&scene, &stranger, &next), MACHINE_KEY_UNSIGNED);
    /* Somebody else's public key, without its secret. */
    struct machine_key_call call = call_of(&scene.machine, first, &next);
    sign(&call, first, call.request.proof);
    CHECK_INT(send(&scene, &call), MACHINE_KEY_UNSIGNED);
    /* Signed for another epoch. */
    call = call_of(&scene.machine, first, &next);
    call.session_epoch++;
    CHECK_INT(send(&scene, &call), MACHINE_KEY_UNSIGNED);

    CHECK_INT(turn(&scene, first, &next), MACHINE_KEY_TURNED);
    CHECK_INT(open_by(&scene, first).outcome, SESSION_OPEN);
    CHECK_INT(turn(&scene, first, &third), MACHINE_KEY_UNSIGNED);
    CHECK_INT(open_by(&scene, &third).outcome, SESSION_REFUSED);
    CHECK_INT(open_by(&scene, &next).outcome, SESSION_OPEN);
    scene_end(&scene);
}

/* Its answer was lost, and it asks again in a session of the key that it had. */
static void test_what_is_turned_already_is_said_again(void **state)
{
    struct key_pair next = crypto_key_pair();
    struct scene scene;

    scene_begin(&scene, state);
    struct key_pair *old = &scene.machine.keys;
    struct machine_key_call call = call_of(&scene.machine, old, &next);
    CHECK_INT(send(&scene, &call), MACHINE_KEY_TURNED);
    CHECK_INT(send(&scene, &call), MACHINE_KEY_FENCED); /* a replay of the very bytes */

    world_pass(&scene.world, 3600 * SECOND_US);
    CHECK_INT(open_by(&scene, old).outcome, SESSION_OPEN);
    call = call_of(&scene.machine, old, &next);
    CHECK_INT(send(&scene, &call), MACHINE_KEY_TURNED);
    CHECK_INT(send(&scene, &call), MACHINE_KEY_REPLAY); /* it changed nothing: no new epoch */
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    /* The day counts from the first time. */
    world_pass(&scene.world, MACHINE_KEY_FORMER_US - 3600 * SECOND_US);
    CHECK_INT(open_by(&scene, old).outcome, SESSION_REFUSED);
    CHECK_INT(open_by(&scene, &next).outcome, SESSION_OPEN);
    scene_end(&scene);
}

/* Whatever is asked, each key has its day: to the microsecond, and no turn in it changes anything.
 */
static void test_no_key_is_turned_while_the_one_before_is_good(void **state)
{
    struct key_pair next = crypto_key_pair(), third = crypto_key_pair();
    struct scene scene;

    scene_begin(&scene, state);
    const struct key_pair *first = &scene.machine.keys;
    struct instant until = instant_add(clock_now(&scene.world.clock), MACHINE_KEY_FORMER_US);
    CHECK_INT(turn(&scene, first, &next), MACHINE_KEY_TURNED);
    for (int moment = 0; moment < 2; moment++) {
        check_row("moment %d", moment);
        CHECK_INT(open_by(&scene, &next).outcome, SESSION_OPEN);
        CHECK_INT(turn(&scene, &next, &third), MACHINE_KEY_TOO_SOON);
        CHECK_INT(instant_compare(said.open_from, until), 0);
        CHECK_INT(turn(&scene, &next, first), MACHINE_KEY_IN_USE);      /* it is not new */
        CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE); /* the session goes on */
        CHECK_INT(open_by(&scene, &third).outcome, SESSION_REFUSED);
        CHECK_INT(open_by(&scene, first).outcome, SESSION_OPEN);
        /* What was turned to is said again, by either key. */
        CHECK_INT(turn(&scene, first, &next), MACHINE_KEY_TURNED);
        CHECK_INT(turn(&scene, first, &third), MACHINE_KEY_UNSIGNED);
        if (moment == 0)
            world_pass(&scene.world, MACHINE_KEY_FORMER_US - 1);
    }
    world_pass(&scene.world, 1);
    CHECK_INT(open_by(&scene, &next).outcome, SESSION_OPEN);
    CHECK_INT(turn(&scene, &next, &third), MACHINE_KEY_TURNED);
    CHECK_INT(open_by(&scene, first).outcome, SESSION_REFUSED);
    CHECK_INT(open_by(&scene, &next).outcome, SESSION_OPEN);
    CHECK_INT(open_by(&scene, &third).outcome, SESSION_OPEN);
    CHECK_INT(turn(&scene, &third, &next), MACHINE_KEY_IN_USE);
    scene_end(&scene);
}

/* Its owner reads of each turn, and of nothing else; and no address is thereby the owner's. */
static void test_the_audit_log_has_each_turn(void **state)
{
    struct key_pair next = crypto_key_pair(), third = crypto_key_pair();
    struct scene scene;

    scene_begin(&scene, state);
    CHECK_INT(turn(&scene, &scene.machine.keys, &next), MACHINE_KEY_TURNED);
    CHECK_INT(open_by(&scene, &next).outcome, SESSION_OPEN);
    CHECK_INT(turn(&scene, &next, &next), MACHINE_KEY_TURNED);
    CHECK_INT(turn(&scene, &third, &third), MACHINE_KEY_UNSIGNED);
    CHECK_INT(turn(&scene, &next, &third), MACHINE_KEY_TOO_SOON);
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM audit_log a JOIN machine m "
                                         "ON m.owner_id = a.user_id WHERE a.route = 'agent.key' "
                                         "AND a.at_us = m.key_since_us"),
              1);
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM audit_log"), 1);
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM user_address"), 0);
    scene_end(&scene);
}

static void test_a_key_is_one_machines(void **state)
{
    struct key_pair next = crypto_key_pair();
    struct world_machine other;
    struct scene scene;

    scene_begin(&scene, state);
    world_host(&scene.world, &other, "b", 1);
    CHECK_INT(turn(&scene, &scene.machine.keys, &other.keys), MACHINE_KEY_IN_USE);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(turn(&scene, &scene.machine.keys, &next), MACHINE_KEY_TURNED);
    /* Nor one that is some machine's from before. */
    struct world_machine first = scene.machine;
    scene.machine = other;
    CHECK_INT(turn(&scene, &other.keys, &first.keys), MACHINE_KEY_IN_USE);
    CHECK_INT(turn(&scene, &other.keys, &next), MACHINE_KEY_IN_USE);
    scene_end(&scene);
}

static void test_while_there_may_be_two_of_it_no_key_is_turned(void **state)
{
    static const struct {
        const char *sql;
        enum machine_key_outcome outcome;
    } rows[] = {
        { "UPDATE machine SET is_quarantined = 1;", MACHINE_KEY_SUSPECT },
        { "UPDATE machine SET is_quarantined = 0;"
          "UPDATE agent_session SET turns = 1, turns_since_us = opened_us;",
          MACHINE_KEY_SUSPECT },
        { "UPDATE agent_session SET turns = 1, turns_since_us = opened_us - 300000001;",
          MACHINE_KEY_TURNED },
    };
    struct key_pair next = crypto_key_pair();
    struct scene scene;

    scene_begin(&scene, state);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        (void)open_by(&scene, &scene.machine.keys);
        support_script(scene.world.support, rows[i].sql);
        CHECK_INT(turn(&scene, &scene.machine.keys, &next), rows[i].outcome);
    }
    scene_end(&scene);
}

/* Two servers at once: one of the two keys is it, and the other was not turned to. */
static void test_of_two_keys_in_one_session_one_is_turned_to(void **state)
{
    struct key_pair next = crypto_key_pair(), third = crypto_key_pair();
    struct scene scene;

    scene_begin(&scene, state);
    const struct machine_key_call a = call_of(&scene.machine, &scene.machine.keys, &next);
    const struct machine_key_call b = call_of(&scene.machine, &scene.machine.keys, &third);
    CHECK_INT(send(&scene, &b), MACHINE_KEY_TURNED);
    CHECK_INT(send(&scene, &a), MACHINE_KEY_FENCED);
    CHECK_INT(open_by(&scene, &next).outcome, SESSION_REFUSED);
    CHECK_INT(open_by(&scene, &third).outcome, SESSION_OPEN);
    scene_end(&scene);
}

static void test_a_rental_goes_on_and_is_charged_through(void **state)
{
    struct key_pair next = crypto_key_pair();
    struct scene scene;

    scene_begin(&scene, state);
    struct caller renter = world_user(&scene.world, "ada@example.com", 100);
    world_list(&scene.world, &scene.machine);
    int64_t id = world_running(&scene.world, &scene.machine, renter, 1);
    world_run(&scene.world, &scene.machine, 100 * SECOND_US);
    int64_t before = world_charged(&scene.world, renter, id);
    CHECK_INT(turn(&scene, &scene.machine.keys, &next), MACHINE_KEY_TURNED);
    world_pass(&scene.world, 5 * SECOND_US);
    CHECK_INT(open_by(&scene, &next).outcome, SESSION_OPEN);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    /* $0.36 an hour is 100,000 n$ a second: what passed between two sessions is charged. */
    CHECK_INT((world_charged(&scene.world, renter, id) - before) / 100000, 5);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_new_key_opens_and_the_old_one_for_a_day),
        cmocka_unit_test(test_nothing_but_the_newest_key_brings_in_another),
        cmocka_unit_test(test_what_is_turned_already_is_said_again),
        cmocka_unit_test(test_no_key_is_turned_while_the_one_before_is_good),
        cmocka_unit_test(test_the_audit_log_has_each_turn),
        cmocka_unit_test(test_a_key_is_one_machines),
        cmocka_unit_test(test_while_there_may_be_two_of_it_no_key_is_turned),
        cmocka_unit_test(test_of_two_keys_in_one_session_one_is_turned_to),
        cmocka_unit_test(test_a_rental_goes_on_and_is_charged_through),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
