/* SPDX-License-Identifier: Apache-2.0 */
/* Invoices and payouts: I-14, I-15 for their numbers, and I-17. Inside src/flow/check*.c only. */

#ifndef BERTH_FLOW_CHECK_BILLS_H
#define BERTH_FLOW_CHECK_BILLS_H

#include "flow/check_run.h"

NODISCARD bool check_bills(struct check_run *run, struct error *err);

#endif
