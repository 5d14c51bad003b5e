/* SPDX-License-Identifier: Apache-2.0 */
/* What was called on an account that may have changed something, for its owner and the operator to
 * look through. Written before it is done, so that what was tried is in there, too. */

#ifndef BERTH_FLOW_AUDIT_LOG_H
#define BERTH_FLOW_AUDIT_LOG_H

#include "flow/caller.h"
#include "flow/flow.h"
#include "store/audit_log.h"

enum { AUDIT_LOG_MAX = 1000, AUDIT_ADDRESSES_MAX = 100, AUDIT_LOG_DAYS = 400 };
#define AUDIT_LOG_US (AUDIT_LOG_DAYS * 24 * US_PER_HOUR)

/* Without waiting; where it cannot be written, that is logged. */
void audit_log_write(const struct flow *flow, const struct caller *caller, const char *address,
                     const char *route, const char *args);

/* The caller's, or with NULL everybody's. */
NODISCARD bool flow_audit_log(const struct flow *flow, const struct caller *caller,
                              struct arena *arena, struct audit_log_row **ret, size_t *ret_count,
                              struct error *err);
NODISCARD bool flow_addresses(const struct flow *flow, const struct caller *caller,
                              struct arena *arena, struct user_address_row **ret, size_t *ret_count,
                              struct error *err);

#endif
