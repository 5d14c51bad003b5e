/* SPDX-License-Identifier: Apache-2.0 */
/* The plan for an instance that is stopped while somebody copies its files. */
#include <stdio.h>

#include "agent/plan.h"
#include "check.h"
#include "support_plan.h"

static void expect(struct scene *scene, enum plan_step step, enum instance_phase phase, int64_t gen)
{
    struct plan_verdict verdict = scene_judge(scene);

    CHECK_TEXT(plan_step_name(verdict.step), plan_step_name(step));
    CHECK_TEXT(instance_phase_name(verdict.phase), instance_phase_name(phase));
    CHECK_INT(verdict.gen, gen);
}

static void test_a_stopped_one_is_opened_for_copies(void **state)
{
    struct scene *scene = scene_exited();

    (void)state;
    scene->desired.state = DESIRED_STOPPED;
    scene->desired.gen = 4;
    scene->record.is_stopped_by_us = true;
    expect(scene, PLAN_NOTHING, PHASE_STOPPED, 4);
    scene->instance.wants_copies = true;
    expect(scene, PLAN_OPEN, PHASE_STOPPED, 4);
    scene->instance.under_way = PLAN_OPEN;
    expect(scene, PLAN_NOTHING, PHASE_STOPPED, 4);
    scene->instance.under_way = PLAN_NOTHING;

    /* To the server it is stopped while they are open, and they close when nobody is there. */
    scene_container(scene, SEEN_RUNNING);
    (void)snprintf(scene->seen.spec, sizeof scene->seen.spec, SEEN_SPEC_COPIES);
    *scene->seen.gpus = '\0';
    expect(scene, PLAN_NOTHING, PHASE_STOPPED, 4);
    scene->instance.wants_copies = false;
    expect(scene, PLAN_STOP, PHASE_STOPPED, 4);
    scene->instance.wants_copies = true;

    /* What is to run comes first: it takes its files back. */
    scene->desired.state = DESIRED_RUNNING;
    scene->desired.gen = 5;
    expect(scene, PLAN_STOP, PHASE_CREATING, 5);
    scene->seen.state = SEEN_EXITED;
    expect(scene, PLAN_REBIND, PHASE_CREATING, 5);
    scene->desired.spec.remake = 1;
    expect(scene, PLAN_CLEAR, PHASE_CREATING, 5);
    scene->seen.state = SEEN_RUNNING;
    expect(scene, PLAN_STOP, PHASE_CREATING, 5);
}

static void test_copies_that_do_not_open_keep_nothing_from_running(void **state)
{
    struct scene *scene = scene_exited();

    (void)state;
    scene->instance.failure =
        (struct plan_failure){ .count = PLAN_TRIES_BEFORE_FAILED, .step = PLAN_OPEN, .gen = 3 };
    scene->desired.gen = 4;
    expect(scene, PLAN_START, PHASE_CREATING, 4);
}

static void test_nothing_is_opened_that_is_not_there_or_not_ours(void **state)
{
    struct scene *scene = scene_wanted();

    (void)state;
    scene->desired.state = DESIRED_STOPPED;
    scene->instance.wants_copies = true;
    expect(scene, PLAN_NOTHING, PHASE_STOPPED, 3);
    scene_record(scene);
    scene_container(scene, SEEN_BUSY);
    expect(scene, PLAN_NOTHING, PHASE_STOPPED, 3);
    scene_container(scene, SEEN_EXITED);
    expect(scene, PLAN_OPEN, PHASE_STOPPED, 3);
    scene->desired.state = DESIRED_ABSENT;
    expect(scene, PLAN_NOTHING, PHASE_STOPPED, 2);
    scene->desired.state = DESIRED_STOPPED;
    scene->instance.is_foreign = true;
    CHECK(scene_judge(scene).step != PLAN_OPEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stopped_one_is_opened_for_copies),
        cmocka_unit_test(test_copies_that_do_not_open_keep_nothing_from_running),
        cmocka_unit_test(test_nothing_is_opened_that_is_not_there_or_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
