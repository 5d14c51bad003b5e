/* SPDX-License-Identifier: Apache-2.0 */
/* What time alone brings about: leases that run out, credit that ends, usage to post.
 *
 * Each job is a row in one table: a flow that asks the database, by an index, for what is due now
 * and deals with a batch of it. So the work is that of what is due, never of how many instances
 * there are; a look that finds nothing is one short read. A full batch is followed by the next at
 * once. Flows say what happens at which instant (credit ends at exactly its instant, whenever its
 * job runs); the periods here only bound how late it is noticed. With several servers each runs all
 * jobs: who comes second finds nothing due. */

#ifndef BERTH_SERVER_JOBS_H
#define BERTH_SERVER_JOBS_H

#include "flow/flow.h"
#include "server/metrics.h"

struct jobs;

struct jobs_options {
    const struct flow *flow; /* borrowed, as are the next two */
    struct metrics *metrics;
    const char *server_proc;
};

NODISCARD bool jobs_open(const struct jobs_options *options, struct jobs **ret_jobs,
                         struct error *err);

/* Run everything now: after somebody else may have changed much. */
void jobs_wake(struct jobs *jobs);

/* Finishes the batch that is under way. */
void jobs_close(struct jobs **jobs);

#endif
