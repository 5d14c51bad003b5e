/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/plan.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "support_plan.h"

static void expect(struct scene *scene, enum plan_step step, enum instance_phase phase, int64_t gen)
{
    struct plan_verdict verdict = scene_judge(scene);

    CHECK_TEXT(plan_step_name(verdict.step), plan_step_name(step));
    CHECK_TEXT(instance_phase_name(verdict.phase), instance_phase_name(phase));
    CHECK_INT(verdict.gen, gen);
}

static void test_from_nothing_to_running(void **state)
{
    struct scene *scene = scene_wanted();

    (void)state;
    expect(scene, PLAN_PREPARE, PHASE_CREATING, 3);
    scene->instance.under_way = PLAN_PREPARE;
    expect(scene, PLAN_NOTHING, PHASE_CREATING, 3);
    scene->instance.under_way = PLAN_NOTHING;
    scene_record(scene);
    scene->record.start_gen = 0;
    expect(scene, PLAN_CREATE, PHASE_CREATING, 3);
    scene->instance.is_prepared = false; /* a new agent looks whether the image is here */
    expect(scene, PLAN_PREPARE, PHASE_CREATING, 3);
    scene_container(scene, SEEN_CREATED);
    expect(scene, PLAN_START, PHASE_CREATING, 3);
    scene_container(scene, SEEN_RUNNING);
    expect(scene, PLAN_NOTHING, PHASE_RUNNING, 3);
}

static void test_a_stop_is_done_once(void **state)
{
    struct scene *scene = scene_running();

    (void)state;
    scene->desired.state = DESIRED_STOPPED;
    scene->desired.gen = 4;
    expect(scene, PLAN_STOP, PHASE_RUNNING, 3); /* still the old generation's */
    scene->instance.under_way = PLAN_STOP;
    expect(scene, PLAN_NOTHING, PHASE_RUNNING, 3);
    scene->instance.under_way = PLAN_NOTHING;
    scene_container(scene, SEEN_EXITED);
    expect(scene, PLAN_NOTHING, PHASE_STOPPED, 4);
}

/* Told once, left alone until the deadline, then killed; and done as soon as it has ended. */
static void test_who_has_notice_runs_on_until_its_deadline(void **state)
{
    struct scene *scene = scene_running();

    (void)state;
    scene->desired.state = DESIRED_STOPPED;
    scene->desired.gen = 4;
    scene->desired.has_notice = true;
    scene->instance.notice_due_us = scene->facts.now_us + 10000000;
    expect(scene, PLAN_NOTIFY, PHASE_RUNNING, 3);
    scene->record.notice_gen = 4;
    expect(scene, PLAN_NOTHING, PHASE_RUNNING, 3);
    CHECK_INT(plan_next_us(&scene->facts, &scene->instance, 1), scene->instance.notice_due_us);
    scene->facts.now_us = scene->instance.notice_due_us - 1;
    expect(scene, PLAN_NOTHING, PHASE_RUNNING, 3);
    scene->facts.now_us++;
    expect(scene, PLAN_KILL, PHASE_RUNNING, 3);
    scene->instance.under_way = PLAN_KILL;
    expect(scene, PLAN_NOTHING, PHASE_RUNNING, 3);
    scene->instance.under_way = PLAN_NOTHING;
    scene_container(scene, SEEN_EXITED);
    scene->record.is_stopped_by_us = true;
    expect(scene, PLAN_NOTHING, PHASE_STOPPED, 4);
    /* It wins again: it starts, though it ended by itself while it had notice. */
    scene->desired.state = DESIRED_RUNNING;
    scene->desired.gen = 5;
    scene->desired.has_notice = false;
    expect(scene, PLAN_START, PHASE_CREATING, 5);
}

static void test_a_notice_of_no_time_kills_at_once(void **state)
{
    struct scene *scene = scene_running();

    (void)state;
    scene->desired.state = DESIRED_STOPPED;
    scene->desired.gen = 4;
    scene->desired.has_notice = true;
    scene->instance.notice_due_us = scene->facts.now_us;
    expect(scene, PLAN_KILL, PHASE_RUNNING, 3);
    /* Being told under an earlier notice is not being told of this one. */
    scene->instance.notice_due_us += 1000000;
    scene->record.notice_gen = 3;
    expect(scene, PLAN_NOTIFY, PHASE_RUNNING, 3);
    /* What its renter stops meanwhile stops as ever. */
    scene->desired.has_notice = false;
    scene->desired.gen = 5;
    expect(scene, PLAN_STOP, PHASE_RUNNING, 3);
}

static void test_its_winner_waits_for_the_gpu(void **state)
{
    static struct scene loser;
    struct plan_instance instances[2];
    struct plan_verdict verdicts[2];

    (void)state;
    loser = *scene_running();
    loser.instance.desired = &loser.desired;
    loser.instance.seen = &loser.seen;
    loser.instance.record = &loser.record;
    loser.desired.state = DESIRED_STOPPED;
    loser.desired.gen = 4;
    loser.desired.has_notice = true;
    loser.record.notice_gen = 4;
    loser.instance.notice_due_us = loser.facts.now_us + 1;
    (void)snprintf(loser.seen.gpus, sizeof loser.seen.gpus, "GPU-a,");
    loser.instance.gpus = "GPU-a,";
    struct scene *winner = scene_wanted();
    scene_record(winner);
    winner->instance.id = 2;
    winner->instance.gpus = "GPU-a,";
    instances[0] = loser.instance;
    instances[1] = winner->instance;
    plan_make(&winner->facts, instances, 2, verdicts);
    CHECK_INT(verdicts[0].step, PLAN_NOTHING);
    CHECK_INT(verdicts[1].step, PLAN_NOTHING);
    loser.seen.state = SEEN_EXITED;
    plan_make(&winner->facts, instances, 2, verdicts);
    CHECK_INT(verdicts[1].step, PLAN_CREATE);
}

static void test_what_was_never_made_is_stopped_without_being_made(void **state)
{
    struct scene *scene = scene_wanted();

    (void)state;
    scene->desired.state = DESIRED_STOPPED;
    expect(scene, PLAN_NOTHING, PHASE_STOPPED, 3);
}

/* However late the news of it come, "running" is never said of a generation that wants it down,
 * and "stopped" never of one that wants it up. */
static void test_no_stale_phase_has_the_current_generation(void **state)
{
    (void)state;
    for (int64_t start_gen = 0; start_gen <= 5; start_gen++) {
        struct scene *scene = scene_running();

        check_row("started under %d", (int)start_gen);
        scene->record.start_gen = start_gen;
        scene->desired.gen = 5;
        scene->desired.state = DESIRED_STOPPED;
        CHECK(scene_judge(scene).phase == PHASE_RUNNING && scene_judge(scene).gen < 5);

        scene->desired.state = DESIRED_ABSENT;
        scene->instance.may_destroy = true;
        CHECK(scene_judge(scene).phase == PHASE_RUNNING && scene_judge(scene).gen < 5);

        scene = scene_exited();
        scene->record.start_gen = start_gen;
        scene->desired.gen = 5;
        CHECK(scene_judge(scene).phase != PHASE_STOPPED &&
              scene_judge(scene).phase != PHASE_RUNNING);
    }
}

static void test_it_starts_again_when_it_is_wanted_again(void **state)
{
    struct scene *scene = scene_exited();

    (void)state;
    scene->record.is_stopped_by_us = true;
    scene->desired.gen = 5;
    expect(scene, PLAN_START, PHASE_CREATING, 5);
    scene->desired.gen = 3; /* a limit of ours had stopped it, and has been lifted */
    expect(scene, PLAN_START, PHASE_CREATING, 3);
}

static void test_what_ended_by_itself_stays_down(void **state)
{
    struct scene *scene = scene_exited();

    (void)state;
    scene->seen.exit_code = 3;
    expect(scene, PLAN_NOTHING, PHASE_EXITED, 3);
    scene->desired.gen = 4; /* until somebody asks for it */
    expect(scene, PLAN_START, PHASE_CREATING, 4);
    scene->desired.gen = 3;
    scene->desired.restart_nonce = 1;
    expect(scene, PLAN_START, PHASE_CREATING, 3);
}

/* A default job: it waits for its time, and its server does not take it for ended. */
static void test_what_is_kept_running_starts_again(void **state)
{
    struct scene *scene = scene_exited();

    (void)state;
    scene->desired.is_kept_running = true;
    scene->instance.revival_us = scene->facts.now_us + 1000;
    expect(scene, PLAN_NOTHING, PHASE_CREATING, 3);
    CHECK(*scene_judge(scene).message != '\0');
    CHECK_INT(plan_next_us(&scene->facts, &scene->instance, 1), scene->instance.revival_us);
    scene->facts.now_us = scene->instance.revival_us;
    expect(scene, PLAN_START, PHASE_CREATING, 3);
    scene->desired.state = DESIRED_STOPPED; /* a renter has come */
    scene->desired.gen = 4;
    expect(scene, PLAN_NOTHING, PHASE_STOPPED, 4);
}

/* What it cannot do now, it may be able to do later; what can never be, is told. */
static void test_what_is_kept_running_is_tried_on(void **state)
{
    struct scene *scene = scene_wanted();

    (void)state;
    scene->desired.is_kept_running = true;
    scene->instance.failure = (struct plan_failure){
        .count = 50, .step = PLAN_PREPARE, .gen = 3, .retry_us = scene->facts.now_us + 1000
    };
    expect(scene, PLAN_NOTHING, PHASE_CREATING, 3);
    scene->facts.now_us += 1000;
    expect(scene, PLAN_PREPARE, PHASE_CREATING, 3);
    scene->instance.failure.is_final = true;
    expect(scene, PLAN_NOTHING, PHASE_FAILED, 3);
}

static void test_what_ended_with_the_host_or_the_engine_starts_again(void **state)
{
    struct scene *scene = scene_exited();

    (void)state;
    memcpy(scene->record.boot_id, "other", sizeof "other");
    expect(scene, PLAN_START, PHASE_CREATING, 3);
    scene = scene_exited();
    scene->instance.was_cut = true;
    expect(scene, PLAN_START, PHASE_CREATING, 3);
}

/* Written down before the start, and then the agent was killed: it has not run since. */
static void test_a_start_that_did_not_come_about_is_begun_again(void **state)
{
    struct scene *scene = scene_exited();

    (void)state;
    memcpy(scene->record.started_before, "t1", sizeof "t1");
    expect(scene, PLAN_START, PHASE_CREATING, 3);
    memcpy(scene->record.started_before, "t0", sizeof "t0");
    expect(scene, PLAN_NOTHING, PHASE_EXITED, 3);
}

static void test_a_reboot_happens_once(void **state)
{
    struct scene *scene = scene_running();

    (void)state;
    scene->desired.gen = 4;
    scene->desired.restart_nonce = 1;
    expect(scene, PLAN_RESTART, PHASE_RUNNING, 3);
    scene->record.restart_nonce = 1; /* written down before the deed */
    scene->record.start_gen = 4;
    scene->instance.under_way = PLAN_RESTART;
    expect(scene, PLAN_NOTHING, PHASE_CREATING, 4);
    scene->instance.under_way = PLAN_NOTHING;
    expect(scene, PLAN_NOTHING, PHASE_RUNNING, 4);
    scene->desired.gen = 5; /* anything else that changes is no reboot */
    expect(scene, PLAN_NOTHING, PHASE_RUNNING, 5);
}

static void test_only_a_signature_destroys(void **state)
{
    struct scene *scene = scene_running();

    (void)state;
    scene->desired.gen = 4;
    scene->desired.state = DESIRED_ABSENT;
    expect(scene, PLAN_STOP, PHASE_RUNNING, 3);
    scene_container(scene, SEEN_EXITED);
    expect(scene, PLAN_NOTHING, PHASE_STOPPED, 3); /* kept, and not acknowledged */

    scene = scene_running();
    scene->desired.gen = 4;
    scene->desired.state = DESIRED_ABSENT;
    scene->instance.may_destroy = true;
    expect(scene, PLAN_DESTROY, PHASE_RUNNING, 3);
    scene->instance.under_way = PLAN_DESTROY;
    expect(scene, PLAN_NOTHING, PHASE_RUNNING, 3);
    scene->instance.under_way = PLAN_NOTHING;
    scene->instance.seen = NULL;
    expect(scene, PLAN_DESTROY, PHASE_STOPPED, 3); /* its network and record are left */
    scene->instance.record = NULL;
    expect(scene, PLAN_NOTHING, PHASE_ABSENT, 4);
}

static void test_a_destroy_takes_the_successor_along(void **state)
{
    struct scene *scene = scene_wanted();

    (void)state;
    scene_next(scene, SEEN_CREATED);
    scene->desired.state = DESIRED_ABSENT;
    scene->instance.may_destroy = true;
    CHECK_TEXT(plan_step_name(scene_judge(scene).step), "destroy");
    CHECK(scene_judge(scene).phase != PHASE_ABSENT);
}

static void test_who_is_not_desired_is_stopped_and_kept(void **state)
{
    struct scene *scene = scene_running();

    (void)state;
    scene->instance.desired = NULL;
    scene->instance.spec = "";
    expect(scene, PLAN_STOP, PHASE_RUNNING, 3);
    scene_container(scene, SEEN_EXITED);
    expect(scene, PLAN_NOTHING, PHASE_STOPPED, 3);
    scene->instance.seen = NULL; /* nothing of the renter's is left: give its ports back */
    expect(scene, PLAN_FORGET, PHASE_STOPPED, 0);
}

static void test_a_foreign_container_is_moved_out_of_the_way(void **state)
{
    struct scene *scene = scene_running();

    (void)state;
    scene->instance.record = NULL;
    scene->instance.is_foreign = true;
    expect(scene, PLAN_STOP, PHASE_RUNNING, 3);
    scene_container(scene, SEEN_EXITED);
    CHECK_TEXT(plan_step_name(scene_judge(scene).step),
               "stop"); /* it has a name that may be needed */
    memcpy(scene->seen.name, "berth-kept-c1", sizeof "berth-kept-c1");
    CHECK_TEXT(plan_step_name(scene_judge(scene).step), "nothing");
}

static void test_nothing_is_done_blindly(void **state)
{
    struct scene *scene = scene_running();

    (void)state;
    scene->instance.desired = NULL;
    scene->facts.has_desired = false; /* the server has never said a word */
    CHECK_TEXT(plan_step_name(scene_judge(scene).step), "nothing");

    scene = scene_wanted();
    scene->facts.is_engine_ok = false;
    expect(scene, PLAN_NOTHING, PHASE_CREATING, 3);

    scene = scene_wanted(); /* its record is gone: which ports had it, what was done to it? */
    scene_container(scene, SEEN_EXITED);
    expect(scene, PLAN_NOTHING, PHASE_FAILED, 3);

    scene = scene_wanted();
    scene_record(scene);
    scene_container(scene, SEEN_BUSY);
    CHECK_TEXT(plan_step_name(scene_judge(scene).step), "nothing");
}

static void test_limits_hold_without_the_server(void **state)
{
    static const struct {
        int64_t stop_us, lifetime_us, silent_us;
        bool is_up;
        int64_t alone_max_us;
    } rows[] = {
        { -1, -1, 0, true, PLAN_ALONE_MAX_US },
        { 1, -1, 0, true, PLAN_ALONE_MAX_US },
        { 0, -1, 0, false, PLAN_ALONE_MAX_US },
        { -1, 1, 0, true, PLAN_ALONE_MAX_US },
        { -1, 0, 0, false, PLAN_ALONE_MAX_US },
        { -1, -1, PLAN_ALONE_MAX_US - 1, true, PLAN_ALONE_MAX_US },
        { -1, -1, PLAN_ALONE_MAX_US, false, PLAN_ALONE_MAX_US },
        { -1, -1, 59999999, true, 60000000 },
        { -1, -1, 60000000, false, 60000000 },
        { -1, -1, PLAN_ALONE_MAX_US, true, 2 * PLAN_ALONE_MAX_US },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene *scene = scene_running();
        int64_t now_us = scene->facts.now_us;

        check_row("row %zu", i);
        scene->instance.stop_due_us = rows[i].stop_us < 0 ? -1 : now_us + rows[i].stop_us;
        scene->instance.lifetime_due_us =
            rows[i].lifetime_us < 0 ? -1 : now_us + rows[i].lifetime_us;
        scene->facts.last_contact_us = now_us - rows[i].silent_us;
        scene->facts.alone_max_us = rows[i].alone_max_us;
        expect(scene, rows[i].is_up ? PLAN_NOTHING : PLAN_STOP, PHASE_RUNNING, 3);
        scene_container(scene, SEEN_EXITED);
        scene->record.is_stopped_by_us = true;
        expect(scene, rows[i].is_up ? PLAN_START : PLAN_NOTHING,
               rows[i].is_up ? PHASE_CREATING : PHASE_STOPPED, 3);
    }
}

static void test_the_next_deadline_wakes_us(void **state)
{
    struct scene *scene = scene_running();
    int64_t now_us = scene->facts.now_us;

    (void)state;
    CHECK_INT(plan_next_us(&scene->facts, &scene->instance, 1), now_us + PLAN_ALONE_MAX_US);
    scene->instance.lifetime_due_us = now_us + 50;
    CHECK_INT(plan_next_us(&scene->facts, &scene->instance, 1), now_us + 50);
    scene->instance.stop_due_us = now_us + 20;
    CHECK_INT(plan_next_us(&scene->facts, &scene->instance, 1), now_us + 20);
    scene->instance.stop_due_us = now_us; /* past: it has been seen to already */
    CHECK_INT(plan_next_us(&scene->facts, &scene->instance, 1), now_us + 50);
    scene->instance.failure = (struct plan_failure){ .count = 1, .retry_us = now_us + 10 };
    CHECK_INT(plan_next_us(&scene->facts, &scene->instance, 1), now_us + 10);
    CHECK_INT(plan_next_us(&scene->facts, NULL, 0), -1);
}

static void test_a_failure_is_tried_again_later(void **state)
{
    struct scene *scene = scene_wanted();

    (void)state;
    scene->instance.failure = (struct plan_failure){
        .count = 1, .step = PLAN_PREPARE, .gen = 3, .retry_us = scene->facts.now_us + 1
    };
    expect(scene, PLAN_NOTHING, PHASE_CREATING, 3);
    scene->facts.now_us++;
    expect(scene, PLAN_PREPARE, PHASE_CREATING, 3);
    scene->instance.failure.count = PLAN_TRIES_BEFORE_FAILED;
    expect(scene, PLAN_PREPARE, PHASE_FAILED, 3);
}

static void test_a_failure_holds_up_only_its_own_step(void **state)
{
    struct scene *scene = scene_running();

    (void)state;
    scene->instance.failure = (struct plan_failure){
        .count = 9, .step = PLAN_START, .gen = 3, .retry_us = scene->facts.now_us + 1
    };
    scene->desired.state = DESIRED_STOPPED;
    CHECK_TEXT(plan_step_name(scene_judge(scene).step), "stop");
    scene->desired.state = DESIRED_ABSENT;
    scene->instance.may_destroy = true;
    CHECK_TEXT(plan_step_name(scene_judge(scene).step), "destroy");
}

static void test_what_cannot_work_waits_for_another_generation(void **state)
{
    struct scene *scene = scene_wanted();

    (void)state;
    scene->instance.failure =
        (struct plan_failure){ .count = 1, .step = PLAN_PREPARE, .gen = 3, .is_final = true };
    expect(scene, PLAN_NOTHING, PHASE_FAILED, 3);
    scene->desired.gen = 4;
    expect(scene, PLAN_PREPARE, PHASE_CREATING, 4);
}

static void test_a_step_that_is_no_longer_wanted_is_cancelled(void **state)
{
    static const struct {
        enum plan_step under_way;
        bool is_cancelled;
    } rows[] = {
        { PLAN_PREPARE, true }, { PLAN_CREATE, true },   { PLAN_START, true },
        { PLAN_REBIND, true },  { PLAN_STOP, false },    { PLAN_RESTART, false },
        { PLAN_FORGET, false }, { PLAN_DESTROY, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene *scene = scene_wanted();

        check_row("%s", plan_step_name(rows[i].under_way));
        scene->instance.under_way = rows[i].under_way;
        CHECK(scene_judge(scene).step == PLAN_NOTHING);
        scene->desired.state = DESIRED_STOPPED;
        CHECK(scene_judge(scene).step == (rows[i].is_cancelled ? PLAN_CANCEL : PLAN_NOTHING));
        scene->desired.state = DESIRED_ABSENT;
        scene->instance.may_destroy = true;
        CHECK(scene_judge(scene).step == (rows[i].is_cancelled ? PLAN_CANCEL : PLAN_NOTHING));
    }
}

static void test_other_gpus_mean_a_container_made_anew(void **state)
{
    struct scene *scene = scene_running();

    (void)state;
    scene->instance.gpus = "GPU-b,";
    memcpy(scene->seen.gpus, "GPU-a,", sizeof "GPU-a,");
    scene->desired.gen = 4;
    expect(scene, PLAN_STOP, PHASE_RUNNING, 3);
    scene_container(scene, SEEN_EXITED);
    memcpy(scene->seen.gpus, "GPU-a,", sizeof "GPU-a,");
    expect(scene, PLAN_REBIND, PHASE_CREATING, 4);
    scene->instance.gpus = "GPU-a,";
    scene->instance.spec = "another";
    expect(scene, PLAN_REBIND, PHASE_CREATING, 4);
}

/* Killed in the middle of it: the successor is there, and the old one may not be. */
static void test_a_move_is_finished_first(void **state)
{
    struct scene *scene = scene_exited();

    (void)state;
    scene_next(scene, SEEN_CREATED);
    expect(scene, PLAN_REBIND, PHASE_CREATING, 3);
    scene->instance.seen = NULL;
    expect(scene, PLAN_REBIND, PHASE_CREATING, 3);
    scene->desired.state = DESIRED_STOPPED;
    CHECK_TEXT(plan_step_name(scene_judge(scene).step), "nothing");
    scene->next.state = SEEN_RUNNING;
    CHECK_TEXT(plan_step_name(scene_judge(scene).step), "stop");
}

static void test_who_waits_for_a_gpu_says_so(void **state)
{
    struct scene leaving = *scene_running();
    struct scene coming = *scene_exited();
    struct plan_instance instances[2];
    struct plan_verdict verdicts[2];

    (void)state;
    leaving.instance.seen = &leaving.seen;
    leaving.instance.record = &leaving.record;
    leaving.instance.desired = &leaving.desired;
    leaving.desired.state = DESIRED_STOPPED;
    leaving.desired.gen = 4;
    leaving.instance.gpus = "GPU-a,";
    memcpy(leaving.seen.gpus, "GPU-a,", sizeof "GPU-a,");
    coming.instance.seen = &coming.seen;
    coming.instance.record = &coming.record;
    coming.instance.desired = &coming.desired;
    coming.record.is_stopped_by_us = true;
    coming.instance.gpus = "GPU-a,";
    memcpy(coming.seen.gpus, "GPU-a,", sizeof "GPU-a,");
    instances[0] = leaving.instance;
    instances[1] = coming.instance;
    plan_make(&leaving.facts, instances, 2, verdicts);
    CHECK(verdicts[0].step == PLAN_STOP);
    CHECK(verdicts[1].step == PLAN_NOTHING);
    CHECK(strstr(verdicts[1].message, "waiting") != NULL);

    leaving.seen.state = SEEN_EXITED;
    plan_make(&leaving.facts, instances, 2, verdicts);
    CHECK(verdicts[1].step == PLAN_START);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_nothing_to_running),
        cmocka_unit_test(test_a_stop_is_done_once),
        cmocka_unit_test(test_who_has_notice_runs_on_until_its_deadline),
        cmocka_unit_test(test_a_notice_of_no_time_kills_at_once),
        cmocka_unit_test(test_its_winner_waits_for_the_gpu),
        cmocka_unit_test(test_what_was_never_made_is_stopped_without_being_made),
        cmocka_unit_test(test_no_stale_phase_has_the_current_generation),
        cmocka_unit_test(test_it_starts_again_when_it_is_wanted_again),
        cmocka_unit_test(test_what_ended_by_itself_stays_down),
        cmocka_unit_test(test_what_is_kept_running_starts_again),
        cmocka_unit_test(test_what_is_kept_running_is_tried_on),
        cmocka_unit_test(test_what_ended_with_the_host_or_the_engine_starts_again),
        cmocka_unit_test(test_a_start_that_did_not_come_about_is_begun_again),
        cmocka_unit_test(test_a_reboot_happens_once),
        cmocka_unit_test(test_only_a_signature_destroys),
        cmocka_unit_test(test_a_destroy_takes_the_successor_along),
        cmocka_unit_test(test_who_is_not_desired_is_stopped_and_kept),
        cmocka_unit_test(test_a_foreign_container_is_moved_out_of_the_way),
        cmocka_unit_test(test_nothing_is_done_blindly),
        cmocka_unit_test(test_limits_hold_without_the_server),
        cmocka_unit_test(test_the_next_deadline_wakes_us),
        cmocka_unit_test(test_a_failure_is_tried_again_later),
        cmocka_unit_test(test_a_failure_holds_up_only_its_own_step),
        cmocka_unit_test(test_what_cannot_work_waits_for_another_generation),
        cmocka_unit_test(test_a_step_that_is_no_longer_wanted_is_cancelled),
        cmocka_unit_test(test_other_gpus_mean_a_container_made_anew),
        cmocka_unit_test(test_a_move_is_finished_first),
        cmocka_unit_test(test_who_waits_for_a_gpu_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
