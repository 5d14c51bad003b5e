/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker does for the clone of a volume: it makes the new one as the engine has volumes, and
 * copies all that is in the other into it (agent/clone_tree.h). A source that nothing has mounted
 * yet is not there, and its clone is as empty. */

#ifndef BERTH_AGENT_CLONE_WORK_H
#define BERTH_AGENT_CLONE_WORK_H

#include "agent/container.h"
#include "agent/docker.h"
#include "base/buf.h"
#include "proto/desired.h"

struct clone_work {
    const struct container_host *host;
    const struct desired_op *op;
};

/* `out`: what was copied, in words. */
NODISCARD bool clone_work_run(const struct clone_work *work, struct docker *docker, struct buf *out,
                              struct error *err);

#endif
