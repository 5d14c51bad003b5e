/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/heartbeat.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "flow/contact_lost.h"
#include "flow/instance_change.h"
#include "flow/usage.h"
#include "support.h"

#define SECOND US_PER_SECOND

/* $0.36 an hour: 100,000 nanodollars a second; 10 GB of disk, 578.7 more. */
static int64_t gpu_cost(int64_t seconds)
{
    return seconds * 100000;
}

static int64_t disk_cost(int64_t seconds)
{
    return INT64_C(1500000000) * seconds / 2592000;
}

struct scene {
    struct world world;
    struct world_machine machine;
    struct caller ada;
    int64_t id;
};

static void open_scene(struct scene *scene, void **state)
{
    world_open(&scene->world, *state);
    scene->ada = world_user(&scene->world, "ada@berth.test", 25);
    world_host(&scene->world, &scene->machine, "a", 2);
    scene->id = world_running(&scene->world, &scene->machine, scene->ada, 1);
}

static void close_scene(struct scene *scene)
{
    world_check(&scene->world);
    world_close(&scene->world);
}

static void test_time_is_charged_from_the_first_report_of_running(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    struct rental_reply rented = world_rent(&world, ada, world_offer(&world, machine.id, 1));
    CHECK_INT(rented.outcome, RENTAL_MADE);

    /* Loading: the disk is charged, the GPU is not. */
    world_pass(&world, 20 * SECOND);
    auto_arena struct arena arena = arena_of(WORLD_ARENA);
    struct heartbeat heartbeat = world_obey(&world, &machine, &arena);
    heartbeat.instances[0].phase = PHASE_CREATING;
    heartbeat.instances[0].start_token = "";
    heartbeat.instances[0].message = "pulling ubuntu";
    CHECK_INT(world_send(&world, &machine, &heartbeat), TAKE_DONE);
    CHECK_TEXT(world_instance(&world, ada, rented.instance_id).status.actual_status, "loading");
    CHECK_TEXT(world_instance(&world, ada, rented.instance_id).status_msg, "pulling ubuntu");
    CHECK_INT(world_charged(&world, ada, rented.instance_id), disk_cost(20));

    world_pass(&world, 5 * SECOND);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_TEXT(world_instance(&world, ada, rented.instance_id).status.actual_status, "running");
    CHECK_INT(world_charged(&world, ada, rented.instance_id), disk_cost(25));
    world_pass(&world, SECOND);
    CHECK_INT(world_charged(&world, ada, rented.instance_id), gpu_cost(1) + disk_cost(26));
    world_check(&world);
    world_close(&world);
}

static void test_a_repeated_heartbeat_changes_nothing(void **state)
{
    struct scene scene;
    auto_arena struct arena arena = arena_of(WORLD_ARENA);

    open_scene(&scene, state);
    world_pass(&scene.world, 5 * SECOND);
    struct heartbeat heartbeat = world_obey(&scene.world, &scene.machine, &arena);
    heartbeat.instances[0].bytes_up = 1000000;
    CHECK_INT(world_send(&scene.world, &scene.machine, &heartbeat), TAKE_DONE);
    struct hash before = world_dump(&scene.world);
    CHECK_INT(world_send(&scene.world, &scene.machine, &heartbeat), TAKE_REPLAY);
    heartbeat.seq--;
    CHECK_INT(world_send(&scene.world, &scene.machine, &heartbeat), TAKE_REPLAY);
    CHECK_UNCHANGED(&scene.world, before);
    close_scene(&scene);
}

static void test_a_steady_heartbeat_writes_no_more_than_its_session(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    world_run(&scene.world, &scene.machine, 10 * SECOND);
    int64_t intervals = world_number(&scene.world, "SELECT COUNT(*) FROM run_interval");
    int64_t versions = world_number(&scene.world, "SELECT SUM(ver) FROM meter");
    world_run(&scene.world, &scene.machine, 300 * SECOND);
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM run_interval"), intervals);
    CHECK_INT(world_number(&scene.world, "SELECT SUM(ver) FROM meter"), versions);
    close_scene(&scene);
}

static void test_a_lost_heartbeat_loses_nothing(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    /* The longest gap that a lease bridges. */
    world_pass(&scene.world, 30 * SECOND);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id), gpu_cost(30) + disk_cost(30));
    close_scene(&scene);
}

static void test_a_longer_gap_is_the_hosts_outage_and_free(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    world_run(&scene.world, &scene.machine, 60 * SECOND);
    world_pass(&scene.world, 31 * SECOND);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    world_run(&scene.world, &scene.machine, 10 * SECOND);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id), gpu_cost(70) + disk_cost(101));
    close_scene(&scene);
}

/* The server was away for an hour; the host's own clock says that the container ran. */
static void test_our_own_outage_is_charged_once_by_what_the_host_attests(void **state)
{
    struct scene scene;
    size_t count;
    struct error err;

    open_scene(&scene, state);
    world_run(&scene.world, &scene.machine, 10 * SECOND);
    world_silence(&scene.world, 3600 * SECOND);
    world_pass(&scene.world, 0);
    /* The timers run before the agents are back: nobody is lost. */
    CHECK_OK(flow_contact_lost(&scene.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    world_pass(&scene.world, 3 * SECOND);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id), gpu_cost(3613) + disk_cost(3613));
    world_run(&scene.world, &scene.machine, 10 * SECOND);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id), gpu_cost(3623) + disk_cost(3623));
    close_scene(&scene);
}

static void test_what_the_host_does_not_attest_is_not_charged(void **state)
{
    struct scene scene;
    auto_arena struct arena arena = arena_of(WORLD_ARENA);

    open_scene(&scene, state);
    world_run(&scene.world, &scene.machine, 10 * SECOND);
    world_silence(&scene.world, 3600 * SECOND);
    world_pass(&scene.world, 0);
    struct heartbeat heartbeat = world_obey(&scene.world, &scene.machine, &arena);
    heartbeat.instances[0].run_ms -= 600 * 1000; /* it was frozen for ten minutes */
    CHECK_INT(world_send(&scene.world, &scene.machine, &heartbeat), TAKE_DONE);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id), gpu_cost(3010) + disk_cost(3610));
    close_scene(&scene);
}

static void test_a_host_that_restarted_is_charged_from_its_new_run(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    world_run(&scene.world, &scene.machine, 10 * SECOND);
    scene.machine.boot++;
    world_container(&scene.machine, scene.id)->is_running = false;
    world_session(&scene.world, &scene.machine);
    world_pass(&scene.world, 20 * SECOND);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    world_run(&scene.world, &scene.machine, 10 * SECOND);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id), gpu_cost(20) + disk_cost(40));
    close_scene(&scene);
}

static void test_an_old_session_writes_nothing(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    struct world_machine old = scene.machine;
    world_session(&scene.world, &scene.machine);
    struct hash before = world_dump(&scene.world);
    world_container(&old, scene.id)->bytes_up = 5000000;
    old.seq += 100;
    CHECK_INT(world_beat(&scene.world, &old), TAKE_FENCED);
    CHECK_UNCHANGED(&scene.world, before);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    close_scene(&scene);
}

static void test_an_older_generation_carries_on_but_begins_nothing(void **state)
{
    struct scene scene;
    auto_arena struct arena arena = arena_of(WORLD_ARENA);
    enum change_outcome outcome;
    struct error err;

    open_scene(&scene, state);
    world_run(&scene.world, &scene.machine, 10 * SECOND);
    struct heartbeat late = world_obey(&scene.world, &scene.machine, &arena);
    CHECK_OK(flow_stop(&scene.world.flow, &scene.ada, scene.id, &outcome, &err), &err);
    CHECK_OK(flow_start(&scene.world.flow, &scene.ada, scene.id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_DONE);
    world_pass(&scene.world, 5 * SECOND);
    CHECK_INT(world_send(&scene.world, &scene.machine, &late), TAKE_DONE);
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM run_interval WHERE end_us IS NULL"),
              0);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id), gpu_cost(10) + disk_cost(15));
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    world_run(&scene.world, &scene.machine, 10 * SECOND);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id), gpu_cost(20) + disk_cost(25));
    close_scene(&scene);
}

static void test_a_container_that_ends_is_stopped_and_its_gpu_is_free(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    world_run(&scene.world, &scene.machine, 10 * SECOND);
    CHECK_INT(world_offer(&scene.world, scene.machine.id, 2), 0);
    world_container(&scene.machine, scene.id)->has_exited = true;
    world_pass(&scene.world, 5 * SECOND);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);

    struct contract_row contract = world_contract(&scene.world, scene.id);
    CHECK_INT(contract.state, RENTAL_STOPPED);
    CHECK_INT(contract.reason, REASON_EXITED);
    CHECK_TEXT(contract.reason_detail, "3");
    CHECK(world_offer(&scene.world, scene.machine.id, 2) != 0);
    /* It ran until the last heartbeat that showed it. */
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id), gpu_cost(10) + disk_cost(15));
    CHECK_TEXT(world_instance(&scene.world, scene.ada, scene.id).status.actual_status, "exited");
    close_scene(&scene);
}

static void test_a_container_that_cannot_start_says_why(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    struct rental_reply rented = world_rent(&world, ada, world_offer(&world, machine.id, 1));
    world_container(&machine, rented.instance_id)->has_failed = true;
    world_pass(&world, 5 * SECOND);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    struct contract_row contract = world_contract(&world, rented.instance_id);
    CHECK_INT(contract.state, RENTAL_STOPPED);
    CHECK_INT(contract.reason, REASON_START_FAILED);
    CHECK_TEXT(contract.reason_detail, "no such image");
    CHECK_INT(world_charged(&world, ada, rented.instance_id), disk_cost(5));
    world_check(&world);
    world_close(&world);
}

static void test_traffic_is_charged_by_the_byte_and_direction(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    world_container(&scene.machine, scene.id)->bytes_up = 1000000;
    world_container(&scene.machine, scene.id)->bytes_down = 1000000;
    world_pass(&scene.world, 5 * SECOND);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    /* $20 and $10 a TB of 2^40 bytes. */
    int64_t traffic = INT64_C(1000000) * INT64_C(20000000000) / (INT64_C(1) << 40) +
                      INT64_C(1000000) * INT64_C(10000000000) / (INT64_C(1) << 40);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id),
              gpu_cost(5) + disk_cost(5) + traffic);

    /* A counter that went back, and one faster than the link, are not charged. */
    world_container(&scene.machine, scene.id)->bytes_up = 999999;
    world_pass(&scene.world, 5 * SECOND);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id),
              gpu_cost(10) + disk_cost(10) + traffic);
    world_container(&scene.machine, scene.id)->bytes_up = INT64_C(1) << 50;
    world_pass(&scene.world, 5 * SECOND);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK(world_charged(&scene.world, scene.ada, scene.id) < INT64_C(200000000));
    close_scene(&scene);
}

static void test_disk_stops_counting_when_a_host_is_away_for_three_days(void **state)
{
    struct scene scene;
    const int64_t day = 24 * 3600;
    struct error err;
    size_t count;

    open_scene(&scene, state);
    world_run(&scene.world, &scene.machine, 10 * SECOND);
    world_pass(&scene.world, 60 * SECOND);
    CHECK_OK(flow_contact_lost(&scene.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    world_silence(&scene.world, 5 * day * SECOND);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id),
              gpu_cost(10) + disk_cost(10 + 3 * day));
    world_pass(&scene.world, 0);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id),
              gpu_cost(10) + disk_cost(10 + 3 * day));
    world_run(&scene.world, &scene.machine, 100 * SECOND);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id),
              gpu_cost(110) + disk_cost(110 + 3 * day));
    close_scene(&scene);
}

/* What was agreed at the rental holds, whatever the operator has decided since. */
static void test_disk_is_free_out_of_contact_where_that_was_agreed(void **state)
{
    struct scene scene;
    struct error err;
    size_t count;

    open_scene(&scene, state);
    CHECK_INT(world_contract(&scene.world, scene.id).disk_offline_us, USAGE_DISK_OFFLINE_US);
    support_script(scene.world.support, "UPDATE contract SET disk_offline_us = 0;");
    world_run(&scene.world, &scene.machine, 10 * SECOND);
    world_pass(&scene.world, 60 * SECOND);
    CHECK_OK(flow_contact_lost(&scene.world.flow, &count, &err), &err);
    world_silence(&scene.world, 36000 * SECOND);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id), gpu_cost(10) + disk_cost(10));
    world_pass(&scene.world, 0);
    CHECK_INT(world_beat(&scene.world, &scene.machine), TAKE_DONE);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id), gpu_cost(10) + disk_cost(10));
    world_run(&scene.world, &scene.machine, 100 * SECOND);
    CHECK_INT(world_charged(&scene.world, scene.ada, scene.id), gpu_cost(110) + disk_cost(110));
    close_scene(&scene);
}

static void test_a_machine_whose_engine_is_down_has_no_offers_to_rent(void **state)
{
    struct scene scene;
    auto_arena struct arena arena = arena_of(WORLD_ARENA);

    open_scene(&scene, state);
    int64_t offer_id = world_offer(&scene.world, scene.machine.id, 1);
    struct heartbeat heartbeat = world_obey(&scene.world, &scene.machine, &arena);
    heartbeat.is_engine_ok = false;
    heartbeat.engine_message = "no answer from /run/docker.sock";
    CHECK_INT(world_send(&scene.world, &scene.machine, &heartbeat), TAKE_DONE);
    struct rental_reply reply = world_rent(&scene.world, scene.ada, offer_id);
    CHECK_INT(reply.outcome, RENTAL_REFUSED);
    CHECK_INT(reply.refusal, RENT_MACHINE_OFFLINE);
    close_scene(&scene);
}

/* A machine that nobody rents: its heartbeat writes its session, and nothing else; and is as strict
 * about numbers and epochs. */
static void test_a_quiet_machines_heartbeat_is_one_row(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 2);
    int64_t revision = world_number(&world, "SELECT desired_rev FROM machine");
    world_pass(&world, 5 * SECOND);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(world_number(&world, "SELECT last_heartbeat_us FROM agent_session"),
              clock_now(&world.clock).microseconds);
    CHECK_INT(world_number(&world, "SELECT desired_rev FROM machine"), revision);

    struct hash before = world_dump(&world);
    machine.seq--;
    CHECK_INT(world_beat(&world, &machine), TAKE_REPLAY);
    machine.epoch--;
    CHECK_INT(world_beat(&world, &machine), TAKE_FENCED);
    machine.epoch++;
    CHECK_UNCHANGED(&world, before);

    /* It was away, and one heartbeat brings it back. */
    size_t count;
    struct error err;
    world_pass(&world, 40 * SECOND);
    CHECK_OK(flow_contact_lost(&world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(world_number(&world, "SELECT is_online FROM machine"), 0);
    machine.seq += 10;
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(world_number(&world, "SELECT is_online FROM machine"), 1);
    world_check(&world);
    world_close(&world);
}

struct told {
    atomic_int count;
    struct heartbeat_outcome_reply reply;
};

static void hear(void *context, const struct heartbeat_outcome_reply *reply,
                 const struct error *err)
{
    struct told *told = context;

    (void)err;
    told->reply = *reply;
    atomic_fetch_add(&told->count, 1);
}

static void test_one_that_nobody_waits_for_is_taken_all_the_same(void **state)
{
    struct scene scene;
    struct told told = { 0 };
    const struct heartbeat_listener listener = { hear, &told };

    open_scene(&scene, state);
    world_pass(&scene.world, 5 * SECOND);
    struct heartbeat heartbeat = world_obey(&scene.world, &scene.machine, &scene.world.arena);
    struct heartbeat_request request = { .machine_id = scene.machine.id,
                                         .heartbeat = &heartbeat,
                                         .is_regular = true };
    CHECK(flow_heartbeat_later(&scene.world.flow, &request, &scene.world.arena, &listener));
    for (int i = 0; atomic_load(&told.count) == 0 && i < 5000; i++)
        (void)usleep(1000);
    CHECK_INT(atomic_load(&told.count), 1);
    CHECK_INT(told.reply.outcome, TAKE_DONE);
    CHECK_INT(told.reply.reply.desired_rev,
              world_number(&scene.world, "SELECT desired_rev FROM machine"));
    CHECK_INT(world_number(&scene.world, "SELECT last_heartbeat_us FROM agent_session"),
              clock_now(&scene.world.clock).microseconds);
    close_scene(&scene);
}

/* Of three that come at once, of a machine that nobody rents, each is answered as if it had come
 * alone. */
static void test_quiet_ones_that_nobody_waits_for_are_as_strict(void **state)
{
    struct world world;
    struct world_machine machine;
    struct told told[3] = { 0 };
    struct heartbeat heartbeats[3];
    struct heartbeat_request requests[3];

    world_open(&world, *state);
    world_host(&world, &machine, "a", 2);
    world_pass(&world, 5 * SECOND);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    world_pass(&world, 5 * SECOND);
    struct heartbeat first = world_obey(&world, &machine, &world.arena);
    heartbeats[0] = heartbeats[1] = heartbeats[2] = first;
    heartbeats[1].seq = first.seq - 1;
    heartbeats[2].session_epoch--;
    struct gpu_gauge gauge = gpu_gauge_unknown("GPU-a-0"); /* it says a little more */
    heartbeats[0].has_gauges = true;
    heartbeats[0].gauges = &gauge;
    heartbeats[0].gauge_count = 1;
    for (int i = 0; i < 3; i++) {
        const struct heartbeat_listener listener = { hear, &told[i] };
        requests[i] = (struct heartbeat_request){ .machine_id = machine.id,
                                                  .heartbeat = &heartbeats[i],
                                                  .is_regular = true };
        CHECK(flow_heartbeat_later(&world.flow, &requests[i], &world.arena, &listener));
    }
    static const enum take_outcome want[3] = { TAKE_DONE, TAKE_REPLAY, TAKE_FENCED };
    for (int i = 0; i < 3; i++) {
        check_row("%d", i);
        for (int tries = 0; atomic_load(&told[i].count) == 0 && tries < 5000; tries++)
            (void)usleep(1000);
        CHECK_INT(atomic_load(&told[i].count), 1);
        CHECK_INT(told[i].reply.outcome, want[i]);
    }
    CHECK_INT(told[0].reply.reply.desired_rev,
              world_number(&world, "SELECT desired_rev FROM machine"));
    CHECK_INT(world_number(&world, "SELECT last_heartbeat_us FROM agent_session"),
              clock_now(&world.clock).microseconds);
    CHECK_INT(world_number(&world, "SELECT heartbeat_seq FROM agent_session"), first.seq);
    CHECK_INT(world_number(&world, "SELECT told_us FROM machine_gauge"),
              clock_now(&world.clock).microseconds);
    world_check(&world);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_is_charged_from_the_first_report_of_running),
        cmocka_unit_test(test_a_repeated_heartbeat_changes_nothing),
        cmocka_unit_test(test_a_steady_heartbeat_writes_no_more_than_its_session),
        cmocka_unit_test(test_a_quiet_machines_heartbeat_is_one_row),
        cmocka_unit_test(test_one_that_nobody_waits_for_is_taken_all_the_same),
        cmocka_unit_test(test_quiet_ones_that_nobody_waits_for_are_as_strict),
        cmocka_unit_test(test_a_lost_heartbeat_loses_nothing),
        cmocka_unit_test(test_a_longer_gap_is_the_hosts_outage_and_free),
        cmocka_unit_test(test_our_own_outage_is_charged_once_by_what_the_host_attests),
        cmocka_unit_test(test_what_the_host_does_not_attest_is_not_charged),
        cmocka_unit_test(test_a_host_that_restarted_is_charged_from_its_new_run),
        cmocka_unit_test(test_an_old_session_writes_nothing),
        cmocka_unit_test(test_an_older_generation_carries_on_but_begins_nothing),
        cmocka_unit_test(test_a_container_that_ends_is_stopped_and_its_gpu_is_free),
        cmocka_unit_test(test_a_container_that_cannot_start_says_why),
        cmocka_unit_test(test_traffic_is_charged_by_the_byte_and_direction),
        cmocka_unit_test(test_disk_stops_counting_when_a_host_is_away_for_three_days),
        cmocka_unit_test(test_disk_is_free_out_of_contact_where_that_was_agreed),
        cmocka_unit_test(test_a_machine_whose_engine_is_down_has_no_offers_to_rent),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
