/* SPDX-License-Identifier: Apache-2.0 */
/* A host sets what runs on the GPUs of a machine that nobody rents, or takes it back.
 *
 * The job is a row, and for each GPU that it may have a contract of the host's own that waits where
 * all who wait do (store/idle_job.h): who gets which GPU, and when, is the decision's
 * (flow/decide.h). So a job that may have a part of the machine never has more, and makes way only
 * when nothing else is free. Its price is the floor of bids for any of the machine's GPUs. It costs
 * nobody anything. Setting it anew replaces it. */

#ifndef BERTH_FLOW_IDLE_JOB_H
#define BERTH_FLOW_IDLE_JOB_H

#include "base/arena.h"
#include "base/money.h"
#include "flow/caller.h"
#include "flow/flow.h"
#include "proto/desired.h"
#include "store/idle_job.h"

enum idle_job_outcome {
    IDLE_JOB_SET,
    IDLE_JOB_REMOVED,
    IDLE_JOB_NO_MACHINE,
    IDLE_JOB_NOT_LISTED, /* never yet: it has no prices */
    IDLE_JOB_BAD_PRICE,  /* less than a tick, or not below what the machine costs on demand */
    IDLE_JOB_BAD_GPUS,   /* more than the machine has */
    IDLE_JOB_BAD_SPEC,
};

struct idle_job_request {
    int64_t machine_id;
    struct money gpu_hour; /* for a GPU */
    struct money up_tb, down_tb;
    int64_t gpus;                     /* on so many at most; 0: on all */
    const struct instance_spec *spec; /* image and args */
};

struct idle_job_reply {
    enum idle_job_outcome outcome;
    bool is_dummy;     /* only a floor: nothing is run */
    int64_t gpu_count; /* that the machine has; IDLE_JOB_BAD_GPUS */
    char why[256];     /* IDLE_JOB_BAD_SPEC */
};

NODISCARD bool flow_idle_job_set(const struct flow *flow, const struct caller *caller,
                                 const struct idle_job_request *request, struct idle_job_reply *ret,
                                 struct error *err);

/* Where there is none, that is a success too. */
NODISCARD bool flow_idle_job_remove(const struct flow *flow, const struct caller *caller,
                                    int64_t machine_id, struct idle_job_reply *ret,
                                    struct error *err);

/* `*ret_has` is false where the machine is not the caller's. Without a job its image is NULL. */
NODISCARD bool flow_idle_job_show(const struct flow *flow, const struct caller *caller,
                                  int64_t machine_id, struct arena *arena, struct idle_job_row *ret,
                                  bool *ret_has, struct error *err);

#endif
