/* SPDX-License-Identifier: Apache-2.0 */
/* What the market has written down of what ran and what it cost, for the laws to look at. */

#ifndef BERTH_TEST_SIM_EVIDENCE_H
#define BERTH_TEST_SIM_EVIDENCE_H

#include "sim.h"

enum { SIM_ROWS_MAX = 32768 };

struct interval {
    int64_t id, contract_id, machine_id, start_us, metered_us;
};

struct contract {
    int64_t id, owner_id, machine_id, created_us, destroyed_us, disk_metered_us, disk_month,
        disk_gb;
    int64_t end_us, gpu_hour, started_us;
};

struct meter_evidence {
    int64_t contract_id, component, rate, quantity, total, posted_total, remainder, gross, denom;
};

/* A price, and what of its meter and of time it is for; INT64_MAX where it goes on. */
struct epoch {
    int64_t contract_id, component, rate, quantity, from_total, to_total, from_us, to_us;
};

/* Money that came to a renter, or that traffic took. */
struct moved {
    int64_t owner_id, at_us, amount;
    bool is_grant;
};

/* GPU time of a contract that was charged, and when that was done. */
struct charged {
    int64_t contract_id, at_us, amount;
};

/* Intervals and epochs are in the order of their contracts. */
struct evidence {
    size_t interval_count, contract_count, meter_count, epoch_count, moved_count;
    struct interval intervals[SIM_ROWS_MAX];
    struct contract contracts[SIM_ROWS_MAX];
    struct meter_evidence meters[SIM_ROWS_MAX];
    struct epoch epochs[SIM_ROWS_MAX];
    struct moved moved[SIM_ROWS_MAX];
    size_t charged_count;
    struct charged charged[SIM_ROWS_MAX];
    int64_t journal_id;               /* up to which both are there: journals are not changed */
    int64_t checked_us[SIM_ROWS_MAX]; /* of intervals, by id: looked at up to there */
};

/* What is there by now. `is_anew`: journals that were read before, too. */
void sim_evidence_load(struct sim *sim, struct evidence *evidence, bool is_anew);
void sim_evidence_forget(struct evidence *evidence);

/* Where the contract's begin, and end. */
struct sim_range {
    size_t from, until;
};
struct sim_range sim_intervals_of(const struct evidence *evidence, int64_t contract_id);
struct sim_range sim_epochs_of(const struct evidence *evidence, int64_t contract_id);

#endif
