/* SPDX-License-Identifier: Apache-2.0 */
/* Threads for what may block, and a bounded queue in front of them.
 *
 * The queue's lock and two conditions guard everything here; no job runs under it. */

#ifndef BERTH_SERVER_WORKERS_H
#define BERTH_SERVER_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

struct workers;

typedef void worker_job(void *context, void *subject);

/* `job_max` jobs may wait beyond those that run. */
NODISCARD bool workers_open(unsigned thread_count, unsigned job_max, struct workers **ret_workers,
                            struct error *err);

/* False: the queue is full or closing, and nothing will happen. */
NODISCARD bool workers_submit(struct workers *workers, worker_job *job, void *context,
                              void *subject);

size_t workers_waiting(struct workers *workers);

/* Takes no more jobs, runs those that wait, and joins the threads. */
void workers_close(struct workers **workers);

#endif
