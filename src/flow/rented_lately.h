/* SPDX-License-Identifier: Apache-2.0 */
/* What was rented within the last 30 days, for what a machine like others would earn. */

#ifndef BERTH_FLOW_RENTED_LATELY_H
#define BERTH_FLOW_RENTED_LATELY_H

#include "base/arena.h"
#include "flow/flow.h"
#include "market/prices.h"

enum { RENTED_LATELY_DAYS = 30, RENTED_LATELY_MAX = 20000 /* contracts, the latest */ };

/* Machines whose GPUs do not exist, and machines without any, are left out. */
NODISCARD bool flow_rented_lately(const struct flow *flow, struct arena *arena,
                                  struct prices_rental **ret, size_t *ret_count, struct error *err);

#endif
