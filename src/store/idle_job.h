/* SPDX-License-Identifier: Apache-2.0 */
/* What a host has run on the GPUs that nobody rents; one job a machine.
 *
 * The job is what the host set. What runs is contracts of kind KIND_IDLE, one for each GPU that it
 * may have (one for a machine without), owned by the host: they wait in RENTAL_SCHEDULING, are
 * granted GPUs last, make way first, have no meters, and are destroyed with the job. */

#ifndef BERTH_STORE_IDLE_JOB_H
#define BERTH_STORE_IDLE_JOB_H

#include "base/arena.h"
#include "base/instant.h"
#include "base/money.h"
#include "store/db.h"

struct idle_job_row {
    int64_t machine_id;
    int64_t ticks; /* what it is worth to the host, for a GPU and hour: the bids' floor */
    struct money up_tb, down_tb; /* likewise, for traffic; for show */
    int64_t gpus;                /* on so many at most; 0: on all of the machine's */
    const char *spec;            /* proto/desired.h, instance_spec, as JSON */
    const char *image;
    struct instant created;
};

/* Set it, or replace it. */
NODISCARD bool idle_job_set(struct db *db, const struct idle_job_row *job, struct error *err);
NODISCARD bool idle_job_load(struct db *db, int64_t machine_id, struct arena *arena,
                             struct idle_job_row *ret, bool *ret_has, struct error *err);
NODISCARD bool idle_job_remove(struct db *db, int64_t machine_id, int64_t *ret_count,
                               struct error *err);

#endif
