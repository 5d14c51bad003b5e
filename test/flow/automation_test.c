/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/automation.h"

#include "flow/desired.h"
#include "flow/instance_change.h"
#include "flow/limits.h"
#include "flow/no_credit.h"
#include "market/automation.h"
#include "support.h"

static enum automation_outcome set(struct world *world, struct caller caller, int64_t id,
                                   int64_t minutes, int64_t hours)
{
    struct automation_request request = { .instance_id = id,
                                          .has_minutes = minutes >= 0,
                                          .has_hours = hours >= 0,
                                          .idle_stop_minutes = minutes,
                                          .destroy_stopped_hours = hours };
    enum automation_outcome outcome;
    struct error err;

    CHECK_OK(flow_automation_set(&world->flow, &caller, &request, &outcome, &err), &err);
    return outcome;
}

/* Heartbeats that say how busy the GPU is. */
static void run_at(struct world *world, struct world_machine *machine, int64_t permille, int beats)
{
    for (int i = 0; i < beats; i++) {
        auto_arena struct arena arena = arena_of(WORLD_ARENA);

        world_pass(world, 20 * US_PER_SECOND);
        struct heartbeat heartbeat = world_obey(world, machine, &arena);
        for (int64_t k = 0; k < heartbeat.instance_count; k++)
            heartbeat.instances[k].gpu_permille = permille;
        CHECK_INT(world_send(world, machine, &heartbeat), TAKE_DONE);
    }
}

static size_t destroy_stopped(struct world *world)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_destroy_stopped(&world->flow, &count, &err), &err);
    return count;
}

static void test_what_does_nothing_stops(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    int64_t id = world_running(&world, &machine, ada, 1);
    int64_t other = world_running(&world, &machine, ada, 1);
    CHECK_INT(set(&world, ada, id, 2, -1), AUTOMATION_SET);
    run_at(&world, &machine, 0, 4);
    run_at(&world, &machine, 500, 1); /* it does something */
    run_at(&world, &machine, 5, 6);
    CHECK_INT(world_contract(&world, id).state, RENTAL_RUNNING);
    run_at(&world, &machine, 5, 1);
    struct contract_row contract = world_contract(&world, id);
    CHECK_INT(contract.state, RENTAL_STOPPING);
    CHECK_INT(contract.reason, REASON_GPU_IDLE);
    CHECK_TEXT(contract.reason_detail, "2 minutes");
    CHECK_INT(world_contract(&world, other).state, RENTAL_RUNNING); /* off by default */
    world_pass(&world, US_PER_SECOND);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(world_contract(&world, id).state, RENTAL_STOPPED);
    CHECK_OK(flow_start(&world.flow, &ada, id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_DONE);
    run_at(&world, &machine, 0, 3); /* a new run has time of its own */
    CHECK_INT(world_contract(&world, id).state, RENTAL_RUNNING);
    world_check(&world);
    world_close(&world);
}

static enum automation_outcome cap(struct world *world, struct caller caller, int64_t id,
                                   int64_t gb)
{
    struct automation_request request = { .instance_id = id,
                                          .has_traffic = true,
                                          .traffic_gb = gb };
    enum automation_outcome outcome;
    struct error err;

    CHECK_OK(flow_automation_set(&world->flow, &caller, &request, &outcome, &err), &err);
    return outcome;
}

static enum automation_outcome limit(struct world *world, struct caller caller, int64_t id,
                                     int64_t up, int64_t down)
{
    struct automation_request request = { .instance_id = id,
                                          .has_limit_up = up != -9,
                                          .has_limit_down = down != -9,
                                          .limit_up_mbit = up,
                                          .limit_down_mbit = down };
    enum automation_outcome outcome;
    struct error err;

    CHECK_OK(flow_automation_set(&world->flow, &caller, &request, &outcome, &err), &err);
    return outcome;
}

/* At once, without a new generation, which would start it anew. -9 is not given. */
static void test_its_host_is_told_how_fast_it_may_be(void **state)
{
    struct world_machine machine;
    struct desired before, after;
    struct world world;
    struct error err;
    bool has;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    struct caller bob = world_user(&world, "bob@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    struct hash dump = world_dump(&world);

    CHECK_INT(limit(&world, ada, id, -1, -9), AUTOMATION_BAD_LIMIT);
    CHECK_INT(limit(&world, ada, id, -9, AUTOMATION_MBIT_MAX + 1), AUTOMATION_BAD_LIMIT);
    CHECK_INT(limit(&world, bob, id, 5, 5), AUTOMATION_NO_INSTANCE);
    CHECK_UNCHANGED(&world, dump);
    CHECK_OK(flow_desired(&world.flow, machine.id, &world.arena, &before, &has, &err), &err);
    CHECK_INT(before.instances[0].up_mbit, 0);
    CHECK_INT(limit(&world, ada, id, AUTOMATION_MBIT_MAX, -9), AUTOMATION_SET);
    CHECK_INT(limit(&world, ada, id, -9, 7), AUTOMATION_SET);
    CHECK_OK(flow_desired(&world.flow, machine.id, &world.arena, &after, &has, &err), &err);
    CHECK_INT(after.desired_rev, before.desired_rev + 2);
    CHECK_INT(after.instances[0].gen, before.instances[0].gen);
    CHECK_INT(after.instances[0].up_mbit, AUTOMATION_MBIT_MAX);
    CHECK_INT(after.instances[0].down_mbit, 7);
    CHECK_INT(limit(&world, ada, id, 0, 0), AUTOMATION_SET);
    CHECK_INT(world_contract(&world, id).automation.limit_up_mbit, 0);
    world_close(&world);
}

static void test_what_has_moved_all_that_it_may_stops(void **state)
{
    const int64_t half = INT64_C(1) << 29;
    enum change_outcome outcome;
    struct world_machine machine;
    struct world world;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    struct world_container *container = world_container(&machine, id);

    CHECK_INT(cap(&world, ada, id, -1), AUTOMATION_BAD_TRAFFIC);
    CHECK_INT(cap(&world, ada, id, AUTOMATION_TRAFFIC_GB_MAX + 1), AUTOMATION_BAD_TRAFFIC);
    container->bytes_down += half; /* before there was a cap */
    run_at(&world, &machine, -1, 10);
    CHECK_INT(cap(&world, ada, id, 1), AUTOMATION_SET);
    container->bytes_down += half;
    run_at(&world, &machine, -1, 10);
    container->bytes_up += half - 1;
    run_at(&world, &machine, -1, 10);
    CHECK_INT(world_contract(&world, id).automation.moved_bytes, 2 * half - 1);
    CHECK_INT(world_contract(&world, id).state, RENTAL_RUNNING);
    container->bytes_up += 1;
    run_at(&world, &machine, -1, 1);
    struct contract_row contract = world_contract(&world, id);
    CHECK_INT(contract.state, RENTAL_STOPPING);
    CHECK_INT(contract.reason, REASON_TRAFFIC_CAP);
    CHECK_TEXT(contract.reason_detail, "1 GB");
    run_at(&world, &machine, -1, 1);
    CHECK_INT(world_contract(&world, id).state, RENTAL_STOPPED);

    /* Another gigabyte from now on, and then none at all. */
    CHECK_INT(cap(&world, ada, id, 1), AUTOMATION_SET);
    CHECK_OK(flow_start(&world.flow, &ada, id, &outcome, &err), &err);
    container->bytes_up += half;
    run_at(&world, &machine, -1, 10);
    CHECK_INT(world_contract(&world, id).state, RENTAL_RUNNING);
    CHECK_INT(cap(&world, ada, id, 0), AUTOMATION_SET);
    container->bytes_up += 2 * half;
    run_at(&world, &machine, -1, 10);
    CHECK_INT(world_contract(&world, id).state, RENTAL_RUNNING);
    world_check(&world);
    world_close(&world);
}

static void test_what_is_not_measured_does_not_stop(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    CHECK_INT(set(&world, ada, id, 1, -1), AUTOMATION_SET);
    run_at(&world, &machine, -1, 20);
    run_at(&world, &machine, 0, 2);
    world_pass(&world, US_PER_HOUR); /* the host is away */
    run_at(&world, &machine, 0, 2);
    CHECK_INT(world_contract(&world, id).state, RENTAL_RUNNING);
    CHECK_INT(set(&world, ada, id, 0, -1), AUTOMATION_SET);
    run_at(&world, &machine, 0, 20);
    CHECK_INT(world_contract(&world, id).state, RENTAL_RUNNING);
    world_close(&world);
}

static void test_what_is_stopped_for_long_is_destroyed(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    int64_t id = world_running(&world, &machine, ada, 1);
    int64_t other = world_running(&world, &machine, ada, 1);
    CHECK_INT(set(&world, ada, id, -1, 2), AUTOMATION_SET);
    world_run(&world, &machine, 3 * US_PER_HOUR);
    CHECK_INT((int64_t)destroy_stopped(&world), 0); /* it runs */
    CHECK_OK(flow_stop(&world.flow, &ada, id, &outcome, &err), &err);
    CHECK_OK(flow_stop(&world.flow, &ada, other, &outcome, &err), &err);
    world_run(&world, &machine, US_PER_HOUR);
    CHECK_OK(flow_start(&world.flow, &ada, id, &outcome, &err), &err);
    world_run(&world, &machine, 2 * US_PER_HOUR);
    CHECK_INT((int64_t)destroy_stopped(&world), 0); /* it runs again */
    CHECK_OK(flow_stop(&world.flow, &ada, id, &outcome, &err), &err);
    world_pass(&world, 5 * US_PER_SECOND);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    world_pass(&world, 2 * US_PER_HOUR - 1);
    CHECK_INT((int64_t)destroy_stopped(&world), 0);
    world_pass(&world, 1);
    CHECK_INT((int64_t)destroy_stopped(&world), 1);
    CHECK_INT((int64_t)destroy_stopped(&world), 0);
    struct contract_row contract = world_contract(&world, id);
    CHECK_INT(contract.state, RENTAL_DESTROYING);
    CHECK_INT(contract.reason, REASON_STOPPED_TOO_LONG);
    CHECK_TEXT(contract.reason_detail, "2 hours");
    CHECK_INT(world_contract(&world, other).state, RENTAL_STOPPED); /* off by default */
    world_check(&world);
    world_close(&world);
}

static void test_nobody_loses_data_for_want_of_credit(void **state)
{
    struct world world;
    struct world_machine machine;
    struct error err;
    size_t count;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 1);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    CHECK_INT(set(&world, ada, id, -1, 1), AUTOMATION_SET);
    world_run(&world, &machine, 10000 * US_PER_SECOND);
    CHECK_OK(flow_no_credit(&world.flow, &count, &err), &err);
    world_pass(&world, 30 * 24 * US_PER_HOUR);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(world_contract(&world, id).state, RENTAL_STOPPED);
    CHECK_INT((int64_t)destroy_stopped(&world), 0);
    CHECK_INT(world_contract(&world, id).state, RENTAL_STOPPED);
    world_close(&world);
}

/* Time before a rule was made does not count for it. */
static void test_a_new_rule_is_not_about_the_past(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    CHECK_INT(set(&world, ada, id, 5, -1), AUTOMATION_SET);
    run_at(&world, &machine, 0, 8); /* idle for 140 s by now */
    CHECK_INT(set(&world, ada, id, 1, -1), AUTOMATION_SET);
    CHECK_INT(world_contract(&world, id).automation.idle_since.microseconds, 0);
    run_at(&world, &machine, 0, 3);
    CHECK_INT(world_contract(&world, id).state, RENTAL_RUNNING);
    run_at(&world, &machine, 0, 1);
    CHECK_INT(world_contract(&world, id).state, RENTAL_STOPPING);
    CHECK_INT(world_contract(&world, id).automation.idle_since.microseconds, 0);
    world_run(&world, &machine, 3 * US_PER_HOUR);
    CHECK_INT(set(&world, ada, id, -1, 2), AUTOMATION_SET);
    world_pass(&world, 2 * US_PER_HOUR - 1);
    CHECK_INT((int64_t)destroy_stopped(&world), 0);
    world_pass(&world, 1);
    CHECK_INT((int64_t)destroy_stopped(&world), 1);
    CHECK_INT(world_contract(&world, id).state, RENTAL_DESTROYING);
    CHECK_OK(flow_start(&world.flow, &ada, id, &outcome, &err), &err);
    world_check(&world);
    world_close(&world);
}

/* A rule that was taken back has no memory: no gauge is kept for nobody. */
static void test_without_a_rule_nothing_is_kept(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    run_at(&world, &machine, 0, 2);
    CHECK_INT(world_contract(&world, id).automation.idle_since.microseconds, 0);
    CHECK_INT(set(&world, ada, id, 5, -1), AUTOMATION_SET);
    run_at(&world, &machine, 0, 2);
    CHECK(world_contract(&world, id).automation.idle_since.microseconds != 0);
    CHECK_INT(set(&world, ada, id, 0, -1), AUTOMATION_SET);
    run_at(&world, &machine, 0, 1);
    CHECK_INT(world_contract(&world, id).automation.idle_since.microseconds, 0);
    world_close(&world);
}

static bool gauge_work(struct db *db, void *context, struct error *err)
{
    const struct world *world = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row contract;
    struct change change;
    bool has;

    if (!change_begin_contract(&change, db, 1, clock_now(&world->clock), &arena, &contract, &has,
                               err))
        return false;
    contract.state = RENTAL_LOADING;
    if (!flow_automation_gauge(&change, &contract, 0, change.now, err))
        return false;
    CHECK_INT(contract.automation.idle_since.microseconds, 0);
    contract.state = RENTAL_RUNNING;
    if (!flow_automation_gauge(&change, &contract, 0, change.now, err))
        return false;
    CHECK_INT(contract.automation.idle_since.microseconds, change.now.microseconds);
    return true;
}

/* What pulls its image does nothing on its GPUs, and is not idle. */
static void test_what_is_on_its_way_is_not_idle(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    CHECK_INT(world_running(&world, &machine, ada, 1), 1);
    CHECK_INT(set(&world, ada, 1, 1, -1), AUTOMATION_SET);
    support_write(world.support, gauge_work, &world);
    world_close(&world);
}

static bool destroy_early(struct db *db, void *context, struct error *err)
{
    const struct world *world = context;
    bool is_done = false;

    CHECK(automation_destroy(db, 9999, clock_now(&world->clock), &is_done, err) && !is_done);
    return automation_destroy(db, 1, clock_now(&world->clock), &is_done, err) && !is_done;
}

static bool operator_stops(struct db *db, void *context, struct error *err)
{
    const struct world *world = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row contract;
    struct change change;
    bool has, has_changed;

    return change_begin_contract(&change, db, 1, clock_now(&world->clock), &arena, &contract, &has,
                                 err) &&
           change_contract(&change, &contract, RENTAL_OPERATOR_STOPS, "asked to", &has_changed,
                           err) &&
           has_changed && change_end(&change, err);
}

/* Between the look and the lock its owner may take the rule back; and the operator's stop is not
 * what it was made for. */
static void test_who_is_not_due_any_more_is_left_alone(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    CHECK_INT(id, 1);
    CHECK_INT(set(&world, ada, id, -1, 1), AUTOMATION_SET);
    CHECK_OK(flow_stop(&world.flow, &ada, id, &outcome, &err), &err);
    world_run(&world, &machine, 60 * US_PER_SECOND);
    struct hash before = world_dump(&world);
    support_write(world.support, destroy_early, &world);
    CHECK_UNCHANGED(&world, before);
    CHECK_OK(flow_start(&world.flow, &ada, id, &outcome, &err), &err);
    world_run(&world, &machine, 60 * US_PER_SECOND);
    support_write(world.support, operator_stops, &world);
    world_run(&world, &machine, 10 * US_PER_SECOND);
    world_pass(&world, 4 * US_PER_HOUR);
    CHECK_INT(world_contract(&world, id).state, RENTAL_STOPPED);
    CHECK_INT((int64_t)destroy_stopped(&world), 0);
    world_close(&world);
}

static void test_what_may_be_asked(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    struct caller eve = world_user(&world, "eve@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    struct hash before = world_dump(&world);

    CHECK_INT(set(&world, eve, id, 5, 5), AUTOMATION_NO_INSTANCE);
    CHECK_INT(set(&world, ada, 9999, 5, 5), AUTOMATION_NO_INSTANCE);
    CHECK_INT(set(&world, ada, id, AUTOMATION_IDLE_MINUTES_MAX + 1, 5), AUTOMATION_BAD_MINUTES);
    CHECK_INT(set(&world, ada, id, 5, AUTOMATION_STOPPED_HOURS_MAX + 1), AUTOMATION_BAD_HOURS);
    ada.instance_id = id + 1;
    CHECK_INT(set(&world, ada, id, 5, 5), AUTOMATION_NO_INSTANCE);
    CHECK_UNCHANGED(&world, before);
    ada.instance_id = 0;
    CHECK_INT(set(&world, ada, id, AUTOMATION_IDLE_MINUTES_MAX, AUTOMATION_STOPPED_HOURS_MAX),
              AUTOMATION_SET);
    CHECK_INT(world_contract(&world, id).automation.idle_stop_s, 7 * 86400);
    CHECK_INT(set(&world, ada, id, -1, 0), AUTOMATION_SET);
    CHECK_INT(world_contract(&world, id).automation.idle_stop_s, 7 * 86400); /* not given: stays */
    CHECK_INT(world_contract(&world, id).automation.destroy_after_s, 0);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_does_nothing_stops),
        cmocka_unit_test(test_its_host_is_told_how_fast_it_may_be),
        cmocka_unit_test(test_what_has_moved_all_that_it_may_stops),
        cmocka_unit_test(test_what_is_not_measured_does_not_stop),
        cmocka_unit_test(test_what_is_stopped_for_long_is_destroyed),
        cmocka_unit_test(test_nobody_loses_data_for_want_of_credit),
        cmocka_unit_test(test_a_new_rule_is_not_about_the_past),
        cmocka_unit_test(test_without_a_rule_nothing_is_kept),
        cmocka_unit_test(test_what_is_on_its_way_is_not_idle),
        cmocka_unit_test(test_who_is_not_due_any_more_is_left_alone),
        cmocka_unit_test(test_what_may_be_asked),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
