/* SPDX-License-Identifier: Apache-2.0 */
/* Credit ends: whoever's predicted instant has come is stopped, and GPU time is cut at exactly
 * that instant, whenever this runs. Data is kept. */

#ifndef BERTH_FLOW_NO_CREDIT_H
#define BERTH_FLOW_NO_CREDIT_H

#include "flow/flow.h"

enum { NO_CREDIT_MAX = 64 };

/* Deal with up to NO_CREDIT_MAX renters that are due; `*ret_count` says how many there were. */
NODISCARD bool flow_no_credit(const struct flow *flow, size_t *ret_count, struct error *err);

#endif
