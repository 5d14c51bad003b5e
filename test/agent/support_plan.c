/* SPDX-License-Identifier: Apache-2.0 */
#include "support_plan.h"

#include <stddef.h>

#define HOUR_US (INT64_C(3600) * 1000000)

struct scene *scene_wanted(void)
{
    static struct scene scene;

    scene = (struct scene){
        .facts = { .now_us = 100 * HOUR_US,
                   .last_contact_us = 100 * HOUR_US,
                   .alone_max_us = PLAN_ALONE_MAX_US,
                   .boot_id = "boot",
                   .has_desired = true,
                   .is_engine_ok = true },
        .desired = { .id = 1, .gen = 3, .state = DESIRED_RUNNING },
        .instance = { .id = 1,
                      .spec = "spec",
                      .gpus = "",
                      .stop_due_us = -1,
                      .lifetime_due_us = -1,
                      .notice_due_us = -1,
                      .revival_us = -1 },
    };
    scene.instance.desired = &scene.desired;
    return &scene;
}

void scene_record(struct scene *scene)
{
    scene->record = (struct record){ .id = 1, .slot = 1, .start_gen = 3, .boot_id = "boot" };
    scene->instance.record = &scene->record;
    scene->instance.is_prepared = true;
}

void scene_container(struct scene *scene, enum seen_state state)
{
    scene->seen = (struct seen){ .machine_id = 7,
                                 .instance_id = 1,
                                 .gen = 3,
                                 .id = "c1",
                                 .name = "berth-1",
                                 .spec = "spec",
                                 .state = state,
                                 .started_at = "t1",
                                 .exit_code = -1 };
    if (state == SEEN_EXITED)
        scene->seen.exit_code = 0;
    if (state == SEEN_CREATED)
        *scene->seen.started_at = '\0';
    scene->instance.seen = &scene->seen;
}

struct scene *scene_running(void)
{
    struct scene *scene = scene_wanted();

    scene_record(scene);
    scene_container(scene, SEEN_RUNNING);
    return scene;
}

struct scene *scene_exited(void)
{
    struct scene *scene = scene_wanted();

    scene_record(scene);
    scene_container(scene, SEEN_EXITED);
    return scene;
}

void scene_next(struct scene *scene, enum seen_state state)
{
    scene->next = (struct seen){ .machine_id = 7,
                                 .instance_id = 1,
                                 .id = "c2",
                                 .name = "berth-1-next",
                                 .spec = "spec",
                                 .state = state };
    scene->instance.next = &scene->next;
}

struct plan_verdict scene_judge(struct scene *scene)
{
    struct plan_verdict verdict;

    plan_make(&scene->facts, &scene->instance, 1, &verdict);
    return verdict;
}
