/* SPDX-License-Identifier: Apache-2.0 */
/* Bids: what the contracts of kind KIND_BID offer for a GPU and hour, in ticks (market/auction.h).
 *
 * Each has one row here for life. terms.gpu_hour of the contract is the same price by the slice:
 * whoever changes the one changes the other, and the rate of the GPU meter. */

#ifndef BERTH_STORE_BID_H
#define BERTH_STORE_BID_H

#include "base/arena.h"
#include "market/rental.h"
#include "store/db.h"

struct bid_row {
    int64_t contract_id;
    int64_t ticks;          /* its price for a GPU and hour */
    int64_t max_ticks;      /* raises itself up to here to go on running; 0: it does not */
    int64_t floor_ticks;    /* the machine's lowest bid when it was admitted */
    int64_t grace_s;        /* notice that the renter asked for */
    bool resumes;           /* starts by itself when it can */
    struct instant placed;  /* when the present price was bid */
    struct instant lowered; /* when it was last lowered while it ran; 0: never */
    int64_t keep_ticks;     /* it had to make way: what would have kept it; -1: nothing */
};

NODISCARD bool bid_insert(struct db *db, const struct bid_row *bid, struct error *err);
NODISCARD bool bid_load(struct db *db, int64_t contract_id, struct bid_row *ret, bool *ret_has,
                        struct error *err);

/* Those of existing contracts on one machine, by contract. */
NODISCARD bool bid_list_on(struct db *db, int64_t machine_id, struct arena *arena,
                           struct bid_row **ret, size_t *ret_count, struct error *err);

/* ticks, max_ticks, resumes, placed, lowered and keep_ticks. */
NODISCARD bool bid_update(struct db *db, const struct bid_row *bid, struct error *err);

#endif
