/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a plan, carried out: what a worker does to the engine for one instance.
 *
 * Every step can be killed at any point and begun again. It ends in an account of itself
 * (agent/work_result.h): whether it worked, why not, and what containers the instance has now, as
 * the engine shows them. */

#ifndef BERTH_AGENT_WORK_H
#define BERTH_AGENT_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/container.h"
#include "agent/job.h"
#include "agent/plan.h"

struct work {
    enum plan_step step;
    const char *engine_socket;
    const struct container_host *host;
    const char *instances_path; /* of the records */
    int64_t instance_id;
    const struct desired_instance *desired; /* NULL for steps that take down */
    const struct record *record;            /* NULL: none */
    const char *foreign_container;          /* id, of PLAN_STOP: not ours, so not by our names */
    const char *assumed_image;              /* id, of PLAN_CREATE: it was remembered; NULL: asked */
    struct instant notice_deadline;         /* of PLAN_NOTIFY */
    bool is_made_for_copies;                /* the container is there for copies already */
    bool must_pull;   /* although the image is here: it may be somebody else's secret */
    bool should_pull; /* although the image is here: the registry may have a newer one */
};

/* For job_start(); the context is a struct work. */
NODISCARD bool work_run(void *context, const struct job_report *report, struct buf *result,
                        struct error *err);

int64_t work_timeout_ms(enum plan_step step);

#endif
