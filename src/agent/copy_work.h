/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker does for a copy to one of this host's instances: it connects to both ends, starts
 * who carries (agent/copy_carry.h), and hands on what that says. */

#ifndef BERTH_AGENT_COPY_WORK_H
#define BERTH_AGENT_COPY_WORK_H

#include <netinet/in.h>
#include <sys/types.h>

#include "agent/job.h"
#include "proto/desired.h"

struct copy_work {
    const struct desired_op *op;
    const char *jail;    /* an empty folder */
    const char *address; /* at which this host's own SSH ports are */
    int64_t source_port; /* of an instance of this host; 0: it is another's */
    int64_t target_port;
    const char *private_clouds; /* of cloud stores: see agent/cloud_ways.h; or NULL */
};

/* For job_start(). Says progress as texts for people; the result is {"output": how it ended}. */
NODISCARD bool copy_work_run(void *context, const struct job_report *report, struct buf *result,
                             struct error *err);

#endif
