/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/revoke_key.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "flow/contact_lost.h"
#include "flow/enroll.h"
#include "flow/machine_key.h"
#include "store/machine.h"
#include "support.h"

#define SECOND_US US_PER_SECOND

struct scene {
    struct world world;
    struct world_machine machine;
    struct caller ada;
    int64_t instance;
};

/* A machine on which somebody rents. */
static void scene_begin(struct scene *scene, void **state)
{
    world_open(&scene->world, *state);
    scene->ada = world_user(&scene->world, "ada@berth.test", 25);
    world_host(&scene->world, &scene->machine, "a", 2);
    scene->instance = world_running(&scene->world, &scene->machine, scene->ada, 1);
    world_run(&scene->world, &scene->machine, 60 * SECOND_US);
}

static void scene_end(struct scene *scene)
{
    world_check(&scene->world);
    world_close(&scene->world);
}

static enum admin_outcome revoke(struct scene *scene, int64_t machine_id)
{
    enum admin_outcome outcome;
    struct error err;

    CHECK_OK(flow_revoke_key(&scene->world.flow, machine_id, &outcome, &err), &err);
    return outcome;
}

static struct enroll_token_reply token_of(struct scene *scene, struct caller who,
                                          int64_t machine_id)
{
    struct enroll_token_reply reply;
    struct error err;

    CHECK_OK(flow_enroll_token(&scene->world.flow, &who, machine_id, &reply, &err), &err);
    return reply;
}

/* As the agent of machine `as` does it; 0: of a folder that is new. */
static struct enroll_outcome_reply enroll(struct scene *scene,
                                          const struct enroll_token_reply *token, int64_t as,
                                          const struct key_pair *keys)
{
    struct enroll_request request = { .token = token->token,
                                      .machine_id = as,
                                      .facts = scene->machine.facts };
    struct enroll_outcome_reply reply;
    struct error err;

    memcpy(request.public_key, keys->public_key, sizeof request.public_key);
    CHECK_OK(flow_enroll(&scene->world.flow, &request, &reply, &err), &err);
    return reply;
}

static void nonce_of(struct scene *scene, uint8_t ret[static NONCE_SIZE])
{
    struct error err;

    CHECK_OK(flow_session_nonce(&scene->world.flow, scene->machine.id, ret, &err), &err);
}

static enum session_outcome open_with(struct scene *scene, const struct key_pair *keys,
                                      const uint8_t nonce[static NONCE_SIZE])
{
    return world_open_by(&scene->world, &scene->machine, keys, nonce).outcome;
}

static enum session_outcome open_by(struct scene *scene, const struct key_pair *keys)
{
    return world_open_by(&scene->world, &scene->machine, keys, NULL).outcome;
}

static int64_t log_count(struct scene *scene, const char *route)
{
    return strcmp(route, REVOKE_KEY_ROUTE) == 0
               ? world_number(&scene->world, "SELECT COUNT(*) FROM audit_log a JOIN machine m "
                                             "ON m.owner_id = a.user_id "
                                             "WHERE a.route = 'agent.key.revoked'")
               : world_number(&scene->world, "SELECT COUNT(*) FROM audit_log a JOIN machine m "
                                             "ON m.owner_id = a.user_id "
                                             "WHERE a.route = 'agent.key.replaced'");
}

/* Away as if it had fallen silent, without waiting for its lease. */
static void test_it_is_away_at_once_and_nothing_is_deleted(void **state)
{
    static const char told[] = "SELECT COUNT(*) FROM outbox WHERE body LIKE '%key_revoked%'";
    uint8_t nonce[NONCE_SIZE];
    struct scene scene;
    struct error err;
    size_t count;

    scene_begin(&scene, state);
    struct world *world = &scene.world;
    world_pass(world, 10 * SECOND_US);
    nonce_of(&scene, nonce);
    CHECK_INT(revoke(&scene, scene.machine.id), ADMIN_DONE);
    CHECK_INT(world_number(world, told), 1);
    CHECK_INT(revoke(&scene, scene.machine.id), ADMIN_DONE);
    CHECK_INT(world_number(world, told), 1); /* once: it was revoked already */
    CHECK_INT(world_beat(world, &scene.machine), TAKE_FENCED);
    CHECK_INT(open_with(&scene, &scene.machine.keys, nonce), SESSION_REFUSED);
    CHECK_INT(open_by(&scene, &scene.machine.keys), SESSION_REFUSED);
    /* Nor is a request of any epoch taken for the machine's: there is no key to hold it against. */
    struct session_identity identity;
    bool has;
    CHECK_OK(flow_session_identity(&world->flow, scene.machine.id, &identity, &has, &err), &err);
    CHECK(!has);

    CHECK_INT(world_offer(world, scene.machine.id, 1), 0);
    CHECK_TEXT(world_instance(world, scene.ada, scene.instance).status.actual_status, "offline");
    CHECK_INT(world_contract(world, scene.instance).state, RENTAL_RUNNING);
    CHECK_INT(world_number(world, "SELECT total FROM meter WHERE comp = 1"), 60 * SECOND_US);
    world_pass(world, 100 * SECOND_US);
    CHECK_INT(world_number(world, "SELECT total FROM meter WHERE comp = 1"), 60 * SECOND_US);
    CHECK_OK(flow_contact_lost(&world->flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);

    CHECK_INT(log_count(&scene, REVOKE_KEY_ROUTE), 1);
    CHECK_INT(world_number(world, "SELECT COUNT(*) FROM user_address"), 0);
    struct hash before = world_dump(world);
    CHECK_INT(revoke(&scene, scene.machine.id), ADMIN_DONE);
    CHECK_UNCHANGED(world, before);
    scene_end(&scene);
}

static bool turn_key(struct db *db, void *context, struct error *err)
{
    return machine_turn_key(db, context, err);
}

static void test_the_key_before_goes_with_it(void **state)
{
    struct error err;
    struct key_pair next = crypto_key_pair(), third = crypto_key_pair();
    struct scene scene;

    scene_begin(&scene, state);
    struct machine_turn turn = { .machine_id = scene.machine.id,
                                 .since = clock_now(&scene.world.clock),
                                 .former_until = instant_add(clock_now(&scene.world.clock),
                                                             MACHINE_KEY_FORMER_US) };
    memcpy(turn.key, next.public_key, sizeof turn.key);
    CHECK_OK(store_write(scene.world.flow.store, turn_key, &turn, &err), &err);
    CHECK_INT(open_by(&scene, &scene.machine.keys), SESSION_OPEN);
    CHECK_INT(open_by(&scene, &next), SESSION_OPEN);
    CHECK_INT(revoke(&scene, scene.machine.id), ADMIN_DONE);
    CHECK_INT(open_by(&scene, &scene.machine.keys), SESSION_REFUSED);
    CHECK_INT(open_by(&scene, &next), SESSION_REFUSED);
    struct enroll_token_reply token = token_of(&scene, scene.machine.host, scene.machine.id);
    CHECK_INT(enroll(&scene, &token, scene.machine.id, &third).outcome, ENROLL_DONE);
    CHECK_INT(open_by(&scene, &scene.machine.keys), SESSION_REFUSED);
    CHECK_INT(open_by(&scene, &next), SESSION_REFUSED);
    CHECK_INT(open_by(&scene, &third), SESSION_OPEN);
    scene_end(&scene);
}

/* The same machine: its rental goes on, and is charged from its return on. */
static void test_it_comes_back_by_a_token_for_it(void **state)
{
    struct key_pair next = crypto_key_pair();
    struct scene scene;

    scene_begin(&scene, state);
    struct world *world = &scene.world;
    int64_t id = scene.machine.id;
    int64_t offer_id = world_offer(world, id, 1);
    CHECK_INT(revoke(&scene, id), ADMIN_DONE);
    world_pass(world, 600 * SECOND_US);
    struct enroll_token_reply token = token_of(&scene, scene.machine.host, id);
    CHECK_INT(token.outcome, ENROLL_TOKEN_MADE);
    struct enroll_outcome_reply reply = enroll(&scene, &token, id, &next);
    CHECK_INT(reply.outcome, ENROLL_DONE);
    CHECK_INT(reply.reply.machine_id, id);
    CHECK_INT(world_number(world, "SELECT COUNT(*) FROM machine"), 1);
    CHECK_INT(log_count(&scene, REPLACE_KEY_ROUTE), 1);
    CHECK_INT(open_by(&scene, &scene.machine.keys), SESSION_REFUSED);
    CHECK_INT(open_by(&scene, &next), SESSION_OPEN);
    CHECK_INT(world_beat(world, &scene.machine), TAKE_DONE);
    CHECK_INT(world_offer(world, id, 1), offer_id);
    world_run(world, &scene.machine, 10 * SECOND_US);
    CHECK_INT(world_contract(world, scene.instance).state, RENTAL_RUNNING);
    CHECK_INT(world_charged(world, scene.ada, scene.instance),
              70 * 100000 + INT64_C(1500000000) * 670 / 2592000); /* and its disk, all the time */
    /* The token is used, and the key that was revoked is nobody's. */
    CHECK_INT(enroll(&scene, &token, id, &scene.machine.keys).outcome, ENROLL_BAD_TOKEN);
    token = token_of(&scene, scene.machine.host, 0);
    CHECK_INT(enroll(&scene, &token, 0, &scene.machine.keys).outcome, ENROLL_KEY_IN_USE);
    /* And can be revoked again. */
    CHECK_INT(revoke(&scene, id), ADMIN_DONE);
    CHECK_INT(open_by(&scene, &next), SESSION_REFUSED);
    CHECK_INT(log_count(&scene, REVOKE_KEY_ROUTE), 2);
    scene_end(&scene);
}

static void test_no_other_token_brings_it_back(void **state)
{
    struct key_pair next = crypto_key_pair();
    struct world_machine other;
    struct scene scene;

    scene_begin(&scene, state);
    struct world *world = &scene.world;
    int64_t id = scene.machine.id;
    world_host(world, &other, "b", 1);
    CHECK_INT(token_of(&scene, scene.machine.host, id).outcome, ENROLL_TOKEN_KEY_IS_GOOD);
    CHECK_INT(revoke(&scene, id), ADMIN_DONE);
    CHECK_INT(token_of(&scene, other.host, id).outcome, ENROLL_TOKEN_NO_MACHINE);
    CHECK_INT(token_of(&scene, scene.machine.host, 999).outcome, ENROLL_TOKEN_NO_MACHINE);
    CHECK_INT(world_number(world, "SELECT COUNT(*) FROM enroll_token"), 0);

    struct enroll_token_reply plain = token_of(&scene, scene.machine.host, 0);
    struct enroll_token_reply bound = token_of(&scene, scene.machine.host, id);
    struct hash before = world_dump(world);
    CHECK_INT(enroll(&scene, &plain, id, &next).outcome, ENROLL_NOT_IT);
    CHECK_INT(enroll(&scene, &bound, other.id, &next).outcome, ENROLL_NOT_IT);
    CHECK_INT(enroll(&scene, &bound, id, &scene.machine.keys).outcome, ENROLL_KEY_IN_USE);
    CHECK_INT(enroll(&scene, &bound, id, &other.keys).outcome, ENROLL_KEY_IN_USE);
    /* It is rented: its GPUs are not free for a machine of another name. */
    CHECK_INT(enroll(&scene, &plain, 0, &next).outcome, ENROLL_GPU_IN_USE);
    CHECK_UNCHANGED(world, before);
    /* Two tokens: who comes second finds a key that is good. */
    struct enroll_token_reply second = token_of(&scene, scene.machine.host, id);
    CHECK_INT(enroll(&scene, &bound, 0, &next).outcome, ENROLL_DONE);
    struct key_pair third = crypto_key_pair();
    CHECK_INT(enroll(&scene, &second, id, &third).outcome, ENROLL_NOT_IT);
    CHECK_INT(open_by(&scene, &next), SESSION_OPEN);
    scene_end(&scene);
}

struct opener {
    struct scene *scene;
    pthread_t thread;
    bool has_begun;
    enum session_outcome outcome;
};

static void *open_beside(void *context)
{
    struct opener *opener = context;

    opener->outcome = open_by(opener->scene, &opener->scene->machine.keys);
    return NULL;
}

/* By now its key was found good, and it waits to write. */
static bool revoke_amid(struct db *db, void *context, struct error *err)
{
    struct opener *opener = context;
    struct world *world = &opener->scene->world;
    int64_t id = opener->scene->machine.id;
    struct machine_row machine;
    bool has;

    if (!machine_lock(db, id, err) ||
        !machine_load(db, id, &world->arena, &machine, &has, err)) /* which waits for the lock */
        return false;
    if (!opener->has_begun) {
        opener->has_begun = true;
        CHECK_INT(pthread_create(&opener->thread, NULL, open_beside, opener), 0);
        (void)nanosleep(&(struct timespec){ .tv_nsec = 300 * 1000000 }, NULL);
    }
    return machine_set_key_revoked(db, id, clock_now(&world->clock), err);
}

/* It has no epoch yet that the end of a session could have raised. */
static void test_a_first_session_does_not_slip_past(void **state)
{
    struct scene scene;
    struct error err;

    world_open(&scene.world, *state);
    scene.machine = (struct world_machine){ .host = world_user(&scene.world, "h@berth.test", 0),
                                            .keys = crypto_key_pair(),
                                            .facts = world_facts("b", 1),
                                            .boot = 1 };
    struct enroll_token_reply token = token_of(&scene, scene.machine.host, 0);
    struct enroll_outcome_reply enrolled = enroll(&scene, &token, 0, &scene.machine.keys);
    CHECK_INT(enrolled.outcome, ENROLL_DONE);
    scene.machine.id = enrolled.reply.machine_id;
    struct opener opener = { .scene = &scene };
    CHECK_OK(store_write(scene.world.flow.store, revoke_amid, &opener, &err), &err);
    CHECK_INT(pthread_join(opener.thread, NULL), 0);
    CHECK_INT(opener.outcome, SESSION_REFUSED);
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM agent_session"), 0);
    scene_end(&scene);
}

static void test_what_is_not_there_has_no_key(void **state)
{
    struct scene scene;

    scene_begin(&scene, state);
    struct hash before = world_dump(&scene.world);
    CHECK_INT(revoke(&scene, 999), ADMIN_NOT_FOUND);
    CHECK_UNCHANGED(&scene.world, before);
    support_script(scene.world.support, "UPDATE machine SET removed_us = 1;");
    CHECK_INT(revoke(&scene, scene.machine.id), ADMIN_NOT_FOUND);
    support_script(scene.world.support, "UPDATE machine SET removed_us = 0;");
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_away_at_once_and_nothing_is_deleted),
        cmocka_unit_test(test_the_key_before_goes_with_it),
        cmocka_unit_test(test_it_comes_back_by_a_token_for_it),
        cmocka_unit_test(test_no_other_token_brings_it_back),
        cmocka_unit_test(test_a_first_session_does_not_slip_past),
        cmocka_unit_test(test_what_is_not_there_has_no_key),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
