/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps a machine's offers to what is free on it and what its host asks: those of sizes that no
 * longer fit, or at other prices, go; what fits and has no open offer is offered anew. An offer
 * that would be cut as it is keeps its id, and where the listing now ends later, so does the offer.
 * Inside src/flow/. */

#ifndef BERTH_FLOW_OFFER_CUT_H
#define BERTH_FLOW_OFFER_CUT_H

#include "base/arena.h"
#include "store/db.h"
#include "store/machine.h"

/* As the machine's rows are in this transaction; the caller holds its lock. Sets `*ret_count` to
 * how many offers it has then. */
NODISCARD bool offer_cut_all(struct db *db, const struct machine_row *row, struct instant now,
                             struct arena *arena, size_t *ret_count, struct error *err);

/* Take the machine off the market: its offers, and that of space for volumes. */
NODISCARD bool offer_take_off(struct db *db, int64_t machine_id, struct instant now,
                              struct arena *arena, struct error *err);

/* Take all of them off, to cut them anew. */
NODISCARD bool offer_remove_all(struct db *db, int64_t machine_id, struct instant now,
                                struct arena *arena, struct error *err);

#endif
