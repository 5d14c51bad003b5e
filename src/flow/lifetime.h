/* SPDX-License-Identifier: Apache-2.0 */
/* A contract's lifetime is over: it stops, its data is kept, and it does not start again unless
 * the host extends it (market/rental.h, RENTAL_LIFETIME_ENDED). */

#ifndef BERTH_FLOW_LIFETIME_H
#define BERTH_FLOW_LIFETIME_H

#include "flow/flow.h"

enum { LIFETIME_MAX = 64 };

/* Stop up to LIFETIME_MAX instances that are due; `*ret_count` says how many there were. */
NODISCARD bool flow_lifetime(const struct flow *flow, size_t *ret_count, struct error *err);

#endif
