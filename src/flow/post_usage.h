/* SPDX-License-Identifier: Apache-2.0 */
/* What has accrued is posted from time to time, so that the books never lag far behind: running
 * instances every ten minutes, stopped ones every hour. */

#ifndef BERTH_FLOW_POST_USAGE_H
#define BERTH_FLOW_POST_USAGE_H

#include "flow/change.h"
#include "flow/flow.h"

enum { POST_USAGE_MAX = 64, POST_RUNNING_SECONDS = 600, POST_STOPPED_SECONDS = 3600 };

/* Post up to POST_USAGE_MAX instances that are due; `*ret_count` says how many there were. */
NODISCARD bool flow_post_usage(const struct flow *flow, size_t *ret_count, struct error *err);

/* Post all that a renter has, before credit comes that would change who paid for it. Locks
 * machines: nobody may be locked yet. */
NODISCARD bool post_usage_of_renter(struct db *db, int64_t user_id, struct instant now,
                                    struct arena *arena, struct error *err);

/* Post one instance of the machine at hand now, up to its last confirmed instant; nothing for one
 * that has ended. For flows that need the books to be up to date. */
NODISCARD bool post_usage_of(struct change *change, int64_t contract_id, struct error *err);

#endif
