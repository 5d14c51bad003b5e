/* SPDX-License-Identifier: Apache-2.0 */
/* A renter changes a bid. */

#ifndef BERTH_FLOW_BID_H
#define BERTH_FLOW_BID_H

#include "flow/caller.h"
#include "flow/change.h"
#include "flow/flow.h"
#include "store/bid.h"

enum bid_outcome {
    BID_CHANGED,
    BID_NO_INSTANCE,
    BID_ON_DEMAND,      /* it has no bid: its price is fixed */
    BID_BAD_PRICE,      /* less than a tick, or more than any GPU costs */
    BID_BELOW_FLOOR,    /* of its admission: `lowest` */
    BID_NOT_BELOW_LIST, /* on demand costs the same */
    BID_TOO_SOON,       /* lowered less than ten minutes ago, and it runs: `again` */
    BID_NEVER_WINS,     /* asked for what wins: nothing does at the moment */
};

struct bid_request {
    int64_t instance_id;
    bool has_price;     /* else: what runs now */
    struct money price; /* of the slice, by the hour; what is over whole ticks is not bid */
    bool has_max_price;
    struct money max_price; /* likewise; 0: it does not raise itself */
    bool has_resumes, resumes;
};

struct bid_reply {
    enum bid_outcome outcome;
    int64_t num_gpus;
    int64_t ticks;        /* as it is by now */
    int64_t lowest;       /* the least that is taken for it */
    struct instant again; /* it may be lowered then */
    bool waits;           /* it does not run at this */
};

NODISCARD bool flow_bid_change(const struct flow *flow, const struct caller *caller,
                               const struct bid_request *request, struct bid_reply *ret,
                               struct error *err);

/* From now on at the price of `bid`: its row, its contract and the rate of its GPU meter; what was
 * used up to now is charged at the price of before. Inside src/flow/. */
NODISCARD bool bid_reprice(struct change *change, struct contract_row *contract,
                           const struct bid_row *bid, struct error *err);

/* The most whole ticks below the price of the slice on demand. */
int64_t bid_ticks_below(struct money list_hour, int64_t num_gpus);

#endif
