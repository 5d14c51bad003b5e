/* SPDX-License-Identifier: Apache-2.0 */
/* Slow work in a child of our own, with a deadline, that reports over a pipe.
 *
 * The child is a fork: it sees what its parent knew at that moment, does one thing, and says how
 * it went: lines of progress on the way, one result at the end. It is killed at its deadline, by
 * job_cancel(), and when the agent itself dies, so that nobody ever works behind the back of the
 * next agent. Killing it at any point must be safe: what it does is repeatable. */

#ifndef BERTH_AGENT_JOB_H
#define BERTH_AGENT_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/loop.h"
#include "base/buf.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/json.h"

enum { JOB_LINE_MAX = 8 << 20 };

struct job;

/* The child's side: where its reports go. */
struct job_report {
    int fd;
};

/* Progress, for people: one short text. */
void job_say(const struct job_report *report, const char *format, ...) PRINTF_LIKE(2, 3);

/* Runs in the child. True: `result` holds what it says at the end, one JSON value, or nothing. */
typedef bool job_work(void *context, const struct job_report *report, struct buf *result,
                      struct error *err);

/* How a job ended. `result` is NULL where it failed or had nothing to say. */
struct job_end {
    bool is_done;
    const json_t *result;
    struct error err; /* ERROR_TIMEOUT: killed at its deadline */
};

typedef void job_on_progress(void *context, const char *text);
typedef void job_on_end(void *context, const struct job_end *end);

struct job_spec {
    job_work *work;
    void *work_context; /* only read, by the child */
    int64_t timeout_ms;
    job_on_progress *on_progress; /* or NULL */
    job_on_end *on_end;           /* once, on the loop, unless cancelled */
    void *context;
};

/* Sets the owner's pointer back to NULL before `on_end` is called. */
NODISCARD bool job_start(struct loop *loop, const struct job_spec *spec, struct job **owner,
                         struct error *err);

/* Kill it and forget it: nothing is called any more. */
void job_cancel(struct job **owner);

#endif
