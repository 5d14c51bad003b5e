/* SPDX-License-Identifier: Apache-2.0 */
/* One-shot operations: logs, a command, a copy, a snapshot, a clone (control.md 4.3, rule 4). Each
 * at most once.
 *
 * That one was begun is durable before it begins, its result before it is sent. One that was begun
 * and has no result after a crash is reported as unknown and never tried again: that is the best
 * that can honestly be said of a command that nobody may run twice. */

#ifndef BERTH_AGENT_OPS_H
#define BERTH_AGENT_OPS_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/container.h"
#include "agent/copy_work.h"
#include "agent/link.h"
#include "agent/loop.h"
#include "proto/desired.h"
#include "proto/heartbeat.h"
#include "sys/log.h"

enum { OPS_RUNNING_MAX = 8, OPS_LONG_MAX = 8, OPS_KNOWN_MAX = 4096 };

struct ops;

/* Who knows the ends of copies between instances. */
struct ops_copies {
    void *context;
    /* Fill in all but `op`. False: it cannot be done, and why. */
    bool (*find)(void *context, const struct desired_op *op, struct copy_work *ret,
                 struct error *err);
    /* How it goes, or how it ended. */
    void (*say)(void *context, int64_t target_id, int64_t source_id, const char *text,
                bool has_ended);
};

struct ops_options {
    int ops_dir;                                /* borrowed */
    const char *instances_path, *engine_socket; /* borrowed */
    const struct container_host *host;          /* borrowed */
    struct log log;
    struct ops_copies copies;
};

struct ops *ops_open(struct loop *loop, const struct ops_options *options);
void ops_close(struct ops **ops);

/* Begin what is new of them, and end copies that are not listed any more. `received_us`: when they
 * came, on the loop's clock. */
void ops_take(struct ops *ops, const struct desired_op *all, int64_t count, int64_t received_us);

/* Send what waits for the server. Called when the line is up; what does not arrive is sent again
 * after a pause. */
void ops_send(struct ops *ops, struct link *link);

/* Whether none is under way: a restart of the agent would make it unknown. */
bool ops_is_idle(const struct ops *ops);

/* The result on its way has arrived, or has not. */
void ops_sent(struct ops *ops, bool has_arrived);

#endif
