/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine can do, measured: its GPUs by CUDA's driver or OpenCL, one thread of its
 * processor, its disk. It takes half a minute for each GPU, so it runs in a child, and while nobody
 * has an instance here. */

#ifndef BERTH_AGENT_BENCH_H
#define BERTH_AGENT_BENCH_H

#include <stdio.h>

#include "agent/job.h"
#include "market/machine.h"
#include "proto/bench.h"

enum { BENCH_TIMEOUT_MS = 300000 };

struct bench_options {
    const struct machine_facts *facts;
    const char *disk; /* a folder on the disk that is measured */
};

/* What could not be measured is 0, and GPUs that were not found are not there. */
void bench_measure(const struct bench_options *options, struct bench_report *ret);

/* The same as a job; the context is a struct bench_options. */
bool bench_work(void *context, const struct job_report *report, struct buf *result,
                struct error *err);

/* For people. */
void bench_print(FILE *out, const struct bench_report *report);

#endif
