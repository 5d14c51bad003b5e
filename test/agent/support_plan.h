/* SPDX-License-Identifier: Apache-2.0 */
/* One instance in all states, for tests of the plan. */

#ifndef BERTH_TEST_AGENT_SUPPORT_PLAN_H
#define BERTH_TEST_AGENT_SUPPORT_PLAN_H

#include "agent/plan.h"

/* One instance and all that is known of it, to be changed by a case. */
struct scene {
    struct plan_facts facts;
    struct desired_instance desired;
    struct record record;
    struct seen seen, next;
    struct plan_instance instance;
};

/* Desired to run under generation 3, and nothing of it there yet. The same one each time. */
struct scene *scene_wanted(void);

/* The same, and it runs; or has ended. */
struct scene *scene_running(void);
struct scene *scene_exited(void);

/* Make or replace its parts. */
void scene_record(struct scene *scene);
void scene_container(struct scene *scene, enum seen_state state);
void scene_next(struct scene *scene, enum seen_state state);

struct plan_verdict scene_judge(struct scene *scene);

#endif
