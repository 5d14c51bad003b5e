/* SPDX-License-Identifier: Apache-2.0 */
/* When a month (UTC) is over, each renter's usage of it becomes a statement with a number of its
 * own, "INV-2026-000123", without gaps in a year (money.md 1.13).
 *
 * It is made as soon as all that the renter has is posted up to the month's end: posting makes up
 * each day's lines at its midnight, so nothing is added to that month any more, and what is taken
 * back later is on a later statement. Whoever comes second, after a crash or on another server,
 * finds the account billed. A month without lines has no statement. */

#ifndef BERTH_FLOW_BILL_RENTERS_H
#define BERTH_FLOW_BILL_RENTERS_H

#include "flow/flow.h"

enum { BILL_RENTERS_MAX = 64 };

/* Bill up to BILL_RENTERS_MAX accounts that are due; `*ret_count` says how many there were. */
NODISCARD bool flow_bill_renters(const struct flow *flow, size_t *ret_count, struct error *err);

#endif
