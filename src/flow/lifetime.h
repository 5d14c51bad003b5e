/* SPDX-License-Identifier: Apache-2.0 */
/* A contract's lifetime is over: it stops, its data is kept, and it does not start again unless
 * the host extends it (market/rental.h, RENTAL_LIFETIME_ENDED). Before that its renter is warned,
 * each time once (market/lifetime.h). */

#ifndef BERTH_FLOW_LIFETIME_H
#define BERTH_FLOW_LIFETIME_H

#include "flow/flow.h"

enum { LIFETIME_MAX = 64 };

/* Warn up to LIFETIME_MAX renters whose lifetimes end soon: an event of the instance, and a mail.
 */
NODISCARD bool flow_lifetime_warn(const struct flow *flow, size_t *ret_count, struct error *err);

/* Stop up to LIFETIME_MAX instances that are due; `*ret_count` says how many there were. */
NODISCARD bool flow_lifetime(const struct flow *flow, size_t *ret_count, struct error *err);

/* What is done with one of them under its lock (flow/each_due.h): nothing, where it is not due. */
NODISCARD bool lifetime_stop(struct db *db, int64_t id, struct instant now, bool *ret_is_done,
                             struct error *err);
NODISCARD bool lifetime_warn(struct db *db, int64_t id, struct instant now, bool *ret_is_done,
                             struct error *err);

#endif
