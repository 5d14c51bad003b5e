/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/enroll.h"

#include <string.h>

#include "flow/machines.h"
#include "support.h"

static struct enroll_token_reply token_of(struct world *world, struct caller host)
{
    struct enroll_token_reply token;
    struct error err;

    CHECK_OK(flow_enroll_token(&world->flow, &host, &token, &err), &err);
    return token;
}

static struct enroll_outcome_reply enroll(struct world *world, const char *token,
                                          const struct machine_facts *facts,
                                          const struct key_pair *keys)
{
    struct enroll_request request = { .token = token, .facts = *facts };
    struct enroll_outcome_reply reply;
    struct error err;

    memcpy(request.public_key, keys->public_key, sizeof request.public_key);
    CHECK_OK(flow_enroll(&world->flow, &request, &reply, &err), &err);
    return reply;
}

static void test_a_token_makes_one_machine_of_its_owner(void **state)
{
    struct world world;
    struct machine_view *views;
    struct error err;
    size_t count;

    world_open(&world, *state);
    struct caller hal = world_user(&world, "hal@berth.test", 0);
    struct enroll_token_reply token = token_of(&world, hal);
    struct machine_facts facts = world_facts("a", 2);
    struct key_pair keys = crypto_key_pair(), others = crypto_key_pair();

    struct enroll_outcome_reply reply = enroll(&world, token.token, &facts, &keys);
    CHECK_INT(reply.outcome, ENROLL_DONE);
    CHECK(memcmp(reply.reply.server_key, world.server_keys.public_key, 32) == 0);
    CHECK_OK(flow_machines(&world.flow, &hal, 0, &world.arena, &views, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(views[0].machine->id, reply.reply.machine_id);
    CHECK_INT((int64_t)views[0].gpu_row_count, 2);
    CHECK_INT(views[0].machine->verification, VERIFICATION_UNVERIFIED);
    CHECK(!views[0].machine->is_listed);
    CHECK_INT(views[0].seconds_since_heartbeat, -1);

    struct hash before = world_dump(&world);
    struct machine_facts other = world_facts("b", 1);
    CHECK_INT(enroll(&world, token.token, &other, &others).outcome, ENROLL_BAD_TOKEN);
    CHECK_INT(enroll(&world, "", &other, &others).outcome, ENROLL_BAD_TOKEN);
    CHECK_UNCHANGED(&world, before);
    world_close(&world);
}

static void test_a_token_lasts_a_quarter_of_an_hour(void **state)
{
    struct world world;
    struct machine_facts a = world_facts("a", 1), b = world_facts("b", 1);
    struct key_pair keys = crypto_key_pair(), others = crypto_key_pair();

    world_open(&world, *state);
    struct caller hal = world_user(&world, "hal@berth.test", 0);
    struct enroll_token_reply first = token_of(&world, hal), second = token_of(&world, hal);
    clock_advance(&world.clock, 15 * 60 * US_PER_SECOND - 1);
    CHECK_INT(enroll(&world, first.token, &a, &keys).outcome, ENROLL_DONE);
    clock_advance(&world.clock, 1);
    CHECK_INT(enroll(&world, second.token, &b, &others).outcome, ENROLL_BAD_TOKEN);
    /* Whoever makes the next one sweeps it away. */
    (void)token_of(&world, hal);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM enroll_token"), 1);
    world_close(&world);
}

static void test_a_refusal_does_not_cost_the_token(void **state)
{
    struct world world;
    struct world_machine machine;
    struct machine_facts same = world_facts("a", 1), mixed = world_facts("m", 2);
    struct machine_facts simulated = world_facts("s", 1), fresh = world_facts("f", 1);
    struct key_pair keys = crypto_key_pair();

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    struct enroll_token_reply token = token_of(&world, machine.host);
    struct hash before = world_dump(&world);

    CHECK_INT(enroll(&world, token.token, &same, &keys).outcome, ENROLL_GPU_IN_USE);
    CHECK_INT(enroll(&world, token.token, &fresh, &machine.keys).outcome, ENROLL_KEY_IN_USE);
    memcpy(mixed.gpus[1].name, "RTX 3090", sizeof "RTX 3090");
    struct enroll_outcome_reply reply = enroll(&world, token.token, &mixed, &keys);
    CHECK_INT(reply.outcome, ENROLL_BAD_FACTS);
    CHECK_INT(reply.facts, MACHINE_MIXED_GPUS);
    simulated.is_simulated = true;
    CHECK_INT(enroll(&world, token.token, &simulated, &keys).outcome, ENROLL_SIMULATED);
    CHECK_UNCHANGED(&world, before);
    CHECK_INT(enroll(&world, token.token, &fresh, &keys).outcome, ENROLL_DONE);
    world_close(&world);
}

static void test_a_server_may_allow_simulated_machines_and_verify_all(void **state)
{
    struct world world;
    struct machine_facts simulated = world_facts("s", 1);
    struct key_pair keys = crypto_key_pair();
    struct machine_view *views;
    struct error err;
    size_t count;

    world_open(&world, *state);
    world.flow.allows_simulated = true;
    world.flow.auto_verifies = true;
    struct caller hal = world_user(&world, "hal@berth.test", 0);
    struct enroll_token_reply token = token_of(&world, hal);
    simulated.is_simulated = true;
    struct enroll_outcome_reply reply = enroll(&world, token.token, &simulated, &keys);
    CHECK_INT(reply.outcome, ENROLL_DONE);
    CHECK_OK(flow_machines(&world.flow, &hal, reply.reply.machine_id, &world.arena, &views, &count,
                           &err),
             &err);
    CHECK_INT((int64_t)count, 1);
    CHECK(views[0].machine->is_simulated);
    CHECK_INT(views[0].machine->verification, VERIFICATION_VERIFIED);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_makes_one_machine_of_its_owner),
        cmocka_unit_test(test_a_token_lasts_a_quarter_of_an_hour),
        cmocka_unit_test(test_a_refusal_does_not_cost_the_token),
        cmocka_unit_test(test_a_server_may_allow_simulated_machines_and_verify_all),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
