/* SPDX-License-Identifier: Apache-2.0 */
/* A host lists a machine at its terms, changes them, or takes it off the market.
 *
 * Listing anew replaces the offers under new ids; contracts keep the terms they were made at. */

#ifndef BERTH_FLOW_LIST_MACHINE_H
#define BERTH_FLOW_LIST_MACHINE_H

#include "flow/caller.h"
#include "flow/flow.h"
#include "store/machine.h"

enum list_machine_outcome {
    LIST_DONE,
    LIST_NO_MACHINE,
    LIST_BAD_PRICE,   /* above LIST_PRICE_MAX, or no GPU price yet */
    LIST_BAD_CHUNK,   /* not between 1 and the machine's GPUs */
    LIST_BAD_END,     /* in the past, or both an end and a duration */
    LIST_QUARANTINED, /* the machine's hardware changed: enrol it anew */
};

/* Per GPU and hour: far above any market. */
#define LIST_PRICE_MAX ((struct money){ 1000 * NANODOLLARS_PER_DOLLAR })

/* What is not given stays as it was, or becomes the market's default. */
struct list_machine_request {
    int64_t machine_id;
    bool has_gpu_hour, has_disk_month, has_up_tb, has_down_tb, has_bid_min, has_gpu_count_min;
    struct terms terms;
    bool has_end;
    struct instant end;
    bool has_duration;
    int64_t duration_s;
};

struct list_machine_reply {
    enum list_machine_outcome outcome;
    struct terms terms;
    struct instant end;
    int64_t offer_count;
    int64_t extended; /* contracts whose end moved out with the listing's */
};

NODISCARD bool flow_list_machine(const struct flow *flow, const struct caller *caller,
                                 const struct list_machine_request *request,
                                 struct list_machine_reply *ret, struct error *err);

NODISCARD bool flow_unlist_machine(const struct flow *flow, const struct caller *caller,
                                   int64_t machine_id, enum list_machine_outcome *ret,
                                   struct error *err);

#endif
