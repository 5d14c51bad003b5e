/* SPDX-License-Identifier: Apache-2.0 */
/* Every Friday at 00:00 UTC each host's week is invoiced, and paid out where enough is owed
 * (money.md 1.13).
 *
 * First everything that ran up to the cut is posted, by as many servers as there are. Then the
 * invoices are made from the lines of the week, the money moves from accrued to payable, and the
 * payouts are made: by one server at a time, because invoices are numbered without gaps. Either
 * locks the machines, so nothing is posted beside it; and whoever comes second, after a crash or on
 * another server, finds it done. BILL_BATCH hosts share a transaction: what it costs to end one
 * would be paid ten thousand times. A server goes over those that are due by their ids, BILL_LOOK
 * at a time. Where it finds that another one was there between its look and its turn, it goes on
 * from some other host that is left: servers part after one batch, and meet again but rarely. */

#ifndef BERTH_FLOW_BILL_H
#define BERTH_FLOW_BILL_H

#include "flow/flow.h"

enum { BILL_HOSTS_MAX = 4096, BILL_BATCH = 32, BILL_LOOK = 8 * BILL_BATCH };

/* Bill the hosts that are due; `*ret_count` says how many it billed, and with BILL_HOSTS_MAX or
 * more there may be others left. One whose usage cannot be posted is passed over, logged, and not
 * counted; where one cannot be billed, all others are, and then it fails. */
NODISCARD bool flow_bill_hosts(const struct flow *flow, size_t *ret_count, struct error *err);

#endif
