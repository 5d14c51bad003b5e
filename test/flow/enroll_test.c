/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/enroll.h"

#include <math.h>
#include <string.h>

#include "flow/contact_lost.h"
#include "flow/history.h"
#include "flow/machines.h"
#include "flow/remove_machine.h"
#include "support.h"
#include "support_history.h"

static struct enroll_token_reply token_of(struct world *world, struct caller host)
{
    struct enroll_token_reply token;
    struct error err;

    CHECK_OK(flow_enroll_token(&world->flow, &host, 0, &token, &err), &err);
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

static void lose_all(struct world *world)
{
    struct error err;
    size_t count;

    world_pass(world, 60 * US_PER_SECOND);
    CHECK_OK(flow_contact_lost(&world->flow, &count, &err), &err);
}

/* The agent's data was deleted: the same hardware joins as another machine. */
static void join_anew(struct world *world, const struct world_machine *old,
                      struct world_machine *machine, int64_t gpu_count)
{
    *machine = *old;
    machine->keys = crypto_key_pair();
    machine->facts.gpu_count = gpu_count;
    memset(machine->containers, 0, sizeof machine->containers);
    struct enroll_outcome_reply reply =
        enroll(world, token_of(world, old->host).token, &machine->facts, &machine->keys);
    CHECK_INT(reply.outcome, ENROLL_DONE);
    machine->id = reply.reply.machine_id;
    world_session(world, machine);
    CHECK_INT(world_beat(world, machine), TAKE_DONE);
}

/* A GPU is taken out: a new identity, the old one is over, and its past goes on. */
static void test_the_same_hardware_under_another_identity_keeps_its_past(void **state)
{
    struct world world;
    struct world_machine old, new;

    world_open(&world, *state);
    world_host(&world, &old, "a", 2);
    world_pass(&world, 30 * RELIABILITY_DAY_US);
    CHECK_INT(world_beat(&world, &old), TAKE_DONE);
    double before = history_stored(&(struct history){ .machine = history_of(&world, old.id).machine,
                                                      .now = clock_now(&world.clock) });
    lose_all(&world);
    world_pass(&world, 5 * 60 * US_PER_SECOND);
    join_anew(&world, &old, &new, 1);
    CHECK(new.id != old.id);
    CHECK(world_number_of(&world, "SELECT removed_us FROM machine WHERE id = $1", old.id) > 0);
    CHECK_INT(world_number_of(&world,
                              "SELECT COUNT(*) FROM gpu WHERE machine_id = $1 AND "
                              "retired_us IS NULL",
                              old.id),
              0);
    struct history history = history_of(&world, new.id);
    CHECK_INT(history.machine.predecessor_id, old.id);
    CHECK_INT((int64_t)history.count, 3);
    CHECK_INT(history.events[0].machine_id, new.id);
    CHECK_INT(history.events[0].kind, RELIABILITY_JOINED);
    CHECK_INT(history.events[1].machine_id, old.id);
    CHECK_INT(history.events[1].severity_ppm, 500000);
    CHECK_INT(history.events[2].kind, RELIABILITY_JOINED);
    CHECK(history_stored(&history) < before && history_stored(&history) > 0.9);
    CHECK(fabs(history_stored(&history) - history_worked_out(&history)) < 5e-5);
    world_check(&world);
    world_close(&world);
}

/* Nor does it get rid of what it owes: who gave a wrong answer stays off the market until it has
 * made up for that, whatever it is called. */
static void test_another_identity_owes_what_the_one_before_did(void **state)
{
    struct world world;
    struct world_machine old, new;

    world_open(&world, *state);
    world_host(&world, &old, "a", 1);
    support_script(world.support, "UPDATE machine SET audit_debt = 2, audit_suspicion = 4, "
                                  "audit_before = 1, verification = 2;");
    lose_all(&world);
    world_pass(&world, 5 * 60 * US_PER_SECOND);
    join_anew(&world, &old, &new, 1);
    CHECK_INT(world_number_of(&world, "SELECT audit_debt FROM machine WHERE id = $1", new.id), 2);
    CHECK_INT(world_number_of(&world, "SELECT audit_suspicion FROM machine WHERE id = $1", new.id),
              4);
    CHECK_INT(world_number_of(&world, "SELECT audit_before FROM machine WHERE id = $1", new.id),
              VERIFICATION_UNVERIFIED);
    CHECK_INT(world_number_of(&world, "SELECT verification FROM machine WHERE id = $1", new.id),
              VERIFICATION_DEVERIFIED);
    world_check(&world);
    world_close(&world);
}

/* Who takes it off the market first is away for as long as he likes. */
static void test_who_leaves_in_order_loses_nothing(void **state)
{
    struct world world;
    struct world_machine old, new;
    enum remove_machine_outcome outcome;
    int64_t rentals;
    struct error err;

    world_open(&world, *state);
    world_host(&world, &old, "a", 2);
    world_pass(&world, 30 * RELIABILITY_DAY_US);
    CHECK_INT(world_beat(&world, &old), TAKE_DONE);
    CHECK_OK(flow_remove_machine(&world.flow, &old.host, old.id, &outcome, &rentals, &err), &err);
    CHECK_INT(outcome, REMOVE_DONE);
    world_pass(&world, 3 * RELIABILITY_DAY_US);
    join_anew(&world, &old, &new, 2);
    struct history history = history_of(&world, new.id);
    CHECK_INT(history.machine.predecessor_id, old.id);
    CHECK_INT(history.events[1].cause, RELIABILITY_LEFT);
    CHECK_INT(history.events[1].severity_ppm, 0);
    CHECK(history_stored(&history) > 0.98);
    CHECK(fabs(history_stored(&history) - history_worked_out(&history)) < 5e-5);
    world_close(&world);
}

static void test_nobody_joins_anew_over_rentals_or_as_somebody_else(void **state)
{
    struct world world;
    struct world_machine machine, other;
    struct key_pair keys = crypto_key_pair();

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    world_host(&world, &other, "b", 1);
    (void)world_running(&world, &machine, ada, 1);
    lose_all(&world);
    struct enroll_token_reply own = token_of(&world, machine.host);
    struct enroll_token_reply others = token_of(&world, machine.host);
    struct hash before = world_dump(&world);
    CHECK_INT(enroll(&world, own.token, &machine.facts, &keys).outcome, ENROLL_GPU_IN_USE);
    CHECK_INT(enroll(&world, others.token, &other.facts, &keys).outcome, ENROLL_GPU_IN_USE);
    CHECK_UNCHANGED(&world, before);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_makes_one_machine_of_its_owner),
        cmocka_unit_test(test_a_token_lasts_a_quarter_of_an_hour),
        cmocka_unit_test(test_a_refusal_does_not_cost_the_token),
        cmocka_unit_test(test_the_same_hardware_under_another_identity_keeps_its_past),
        cmocka_unit_test(test_another_identity_owes_what_the_one_before_did),
        cmocka_unit_test(test_who_leaves_in_order_loses_nothing),
        cmocka_unit_test(test_nobody_joins_anew_over_rentals_or_as_somebody_else),
        cmocka_unit_test(test_a_server_may_allow_simulated_machines_and_verify_all),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
