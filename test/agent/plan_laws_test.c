/* SPDX-License-Identifier: Apache-2.0 */
/* What is true of every plan, whatever the picture. */
#include <stdio.h>
#include <string.h>

#include "agent/plan.h"
#include "check.h"
#include "support_plan.h"

/* A machine with two GPUs and many instances in random states: whatever the picture, no two
 * containers have or get the same one. */
static void test_no_gpu_is_shared(void **state)
{
    enum { COUNT = 5, ROUNDS = 20000 };
    static const char *const gpus[] = { "", "GPU-a,", "GPU-b,", "GPU-a,GPU-b," };
    static struct scene scenes[COUNT];
    struct plan_instance instances[COUNT];
    struct plan_verdict verdicts[COUNT];

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        int holders[2] = { 0 };

        check_row("round %d", round);
        for (int i = 0; i < COUNT; i++) {
            struct scene *scene = &scenes[i];

            *scene = *(check_random(2) ? scene_exited() : scene_wanted());
            scene->instance.desired = &scene->desired;
            scene_record(scene);
            scene->record.is_stopped_by_us = true;
            if (check_random(2))
                scene_container(scene, SEEN_EXITED);
            scene->instance.seen = scene->instance.seen != NULL ? &scene->seen : NULL;
            scene->instance.gpus = gpus[check_random(4)];
            (void)snprintf(scene->seen.gpus, sizeof scene->seen.gpus, "%s", scene->instance.gpus);
            scene->instance.under_way = check_random(4) == 0 ? PLAN_START : PLAN_NOTHING;
            instances[i] = scene->instance;
        }
        plan_make(&scenes[0].facts, instances, COUNT, verdicts);
        for (int i = 0; i < COUNT; i++) {
            bool gets = verdicts[i].step == PLAN_CREATE || verdicts[i].step == PLAN_START ||
                        verdicts[i].step == PLAN_REBIND;

            if (!gets)
                continue;
            holders[0] += strstr(instances[i].gpus, "GPU-a") != NULL;
            holders[1] += strstr(instances[i].gpus, "GPU-b") != NULL;
            for (int k = 0; k < COUNT; k++) {
                if (k != i && instances[k].under_way == PLAN_START)
                    CHECK(!seen_gpus_overlap(instances[k].gpus, instances[i].gpus));
            }
        }
        CHECK(holders[0] <= 1 && holders[1] <= 1);
    }
}

/* Where the picture is what is wanted, nothing is left to do: no plan runs in circles. */
static void test_every_plan_comes_to_rest(void **state)
{
    enum { ROUNDS = 2000, STEPS_MAX = 12 };

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct scene *scene = check_random(3) == 0 ? scene_wanted()
                              : check_random(2)    ? scene_exited()
                                                   : scene_running();
        int steps = 0;

        check_row("round %d", round);
        scene->desired.state = (enum desired_state)check_random(3);
        scene->desired.gen = 3 + (int64_t)check_random(3);
        scene->desired.restart_nonce = (int64_t)check_random(2);
        scene->desired.spec.remake = (int64_t)check_random(2);
        scene->instance.may_destroy = true;
        scene->desired.has_notice = scene->desired.state == DESIRED_STOPPED && check_random(2);
        scene->instance.notice_due_us = scene->facts.now_us + (int64_t)check_random(2);
        scene->instance.gpus = check_random(2) ? "" : "GPU-a,";
        if (scene->instance.record != NULL)
            scene->record.is_stopped_by_us = check_random(2);
        for (enum plan_step step; (step = scene_judge(scene).step) != PLAN_NOTHING; steps++) {
            CHECK(steps < STEPS_MAX);
            if (step == PLAN_PREPARE) {
                scene_record(scene);
                scene->record.remake = scene->desired.spec.remake;
            }
            if (step == PLAN_CLEAR)
                scene->instance.seen = scene->instance.next = NULL;
            if (step == PLAN_CREATE || step == PLAN_START || step == PLAN_RESTART) {
                scene->record.start_gen = scene->desired.gen;
                scene->record.restart_nonce = scene->desired.restart_nonce;
                scene->record.is_stopped_by_us = false;
                scene_container(scene, SEEN_RUNNING);
                (void)snprintf(scene->seen.gpus, 16, "%s", scene->instance.gpus);
            }
            if (step == PLAN_NOTIFY) { /* and the deadline comes */
                scene->record.notice_gen = scene->desired.gen;
                scene->facts.now_us++;
            }
            if (step == PLAN_STOP || step == PLAN_KILL) {
                scene->record.is_stopped_by_us = true;
                scene->seen.state = SEEN_EXITED;
            }
            if (step == PLAN_REBIND) {
                scene_container(scene, SEEN_CREATED);
                (void)snprintf(scene->seen.gpus, 16, "%s", scene->instance.gpus);
            }
            if (step == PLAN_DESTROY) {
                scene->instance.seen = scene->instance.next = NULL;
                scene->instance.record = NULL;
            }
        }
        enum instance_phase phase = scene_judge(scene).phase;
        CHECK_INT(scene_judge(scene).gen, scene->desired.gen);
        if (scene->desired.state == DESIRED_RUNNING)
            CHECK(phase == PHASE_RUNNING || phase == PHASE_EXITED);
        if (scene->desired.state == DESIRED_STOPPED)
            CHECK(phase == PHASE_STOPPED);
        if (scene->desired.state == DESIRED_ABSENT)
            CHECK(phase == PHASE_ABSENT);
    }
}

static void test_what_is_to_be_made_again_loses_its_files_first(void **state)
{
    struct scene *scene = scene_running();

    (void)state;
    scene->desired.gen = 4;
    scene->desired.spec.remake = 2;
    scene->record.remake = 1;
    scene->instance.spec = "another";
    CHECK_TEXT(plan_step_name(scene_judge(scene).step), "stop");
    scene_container(scene, SEEN_EXITED);
    CHECK_TEXT(plan_step_name(scene_judge(scene).step), "clear");
    scene->instance.seen = NULL;
    CHECK_TEXT(plan_step_name(scene_judge(scene).step), "prepare");
    scene->record.remake = 2;
    CHECK_TEXT(plan_step_name(scene_judge(scene).step), "create");
    /* It waits for its next start where it does not run. */
    scene_container(scene, SEEN_EXITED);
    scene->record.remake = 1;
    scene->desired.state = DESIRED_STOPPED;
    CHECK_TEXT(plan_step_name(scene_judge(scene).step), "nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_gpu_is_shared),
        cmocka_unit_test(test_every_plan_comes_to_rest),
        cmocka_unit_test(test_what_is_to_be_made_again_loses_its_files_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
