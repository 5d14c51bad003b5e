/* SPDX-License-Identifier: Apache-2.0 */
/* Connected intervals: the evidence for every charge of GPU time (control.md 4.4).
 *
 * An interval is open while the instance runs and its host is connected. It has been metered up
 * to `metered`, which never passes the last accepted heartbeat but at a decision to stop. */

#ifndef BERTH_STORE_INTERVAL_H
#define BERTH_STORE_INTERVAL_H

#include "base/arena.h"
#include "store/db.h"

struct interval_row {
    int64_t id, contract_id, owner_id, machine_id;
    const char *start_token; /* same start, same token: boot id, container and start time */
    int64_t run_ms;          /* how long it had run at `start`, by the host's clock */
    struct instant start, metered;
};

NODISCARD bool interval_open(struct db *db, const struct interval_row *interval, struct error *err);
NODISCARD bool interval_load(struct db *db, int64_t contract_id, struct arena *arena,
                             struct interval_row *ret, bool *ret_has, struct error *err);

/* How many instances run, as the books have it. */
NODISCARD bool interval_count_open(struct db *db, int64_t *ret_count, struct error *err);

/* Whether the contract ever ran. */
NODISCARD bool interval_ever(struct db *db, int64_t contract_id, bool *ret, struct error *err);

/* Open ones on a machine; and of a renter. */
NODISCARD bool interval_list_on(struct db *db, int64_t machine_id, struct arena *arena,
                                struct interval_row **ret, size_t *ret_count, struct error *err);
NODISCARD bool interval_list_owned(struct db *db, int64_t owner_id, struct arena *arena,
                                   struct interval_row **ret, size_t *ret_count, struct error *err);

/* What ran since then, a contract a row, the latest contracts first and at most `max`; without
 * hosts' own idle jobs. */
struct interval_sum {
    int64_t contract_id, machine_id, num_gpus;
    struct money gpu_hour; /* for all of them */
    int64_t fee_bps, run_us;
};
NODISCARD bool interval_sums(struct db *db, struct instant since, int64_t max, struct arena *arena,
                             struct interval_sum **ret, size_t *ret_count, struct error *err);

/* The same an interval a row, the latest first. */
struct interval_run {
    int64_t machine_id, num_gpus;
    struct money gpu_hour; /* for all of them */
    struct instant start, end;
};
NODISCARD bool interval_runs(struct db *db, struct instant since, int64_t max, struct arena *arena,
                             struct interval_run **ret, size_t *ret_count, struct error *err);

/* Move `metered` on; and end it there. */
NODISCARD bool interval_meter(struct db *db, int64_t id, struct instant metered, struct error *err);
NODISCARD bool interval_close(struct db *db, int64_t id, struct instant end, struct error *err);

#endif
