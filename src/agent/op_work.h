/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker does for an operation: reads logs, runs a command in an instance, makes a snapshot,
 * clones a volume. */

#ifndef BERTH_AGENT_OP_WORK_H
#define BERTH_AGENT_OP_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/container.h"
#include "agent/job.h"
#include "proto/desired.h"

enum { OP_EXEC_MS = 60000, OP_WORK_MS = OP_EXEC_MS + 15000 };

struct op_work {
    const char *engine_socket;
    const struct container_host *host;
    const char *instances_path; /* of the agent's own logs; nobody else reads there */
    const struct desired_op *op;
};

/* For job_start(). The result is {"output": what the operation has to show, "exit_code": of a
 * command that ended}. Failing says why. */
NODISCARD bool op_work_run(void *context, const struct job_report *report, struct buf *result,
                           struct error *err);

/* The payload of the engine's stream of frames, in pieces of any size: 8 bytes of header each,
 * of which the last 4 are the length. */
struct op_frames {
    unsigned char header[8];
    size_t header_length;
    size_t left; /* of the present frame */
};
void op_frames_take(struct op_frames *frames, const char *bytes, size_t length, struct buf *out);

/* The last `count` lines of `text` that contain `filter` (NULL: all), onto `out`. */
void op_lines(const char *text, size_t length, const char *filter, int64_t count, struct buf *out);

/* Valid UTF-8 without NUL, of the same length: bytes that are neither become '?'. */
void op_clean(char *text, size_t length);

#endif
