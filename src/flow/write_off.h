/* SPDX-License-Identifier: Apache-2.0 */
/* Debts that nobody has paid for 180 days are written off (market/debt.h): bad debt against what
 * the renter owes. Its account begins at nothing then, and is told; instances that were stopped for
 * want of credit stay stopped. A payment that comes after that is credit. */

#ifndef BERTH_FLOW_WRITE_OFF_H
#define BERTH_FLOW_WRITE_OFF_H

#include "flow/flow.h"
#include "store/debt.h"

enum { WRITE_OFF_MAX = 64 };

/* A job: whoever is due. */
NODISCARD bool flow_write_off(const struct flow *flow, size_t *ret_count, struct error *err);

/* For operators: what was written off, by journal, after that one. */
NODISCARD bool flow_written_off(const struct flow *flow, int64_t after, size_t max,
                                struct arena *arena, struct debt_row **ret, size_t *ret_count,
                                struct error *err);

#endif
