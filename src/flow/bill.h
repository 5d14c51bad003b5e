/* SPDX-License-Identifier: Apache-2.0 */
/* Every Friday at 00:00 UTC each host's week is invoiced, and paid out where enough is owed
 * (money.md 1.13).
 *
 * A host's part posts what its instances have used up to the cut, makes the invoice from the lines
 * of the week, moves the money from accrued to payable, and makes the payout. It locks all of the
 * host's machines, so nothing is posted beside it; and whoever comes second, after a crash or on
 * another server, finds the week billed. Up to BILL_BATCH hosts share a transaction: invoices are
 * numbered without gaps, so only one transaction at a time has come that far, and what it costs to
 * end one would be paid ten thousand times. */

#ifndef BERTH_FLOW_BILL_H
#define BERTH_FLOW_BILL_H

#include "flow/flow.h"

enum { BILL_HOSTS_MAX = 256, BILL_BATCH = 16 };

/* Bill up to BILL_HOSTS_MAX hosts that are due; `*ret_count` says how many there were. */
NODISCARD bool flow_bill_hosts(const struct flow *flow, size_t *ret_count, struct error *err);

#endif
