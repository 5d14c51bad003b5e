/* SPDX-License-Identifier: Apache-2.0 */
/* Renters hear that their credit ends: a day, six hours and an hour before, and when it has ended.
 */

#ifndef BERTH_FLOW_WARN_CREDIT_H
#define BERTH_FLOW_WARN_CREDIT_H

#include "flow/flow.h"

enum { WARN_CREDIT_MAX = 64 };

/* Warn up to WARN_CREDIT_MAX renters that are due: a mail for each, of the most urgent level. */
NODISCARD bool flow_warn_credit(const struct flow *flow, size_t *ret_count, struct error *err);

/* Credit has ended, and everything was stopped. Part of a flow's transaction. */
NODISCARD bool warn_credit_ended(struct db *db, int64_t user_id, struct instant end,
                                 struct instant now, struct error *err);

#endif
