/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody who runs the market ought to look at: payments that are disputed, and machines that
 * do not prove what they say they have. */

#ifndef BERTH_FLOW_REVIEW_H
#define BERTH_FLOW_REVIEW_H

#include "base/arena.h"
#include "flow/flow.h"
#include "store/machine_proof.h"
#include "store/payment_back.h"

NODISCARD bool flow_dispute_list(const struct flow *flow, const struct dispute_filter *filter,
                                 struct arena *arena, struct dispute_row **ret, size_t *ret_count,
                                 struct error *err);

/* Proofs that were wrong, without an answer, or odd: below `before`, newest first. */
NODISCARD bool flow_proof_troubles(const struct flow *flow, int64_t before, size_t max,
                                   struct arena *arena, struct machine_proof_row **ret,
                                   size_t *ret_count, struct error *err);

/* When the books were last copied by `berthd backup`, which says so here; the epoch: never. */
#define BACKUP_SETTING "backup"
NODISCARD bool flow_backup_time(const struct flow *flow, struct instant *ret, struct error *err);
NODISCARD bool flow_backup_done(const struct flow *flow, struct error *err);

#endif
