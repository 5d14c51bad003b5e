/* SPDX-License-Identifier: Apache-2.0 */
/* The weekly bills of some hosts, whose usage is all posted: invoices and payouts. The second half
 * of flow/bill.h. Inside src/flow/. */

#ifndef BERTH_FLOW_BILL_BATCH_H
#define BERTH_FLOW_BILL_BATCH_H

#include "flow/flow.h"
#include "store/bill_run.h"

struct bill_counts {
    size_t billed;
    size_t unposted;     /* left out: their usage is not all posted */
    int64_t unposted_id; /* one of these */
};

/* To be written in the turn of bills (store/store.h). Who is in neither count was billed before. */
NODISCARD bool bill_batch(struct db *db, const struct flow *flow, const struct bill_range *range,
                          struct instant now, struct bill_counts *ret, struct error *err);

#endif
