/* SPDX-License-Identifier: Apache-2.0 */
/* A host lists a machine at its terms, changes them, or takes it off the market.
 *
 * Listing anew at other prices replaces the offers under new ids: who has seen an id never pays
 * more than what they saw. At the same prices offers keep their ids, unless bids get less notice.
 * Contracts keep the terms they were made at. An end that was given as a duration rolls on, day by
 * day, until it is changed. */

#ifndef BERTH_FLOW_LIST_MACHINE_H
#define BERTH_FLOW_LIST_MACHINE_H

#include "flow/caller.h"
#include "flow/flow.h"
#include "store/machine.h"

/* The largest discount for paying ahead that a host gives who says nothing of it. */
#define LIST_DISCOUNT_DEFAULT_PPM INT64_C(400000)

enum list_machine_outcome {
    LIST_DONE,
    LIST_NO_MACHINE,
    LIST_BAD_PRICE,   /* out of range, or no price for its GPUs yet */
    LIST_BAD_CHUNK,   /* not from 1 to the machine's GPUs */
    LIST_BAD_END,     /* in the past, or both an end and a duration */
    LIST_BAD_BID,     /* the lowest bid is above the price */
    LIST_BAD_VOLUME,  /* more than the machine's disk has free */
    LIST_BAD_GRACE,   /* not from 0 to AUCTION_GRACE_S_MAX */
    LIST_QUARANTINED, /* its hardware is not what it was: the operator has to look */
};

/* What is not given stays as it was, or becomes the market's default. */
struct list_machine_request {
    int64_t machine_id;
    bool has_gpu_hour, has_min_bid, has_disk_month, has_up_tb, has_down_tb, has_min_chunk;
    bool has_discount_max, has_grace_max;
    bool has_end; /* else no end, unless has_duration */
    bool has_duration;
    int64_t duration_s;    /* from now, and then from each day on */
    struct listing values; /* of which those given */

    /* Space for volumes besides: left out, what is offered stays, or is half of what is free; none
     * where it is 0 GB. Its price, left out, stays, or is that of a disk. */
    bool has_volume_gb, has_volume_month;
    int64_t volume_gb;
    struct money volume_month;
};

struct list_machine_reply {
    enum list_machine_outcome outcome;
    struct listing listing; /* as it is now */
    size_t offer_count;
    int64_t extended; /* contracts whose end moved out with the listing's */
};

NODISCARD bool flow_list_machine(const struct flow *flow, const struct caller *caller,
                                 const struct list_machine_request *request,
                                 struct list_machine_reply *ret, struct error *err);

/* Move rolling ends on, of offers and of contracts that cost no less than the listing; take off the
 * market what is past its end. Up to LISTINGS_DUE_MAX machines; `*ret_count` says how many. */
enum { LISTINGS_DUE_MAX = 64 };
NODISCARD bool flow_listings(const struct flow *flow, size_t *ret_count, struct error *err);

NODISCARD bool flow_unlist_machine(const struct flow *flow, const struct caller *caller,
                                   int64_t machine_id, enum list_machine_outcome *ret,
                                   struct error *err);

#endif
