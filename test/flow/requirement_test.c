/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/requirement.h"

#include <string.h>

#include "flow/admin.h"
#include "flow/agent_build.h"
#include "flow/bench.h"
#include "store/machine_proof.h"
#include "support.h"

#define MINUTE (60 * US_PER_SECOND)
#define OWN    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHER  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static size_t look(struct world *world)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_requirements_look(&world->flow, &count, &err), &err);
    return count;
}

static struct requirement_list list_of(struct world *world, int64_t machine_id)
{
    struct requirement_list list;
    struct error err;
    bool has;

    CHECK_OK(flow_requirements(&world->flow, machine_id, &world->arena, &list, &has, &err), &err);
    CHECK(has);
    return list;
}

static enum verification standing(struct world *world, int64_t machine_id)
{
    return (enum verification)world_number_of(
        world, "SELECT verification FROM machine WHERE id = $1", machine_id);
}

static void say(struct world *world, int64_t machine_id, enum verification verification)
{
    enum admin_outcome outcome;
    struct error err;

    CHECK_OK(flow_set_verification(&world->flow, machine_id, verification, &outcome, &err), &err);
    CHECK_INT(outcome, ADMIN_DONE);
}

static void measure(struct world *world, const struct world_machine *machine, int64_t seq)
{
    struct bench_report report = { .age_s = 60, .disk_write_mbs = 1234 };
    enum take_outcome outcome;
    struct error err;

    CHECK_OK(flow_bench(&world->flow, machine->id, machine->epoch, seq, &report, &outcome, &err),
             &err);
    CHECK_INT(outcome, TAKE_DONE);
}

/* A machine without GPUs that has been there for a week, and was measured. */
static void be_good(struct world *world, struct world_machine *machine)
{
    world_host(world, machine, "a", 0);
    machine->facts.has_avx = true;
    world_session(world, machine);
    CHECK_INT(world_beat(world, machine), TAKE_DONE);
    world_pass(world, 7 * 24 * US_PER_HOUR);
    measure(world, machine, 1);
}

struct well_work {
    int64_t machine_id;
    bool is_well;
};

static bool well_work(struct db *db, void *context, struct error *err)
{
    const struct well_work *work = context;
    struct machine_row health = { .id = work->machine_id,
                                  .is_engine_ok = work->is_well,
                                  .engine_message = work->is_well ? "" : "it is down",
                                  .disk_free_gb = 900 };

    return machine_set_health(db, &health, err);
}

static void be_well(struct world *world, struct world_machine *machine, bool is_well)
{
    struct well_work work = { machine->id, is_well };

    support_write(world->support, well_work, &work);
}

/* No lottery, and nobody has to be asked. */
static void test_who_meets_every_line_is_verified(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "b", 0);
    machine.facts.has_avx = true;
    world_session(&world, &machine);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT((int64_t)look(&world), 1);
    CHECK_INT((int64_t)look(&world), 0); /* its next turn is in ten minutes */
    CHECK_INT(standing(&world, machine.id), VERIFICATION_UNVERIFIED);
    struct requirement_list list = list_of(&world, machine.id);
    CHECK_INT(list.lines[REQUIREMENT_UPTIME].state, REQUIREMENT_BAD);
    CHECK_INT(list.lines[REQUIREMENT_MEASURED].state, REQUIREMENT_UNKNOWN);
    CHECK_INT(list.lines[REQUIREMENT_ENGINE].state, REQUIREMENT_GOOD);
    CHECK_INT(list.machine.look_at.microseconds,
              instant_add(clock_now(&world.clock), REQUIREMENT_LOOK_US).microseconds);
    CHECK_INT(list.lines[REQUIREMENT_UPTIME].next.microseconds, list.machine.look_at.microseconds);

    world_pass(&world, 7 * 24 * US_PER_HOUR);
    measure(&world, &machine, 1);
    CHECK_INT((int64_t)look(&world), 1);
    CHECK_INT(standing(&world, machine.id), VERIFICATION_VERIFIED);
    /* Until it is measured no longer. */
    world_pass(&world, 31 * 24 * US_PER_HOUR);
    CHECK_INT((int64_t)look(&world), 1);
    CHECK_INT(standing(&world, machine.id), VERIFICATION_UNVERIFIED);
    CHECK_INT(list_of(&world, machine.id).lines[REQUIREMENT_MEASURED].state, REQUIREMENT_BAD);
    world_check(&world);
    world_close(&world);
}

/* It comes back by itself, an hour after what was wrong is right. */
static void test_what_goes_wrong_takes_it_off_the_market_for_a_while(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    be_good(&world, &machine);
    CHECK_INT((int64_t)look(&world), 1);
    CHECK_INT(standing(&world, machine.id), VERIFICATION_VERIFIED);
    be_well(&world, &machine, false);
    world_pass(&world, REQUIREMENT_LOOK_US);
    CHECK_INT((int64_t)look(&world), 1);
    CHECK_INT(standing(&world, machine.id), VERIFICATION_DEVERIFIED);
    struct requirement_list list = list_of(&world, machine.id);
    CHECK_TEXT(list.lines[REQUIREMENT_ENGINE].measured, "it is down");
    be_well(&world, &machine, true);
    for (int64_t minutes = 10; minutes < 60; minutes += 10) {
        world_pass(&world, REQUIREMENT_LOOK_US);
        CHECK_INT((int64_t)look(&world), 1);
        CHECK_INT(standing(&world, machine.id), VERIFICATION_DEVERIFIED);
    }
    world_pass(&world, REQUIREMENT_LOOK_US);
    CHECK_INT((int64_t)look(&world), 1);
    CHECK_INT(standing(&world, machine.id), VERIFICATION_VERIFIED);
    world_check(&world);
    world_close(&world);
}

static void test_less_hardware_than_it_was_verified_with(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    be_good(&world, &machine);
    CHECK_INT((int64_t)look(&world), 1);
    machine.facts.disk_gb = machine.facts.disk_gb * 95 / 100;
    world_session(&world, &machine);
    CHECK_INT(standing(&world, machine.id), VERIFICATION_VERIFIED);
    machine.facts.ram_mb /= 2;
    world_session(&world, &machine);
    CHECK_INT(standing(&world, machine.id), VERIFICATION_DEVERIFIED);
    world_pass(&world, US_PER_HOUR);
    CHECK_INT((int64_t)look(&world), 1);
    CHECK_INT(standing(&world, machine.id), VERIFICATION_VERIFIED);
    /* Other GPUs are another machine: nothing is known of it. */
    machine.facts = world_facts("new", 1);
    world_session(&world, &machine);
    struct requirement_list list = list_of(&world, machine.id);
    CHECK_INT(list.lines[REQUIREMENT_MEASURED].state, REQUIREMENT_UNKNOWN);
    CHECK_INT(list.lines[REQUIREMENT_PROOFS].state, REQUIREMENT_BAD);
    CHECK_INT(list.machine.hardware_since.microseconds, clock_now(&world.clock).microseconds);
    world_close(&world);
}

static void test_an_operators_word_stands_until_it_is_taken_back(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    be_good(&world, &machine);
    say(&world, machine.id, VERIFICATION_DEVERIFIED);
    CHECK_INT((int64_t)look(&world), 1);
    CHECK_INT(standing(&world, machine.id), VERIFICATION_DEVERIFIED);
    CHECK(list_of(&world, machine.id).machine.is_verification_set);
    say(&world, machine.id, VERIFICATION_VERIFIED);
    be_well(&world, &machine, false);
    CHECK_INT((int64_t)look(&world), 1);
    CHECK_INT(standing(&world, machine.id), VERIFICATION_VERIFIED);
    be_well(&world, &machine, true);
    say(&world, machine.id, VERIFICATION_UNVERIFIED);
    CHECK_INT(standing(&world, machine.id), VERIFICATION_UNVERIFIED);
    CHECK_INT((int64_t)look(&world), 1);
    CHECK_INT(standing(&world, machine.id), VERIFICATION_VERIFIED);
    world_close(&world);
}

struct proof_work {
    int64_t machine_id;
    enum audit_state state;
    struct instant asked;
};

static bool proof_work(struct db *db, void *context, struct error *err)
{
    const struct proof_work *work = context;
    struct machine_proof_row proof = { .machine_id = work->machine_id,
                                       .model = "RTX 4090",
                                       .kind = AUDIT_COMPUTE,
                                       .gpu_uuid = "GPU-a-0",
                                       .n = 1,
                                       .rounds = 1,
                                       .state = work->state,
                                       .asked = work->asked };
    int64_t id;

    crypto_random(proof.token_hash, sizeof proof.token_hash);
    return machine_proof_insert(db, &proof, &id, err);
}

/* Since the last wrong one, and since its hardware is what it is. */
static void test_which_right_answers_count(void **state)
{
    static const struct {
        enum audit_state state;
        int64_t age_us;
        const char *counted;
    } rows[] = {
        { AUDIT_GOOD, MINUTE, "0" },  { AUDIT_GOOD, 0, "1" }, { AUDIT_GOOD, 0, "2" },
        { AUDIT_UNANSWERED, 0, "2" }, { AUDIT_BAD, 0, "0" },  { AUDIT_GOOD, 0, "1" },
        { AUDIT_SENT, 0, "1" },       { AUDIT_GOOD, 0, "2" }, { AUDIT_GOOD, 0, "3" },
    };
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    struct instant since = clock_now(&world.clock);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct proof_work work = { machine.id, rows[i].state, instant_add(since, -rows[i].age_us) };

        support_write(world.support, proof_work, &work);
        struct requirement_list list = list_of(&world, machine.id);
        check_row("row %zu", i);
        CHECK_TEXT(list.lines[REQUIREMENT_PROOFS].measured, rows[i].counted);
        CHECK((list.lines[REQUIREMENT_PROOFS].state == REQUIREMENT_GOOD) ==
              (strcmp(rows[i].counted, "3") == 0));
        CHECK_INT(list.lines[REQUIREMENT_PROOFS].next.microseconds, 0);
    }
    world_close(&world);
}

/* Who was verified and says that it runs another program, or nothing, is off the market until an
 * hour after the operator knows it; without a list nobody is. */
static void test_a_program_that_nobody_knows_takes_it_off_the_market(void **state)
{
    enum agent_build_outcome outcome;
    struct world_machine machine;
    struct world world;
    struct error err;

    world_open(&world, *state);
    be_good(&world, &machine);
    CHECK_INT((int64_t)look(&world), 1);
    CHECK_INT(standing(&world, machine.id), VERIFICATION_VERIFIED);
    CHECK_INT(list_of(&world, machine.id).lines[REQUIREMENT_PROGRAM].state, REQUIREMENT_NOT_NEEDED);
    support_script(world.support, "UPDATE machine SET facts = REPLACE(facts, "
                                  "'\"agent_digest\":\"\"', '\"agent_digest\":\"" OWN "\"');");
    CHECK_OK(flow_agent_build_add(&world.flow, OTHER, "1.0", &outcome, &err), &err);
    CHECK_INT(outcome, AGENT_BUILD_DONE);
    world_run(&world, &machine, 11 * MINUTE);
    CHECK_INT((int64_t)look(&world), 1);
    CHECK_INT(list_of(&world, machine.id).lines[REQUIREMENT_PROGRAM].state, REQUIREMENT_BAD);
    CHECK_INT(standing(&world, machine.id), VERIFICATION_DEVERIFIED);
    CHECK_OK(flow_agent_build_add(&world.flow, OWN, "1.1", &outcome, &err), &err);
    for (int minutes = 0; minutes < 80; minutes += 11) {
        world_run(&world, &machine, 11 * MINUTE);
        CHECK_INT((int64_t)look(&world), 1);
    }
    CHECK_INT(list_of(&world, machine.id).lines[REQUIREMENT_PROGRAM].state, REQUIREMENT_GOOD);
    CHECK_INT(standing(&world, machine.id), VERIFICATION_VERIFIED);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_meets_every_line_is_verified),
        cmocka_unit_test(test_what_goes_wrong_takes_it_off_the_market_for_a_while),
        cmocka_unit_test(test_less_hardware_than_it_was_verified_with),
        cmocka_unit_test(test_an_operators_word_stands_until_it_is_taken_back),
        cmocka_unit_test(test_which_right_answers_count),
        cmocka_unit_test(test_a_program_that_nobody_knows_takes_it_off_the_market),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
