/* SPDX-License-Identifier: Apache-2.0 */
/* The weekly bills of some hosts, whose usage is all posted: invoices and payouts. The second half
 * of flow/bill.h. Inside src/flow/. */

#ifndef BERTH_FLOW_BILL_BATCH_H
#define BERTH_FLOW_BILL_BATCH_H

#include "flow/flow.h"
#include "store/bill_run.h"

/* To be written in the turn of bills (store/store.h). Hosts in the range whose usage is not all
 * posted are left out; `*ret_count` says how many were billed. */
NODISCARD bool bill_batch(struct db *db, const struct flow *flow, const struct bill_range *range,
                          struct instant now, size_t *ret_count, struct error *err);

#endif
