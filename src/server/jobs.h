/* SPDX-License-Identifier: Apache-2.0 */
/* What time alone brings about: leases that run out, credit that ends, usage to post.
 *
 * Each job is a row in one table: a flow that asks the database, by an index, for what is due now
 * and deals with a batch of it; a full batch is followed by the next at once. In between the thread
 * sleeps until the earliest instant at which anything falls due (flow/due.h). A change in the
 * market may bring a nearer one, so it is told of each (jobs_hint()), and looks anew, at most ten
 * times a second. So the work is that of what happens, never of how many instances there are or
 * how long nothing happens. Flows say what happens at which instant (credit ends at exactly its
 * instant, whenever its job runs). With several servers each runs all jobs: who comes second finds
 * nothing due. */

#ifndef BERTH_SERVER_JOBS_H
#define BERTH_SERVER_JOBS_H

#include "flow/flow.h"
#include "server/key_uses.h"
#include "server/market_stats.h"
#include "server/metrics.h"
#include "server/recovery_watch.h"

struct jobs;

struct jobs_options {
    const struct flow *flow; /* borrowed, as are the next two */
    struct metrics *metrics;
    const char *server_proc;
    int64_t slow_us;                   /* batches that take longer are logged; 0: none is */
    struct market_stats *market_stats; /* borrowed; NULL: no history of the market is kept */
    struct key_uses *key_uses;         /* likewise; NULL: what keys did is not written down */
    struct recovery_watch *recovery; /* while one is open nothing falls due; NULL: there is none */
};

NODISCARD bool jobs_open(const struct jobs_options *options, struct jobs **ret_jobs,
                         struct error *err);

/* Run everything now: after somebody else may have changed much. */
void jobs_wake(struct jobs *jobs);

/* Something has changed that may fall due sooner than what was known. From any thread. */
void jobs_hint(struct jobs *jobs);

/* Finishes the batch that is under way, and runs nothing more. Hints may still come. */
void jobs_stop(struct jobs *jobs);
void jobs_close(struct jobs **jobs);

#endif
