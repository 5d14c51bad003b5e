/* SPDX-License-Identifier: Apache-2.0 */
/* What has accrued is posted from time to time, so that the books never lag far behind: running
 * instances every ten minutes, stopped ones every hour. */

#ifndef BERTH_FLOW_POST_USAGE_H
#define BERTH_FLOW_POST_USAGE_H

#include "flow/flow.h"

enum { POST_USAGE_MAX = 64, POST_RUNNING_SECONDS = 600, POST_STOPPED_SECONDS = 3600 };

/* Post up to POST_USAGE_MAX instances that are due; `*ret_count` says how many there were. */
NODISCARD bool flow_post_usage(const struct flow *flow, size_t *ret_count, struct error *err);

#endif
