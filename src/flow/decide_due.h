/* SPDX-License-Identifier: Apache-2.0 */
/* Deciding anew without anything having happened: a minimum run has ended, a machine is trusted
 * again, a renter whose bids had stopped has credit again. */

#ifndef BERTH_FLOW_DECIDE_DUE_H
#define BERTH_FLOW_DECIDE_DUE_H

#include "flow/flow.h"

enum { DECIDE_DUE_MAX = 100, FUNDED_MAX = 100 };

/* `*ret_count`: machines. */
NODISCARD bool flow_decide_due(const struct flow *flow, size_t *ret_count, struct error *err);

/* Bids that want of credit had stopped and that resume by themselves wait again, once their owner
 * can pay. Looks at all of them, FUNDED_MAX at a time. */
NODISCARD bool flow_funded(const struct flow *flow, size_t *ret_count, struct error *err);

/* What is done with one of them under its lock (flow/each_due.h): nothing, where it is not due.
 * ERROR_FORBIDDEN: the decision that a bid comes back to stops it again, since beside others that
 * are about to start its owner cannot pay for it. */
NODISCARD bool decide_due_machine(struct db *db, int64_t id, struct instant now, bool *ret_is_done,
                                  struct error *err);
NODISCARD bool decide_due_bid(struct db *db, int64_t id, struct instant now, bool *ret_is_done,
                              struct error *err);

#endif
