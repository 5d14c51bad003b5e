/* SPDX-License-Identifier: Apache-2.0 */
/* Making way for others: notice, the time that is charged, and who comes after. */
#include "flow/change.h"
#include "flow/desired.h"
#include "flow/instance_change.h"
#include "flow/limits.h"
#include "support.h"

struct pause_work {
    int64_t id;
    struct instant now;
    enum rental_event event;
    int64_t grace_s;
};

static bool pause_work(struct db *db, void *context, struct error *err)
{
    const struct pause_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row contract;
    struct change change;
    bool has, has_changed;

    CHECK(contract_load(db, work->id, &arena, &contract, &has, err));
    if (!change_begin(&change, db, contract.machine_id, work->now, &arena, &has, err))
        return false;
    contract.pause = instant_add(work->now, work->grace_s * US_PER_SECOND);
    return change_contract(&change, &contract, work->event, "C.9 bid 0.232", &has_changed, err) &&
           has_changed && change_end(&change, err);
}

/* As the decision does it. */
static void pause(struct world *world, int64_t id, enum rental_event event, int64_t grace_s)
{
    struct pause_work work = { id, clock_now(&world->clock), event, grace_s };
    struct error err;

    CHECK_OK(store_write(world->flow.store, pause_work, &work, &err), &err);
}

static struct desired_instance desired_of(struct world *world, int64_t machine_id, int64_t id)
{
    struct desired desired;
    struct error err;
    bool has;

    CHECK_OK(flow_desired(&world->flow, machine_id, &world->arena, &desired, &has, &err), &err);
    for (int64_t i = 0; i < desired.instance_count; i++)
        if (desired.instances[i].id == id)
            return desired.instances[i];
    fail_msg("not desired");
    return (struct desired_instance){ 0 };
}

static int64_t gpu_us(struct world *world, int64_t id)
{
    return world_number_of(world, "SELECT total FROM meter WHERE comp = 1 AND instance_id = $1",
                           id);
}

static void test_its_host_is_told_why_and_until_when(void **state)
{
    static const struct {
        enum rental_event event;
        const char *reason, *winner;
    } rows[] = {
        { RENTAL_OUTBID, "outbid", "bid" },
        { RENTAL_OUTRANKED, "outranked_by_on_demand", "on-demand" },
        { RENTAL_YIELDS, "idle_yields", "renter" },
    };

    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 3);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t id = world_running(&world, &machine, ada, 1);

        check_row("%s", rows[i].reason);
        CHECK(!desired_of(&world, machine.id, id).has_notice);
        pause(&world, id, rows[i].event, 30);
        world_pass(&world, 2500000);
        struct desired_instance desired = desired_of(&world, machine.id, id);
        CHECK_INT(desired.state, DESIRED_STOPPED);
        CHECK(desired.has_notice);
        CHECK_INT(desired.notice.after_ms, 27500);
        CHECK_TEXT(desired.notice.reason, rows[i].reason);
        CHECK_TEXT(desired.notice.winner, rows[i].winner);
        world_pass(&world, 30000000);
        CHECK_INT(desired_of(&world, machine.id, id).notice.after_ms, 0);
    }
    world_close(&world);
}

static void test_it_is_charged_until_its_last_process_ends(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    world_container(&machine, id)->clings = true;
    world_run(&world, &machine, 60 * US_PER_SECOND);
    pause(&world, id, RENTAL_OUTBID, 30);
    world_run(&world, &machine, 10 * US_PER_SECOND);
    CHECK_INT(world_contract(&world, id).state, RENTAL_PAUSING);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM run_interval WHERE end_us IS NULL"), 1);
    world_check(&world);
    /* Its process saves what it has, and ends long before the deadline. */
    world_pass(&world, US_PER_SECOND);
    world_container(&machine, id)->clings = false;
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(gpu_us(&world, id), 70 * US_PER_SECOND);
    /* Nobody came for the GPU after all: it is on its way back. */
    CHECK_INT(world_contract(&world, id).state, RENTAL_CREATED);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM run_interval WHERE end_us IS NULL"), 0);
    world_check(&world);
    world_close(&world);
}

static bool split_work(struct db *db, void *context, struct error *err)
{
    const struct pause_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row contract;
    struct change change;
    bool has;

    return change_begin_contract(&change, db, work->id, work->now, &arena, &contract, &has, err) &&
           change_split_interval(&change, &contract, err) && change_end(&change, err);
}

/* A heartbeat that waited for that change is dated like it: what it ends is over all the same, and
 * does not go on with the GPUs of the next run. */
static void test_it_may_end_in_the_moment_of_a_new_price(void **state)
{
    struct world world;
    struct world_machine machine;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    world_container(&machine, id)->clings = true;
    pause(&world, id, RENTAL_OUTBID, 30);
    world_run(&world, &machine, 10 * US_PER_SECOND);
    struct pause_work work = { .id = id, .now = clock_now(&world.clock) };
    CHECK_OK(store_write(world.flow.store, split_work, &work, &err), &err);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM run_interval WHERE end_us IS NULL"), 1);
    world_container(&machine, id)->clings = false;
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(world_contract(&world, id).state, RENTAL_CREATED);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM run_interval WHERE end_us IS NULL"), 0);
    world_check(&world);
    world_run(&world, &machine, 10 * US_PER_SECOND);
    CHECK_INT(world_contract(&world, id).state, RENTAL_RUNNING);
    world_check(&world);
    world_close(&world);
}

static void test_it_is_never_charged_past_its_deadline(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    world_run(&world, &machine, 60 * US_PER_SECOND);
    pause(&world, id, RENTAL_OUTRANKED, 7);
    int64_t at_notice = world_charged(&world, ada, id);

    /* A host that goes on showing it running does so for nothing. */
    for (int i = 0; i < 5; i++) {
        auto_arena struct arena arena = arena_of(WORLD_ARENA);

        world_pass(&world, 5 * US_PER_SECOND);
        struct heartbeat heartbeat = world_obey(&world, &machine, &arena);
        heartbeat.instances[0].gen--;
        heartbeat.instances[0].phase = PHASE_RUNNING;
        heartbeat.instances[0].start_token = arena_printf(&arena, "c%lld-1", (long long)id);
        heartbeat.instances[0].run_ms = 60000 + 5000 * (i + 1);
        CHECK_INT(world_send(&world, &machine, &heartbeat), TAKE_DONE);
    }
    CHECK_INT(world_contract(&world, id).state, RENTAL_PAUSING);
    /* Shown as it will be charged: 7 s at $0.36 an hour, and 25 s of disk. */
    CHECK(world_charged(&world, ada, id) - at_notice < 7 * INT64_C(100000) + 25 * 600);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(gpu_us(&world, id), 67 * US_PER_SECOND);
    world_check(&world);
    world_close(&world);
}

/* The GPU changes hands in the transaction that takes the host's word that it is free. */
static void test_who_comes_after_waits_for_the_hosts_word(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    struct caller bob = world_user(&world, "bob@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t first = world_running(&world, &machine, bob, 1);
    CHECK_OK(flow_stop(&world.flow, &bob, first, &outcome, &err), &err);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    int64_t id = world_running(&world, &machine, ada, 1);
    world_container(&machine, id)->clings = true;
    CHECK_OK(flow_start(&world.flow, &bob, first, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_WAITS);
    pause(&world, id, RENTAL_OUTRANKED, 30);
    world_run(&world, &machine, 20 * US_PER_SECOND);
    CHECK_INT(world_contract(&world, first).state, RENTAL_SCHEDULING);
    CHECK_INT(world_contract(&world, id).state, RENTAL_PAUSING);
    world_pass(&world, 10 * US_PER_SECOND);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(world_contract(&world, id).state, RENTAL_SCHEDULING);
    CHECK_INT(world_contract(&world, first).state, RENTAL_CREATED);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(world_contract(&world, first).state, RENTAL_RUNNING);
    world_check(&world);
    /* And back again, with the same files: nothing of it was destroyed. */
    CHECK_OK(flow_destroy(&world.flow, &bob, first, &outcome, &err), &err);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(world_contract(&world, id).state, RENTAL_CREATED);
    CHECK_INT(world_contract(&world, id).reason, REASON_NONE);
    CHECK(!desired_of(&world, machine.id, id).has_notice);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(world_contract(&world, id).state, RENTAL_RUNNING);
    CHECK_INT(world_container(&machine, id)->starts, 2);
    world_check(&world);
    world_close(&world);
}

/* Whoever has notice can still be stopped, destroyed, or run out of credit. */
static void test_its_renter_may_end_it_meanwhile(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    int64_t stopped = world_running(&world, &machine, ada, 1);
    int64_t destroyed = world_running(&world, &machine, ada, 1);
    world_run(&world, &machine, 60 * US_PER_SECOND);
    pause(&world, stopped, RENTAL_OUTBID, 30);
    pause(&world, destroyed, RENTAL_OUTBID, 30);
    world_pass(&world, 4 * US_PER_SECOND);
    CHECK_OK(flow_stop(&world.flow, &ada, stopped, &outcome, &err), &err);
    CHECK_OK(flow_destroy(&world.flow, &ada, destroyed, &outcome, &err), &err);
    CHECK_INT(world_contract(&world, stopped).state, RENTAL_STOPPING);
    CHECK_INT(world_contract(&world, stopped).reason, REASON_USER_STOP);
    CHECK(!desired_of(&world, machine.id, stopped).has_notice);
    CHECK_INT(world_contract(&world, destroyed).state, RENTAL_DESTROYING);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(world_contract(&world, stopped).state, RENTAL_STOPPED);
    CHECK_INT(world_contract(&world, destroyed).state, RENTAL_DESTROYED);
    CHECK_INT(gpu_us(&world, stopped), 64 * US_PER_SECOND);
    world_check(&world);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_its_host_is_told_why_and_until_when),
        cmocka_unit_test(test_it_is_charged_until_its_last_process_ends),
        cmocka_unit_test(test_it_may_end_in_the_moment_of_a_new_price),
        cmocka_unit_test(test_it_is_never_charged_past_its_deadline),
        cmocka_unit_test(test_who_comes_after_waits_for_the_hosts_word),
        cmocka_unit_test(test_its_renter_may_end_it_meanwhile),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
