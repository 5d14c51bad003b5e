/* SPDX-License-Identifier: Apache-2.0 */
/* A host takes a machine off the market for good: its offers, its idle job, and what is left of
 * rentals that their owners have destroyed. Its identity is good for nothing afterwards, so its
 * GPUs may join again under another; its past stays in the books. */

#ifndef BERTH_FLOW_REMOVE_MACHINE_H
#define BERTH_FLOW_REMOVE_MACHINE_H

#include "base/arena.h"
#include "flow/caller.h"
#include "flow/flow.h"

enum remove_machine_outcome {
    REMOVE_DONE,
    REMOVE_NO_MACHINE,
    REMOVE_IS_RENTED, /* running or stopped: their data is there; nothing was changed */
};

/* `*ret_rentals`: how many are in the way, of REMOVE_IS_RENTED. */
NODISCARD bool flow_remove_machine(const struct flow *flow, const struct caller *caller,
                                   int64_t machine_id, enum remove_machine_outcome *ret,
                                   int64_t *ret_rentals, struct error *err);

/* The same within a transaction; where rentals are in the way nothing is changed. Inside src/flow/.
 */
NODISCARD bool remove_unrented(struct db *db, int64_t machine_id, struct instant now,
                               struct arena *arena, int64_t *ret_rentals, struct error *err);

#endif
