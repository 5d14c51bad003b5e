/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduled jobs (api.md 3.4): what is done to an instance again and again, in its owner's name. A
 * client names a request, and there are three that it may name: rebooting, a command, a bid. So no
 * stored text ever becomes a request.
 *
 * A run is claimed before it is done: each hour once, whatever fails, and whoever else looks. */

#ifndef BERTH_FLOW_SCHEDULE_H
#define BERTH_FLOW_SCHEDULE_H

#include "base/arena.h"
#include "flow/caller.h"
#include "flow/flow.h"
#include "store/scheduled_job.h"

enum { JOBS_PER_USER_MAX = 64, SCHEDULE_BATCH_MAX = 16, JOB_COMMAND_MAX = 4096 };

enum schedule_outcome {
    SCHEDULE_DONE,
    SCHEDULE_NO_INSTANCE,
    SCHEDULE_NO_JOB,
    SCHEDULE_EXISTS, /* for that instance and deed: reply.id says which */
    SCHEDULE_TOO_MANY,
    SCHEDULE_BAD_TIME, /* no such day or hour, or no run before its end */
    SCHEDULE_BAD_BODY, /* a command without a text */
};

struct schedule_request {
    int64_t id; /* the job to change; 0: a new one */
    int64_t instance_id;
    enum job_deed deed;
    const char *body; /* the command; or the price of a bid in dollars, "" for what runs now */
    const char *frequency;
    struct schedule schedule;
};

struct schedule_reply {
    enum schedule_outcome outcome;
    int64_t id;
};

NODISCARD bool flow_schedule(const struct flow *flow, const struct caller *caller,
                             const struct schedule_request *request, struct schedule_reply *ret,
                             struct error *err);
NODISCARD bool flow_schedule_delete(const struct flow *flow, const struct caller *caller,
                                    int64_t id, enum schedule_outcome *ret, struct error *err);
NODISCARD bool flow_schedule_list(const struct flow *flow, const struct caller *caller,
                                  struct arena *arena, struct job_row **ret, size_t *ret_count,
                                  struct error *err);

/* Run what is due. What cannot be done now is told to the log, and tried at its next hour; a job of
 * an instance that is gone goes with it. */
NODISCARD bool flow_schedule_run(const struct flow *flow, size_t *ret_count, struct error *err);

#endif
