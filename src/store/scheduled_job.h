/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduled jobs of instances, as rows: one of each deed for an instance. */

#ifndef BERTH_STORE_SCHEDULED_JOB_H
#define BERTH_STORE_SCHEDULED_JOB_H

#include "base/arena.h"
#include "market/schedule.h"
#include "store/db.h"

/* Stored in scheduled_job.deed. */
enum job_deed { JOB_REBOOT = 1, JOB_COMMAND, JOB_BID };

/* Texts live in the arena they were loaded into. */
struct job_row {
    int64_t id, owner_id, contract_id;
    enum job_deed deed;
    const char *body;      /* what it needs, as flow/schedule.h has it; sealed */
    const char *frequency; /* as the client calls it */
    struct schedule schedule;
    struct instant next; /* when it runs */
};

/* ERROR_CONFLICT: the instance has one of that deed. */
NODISCARD bool job_insert(struct db *db, const struct job_row *job, int64_t *ret_id,
                          struct error *err);

/* Those of one account only; `*ret_count` is how many changed. */
NODISCARD bool job_update(struct db *db, const struct job_row *job, int64_t *ret_count,
                          struct error *err);
NODISCARD bool job_delete(struct db *db, int64_t owner_id, int64_t id, int64_t *ret_count,
                          struct error *err);
NODISCARD bool job_list(struct db *db, int64_t owner_id, size_t max, struct arena *arena,
                        struct job_row **ret, size_t *ret_count, struct error *err);
NODISCARD bool job_load_owned(struct db *db, int64_t owner_id, int64_t id, struct arena *arena,
                              struct job_row *ret, bool *ret_has, struct error *err);

/* The account's of that deed for that instance. */
NODISCARD bool job_find(struct db *db, int64_t owner_id, int64_t contract_id, enum job_deed deed,
                        struct arena *arena, struct job_row *ret, bool *ret_has, struct error *err);

/* Anybody's that are to run by `now`, longest ago first, at most `max`. */
NODISCARD bool job_due(struct db *db, struct instant now, size_t max, struct arena *arena,
                       struct job_row **ret, size_t *ret_count, struct error *err);

/* Take the run of `job->next`: it runs at `next` from now on. `*ret_count` is 0 where another
 * server was quicker. */
NODISCARD bool job_claim(struct db *db, const struct job_row *job, struct instant next,
                         int64_t *ret_count, struct error *err);

#endif
