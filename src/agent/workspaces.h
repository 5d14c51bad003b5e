/* SPDX-License-Identifier: Apache-2.0 */
/* When workspaces (agent/workspace.h) are opened and closed: open while an instance is made or
 * runs, closed within seconds of its end, however it came to that, and gone with it. */

#ifndef BERTH_AGENT_WORKSPACES_H
#define BERTH_AGENT_WORKSPACES_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/job.h"
#include "agent/plan.h"
#include "agent/workspace.h"
#include "base/encode.h"
#include "base/error.h"
#include "proto/desired.h"

struct agent;

/* One of them at a time is being closed. */
struct workspaces {
    struct job *job;
    int64_t closing_id; /* whose; no step is begun for it meanwhile */
    int64_t retry_us;
};

/* A container's mount of it. */
void workspaces_encode(struct encoder *json, const char *dir, int64_t instance_id);

/* In a worker, before a step that may start the instance: it is open. ERROR_UNREACHABLE: only the
 * server has the key, and has not told it since the agent started. */
NODISCARD bool workspaces_ready(const char *dir, enum plan_step step,
                                const struct desired_instance *desired, struct error *err);

/* And after one: what an instance that is destroyed had is deleted. */
NODISCARD bool workspaces_done(const char *dir, enum plan_step step, int64_t instance_id,
                               struct error *err);

/* Close those of what does not run: about every second. */
void workspaces_tend(struct agent *agent);
bool workspaces_is_closing(const struct workspaces *workspaces, int64_t instance_id);
void workspaces_close(struct workspaces *workspaces);

#endif
