/* SPDX-License-Identifier: Apache-2.0 */
/* What was rented within the last 30 days, for what a machine like others would earn, and how much
 * of their time machines are rented. */

#ifndef BERTH_FLOW_RENTED_LATELY_H
#define BERTH_FLOW_RENTED_LATELY_H

#include "base/arena.h"
#include "flow/flow.h"
#include "market/prices.h"

enum {
    RENTED_LATELY_DAYS = 30,
    RENTED_LATELY_MAX = 20000, /* contracts, the latest */
    RUNS_LATELY_MAX = 50000,   /* times that they ran, the latest */
    THERE_LATELY_MAX = 100000, /* machines, the first */
};

/* Machines whose GPUs do not exist, and machines without any, are left out. */
NODISCARD bool flow_rented_lately(const struct flow *flow, struct arena *arena,
                                  struct prices_rental **ret, size_t *ret_count, struct error *err);

/* When each of them ran, without the same; the cheapest first. */
NODISCARD bool flow_runs_lately(const struct flow *flow, struct arena *arena,
                                struct prices_run **ret, size_t *ret_count, struct error *err);

/* Machines that are listed, by id, without the same. */
NODISCARD bool flow_there_lately(const struct flow *flow, struct arena *arena,
                                 struct prices_there **ret, size_t *ret_count, struct error *err);

#endif
