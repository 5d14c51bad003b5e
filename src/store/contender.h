/* SPDX-License-Identifier: Apache-2.0 */
/* Those on a machine who have its GPUs or want them: what decisions are about. */

#ifndef BERTH_STORE_CONTENDER_H
#define BERTH_STORE_CONTENDER_H

#include "base/arena.h"
#include "market/rental.h"
#include "store/bid.h"
#include "store/db.h"

struct contender_row {
    int64_t id, owner_id;
    enum rental_kind kind;
    enum rental_state state;
    enum rental_reason reason;
    int64_t num_gpus, disk_gb;
    struct instant state_at, end, started, ran;
    struct instant t_zero; /* its owner's credit ends; reserved: INSTANT_NEVER */
    struct bid_row bid;    /* of kind KIND_BID */
};

/* In order of id. Whoever is to stop, or is stopped, is not among them, but for bids that their
 * lifetime stopped, that resume by themselves and that have lifetime again. */
NODISCARD bool contender_list(struct db *db, int64_t machine_id, struct instant now,
                              struct arena *arena, struct contender_row **ret, size_t *ret_count,
                              struct error *err);

#endif
