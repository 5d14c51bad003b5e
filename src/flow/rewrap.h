/* SPDX-License-Identifier: Apache-2.0 */
/* A master key takes another's place: keys of accounts that lie under the one before, or the next,
 * are sealed anew under the present one, some at a time, while the market goes on. Nothing else
 * lies under a master key, so that is all (flow/vault.h). */

#ifndef BERTH_FLOW_REWRAP_H
#define BERTH_FLOW_REWRAP_H

#include "flow/vault.h"

enum { REWRAP_BATCH_MAX = 256 };

/* `*ret_count` were sealed anew; as many as REWRAP_BATCH_MAX: there may be more. */
NODISCARD bool flow_rewrap(const struct flow *flow, size_t *ret_count, struct error *err);

/* How many keys of accounts lie under the master key of that id; under any at all. */
NODISCARD bool flow_rewrap_count(const struct flow *flow, int64_t master_id, int64_t *ret_count,
                                 int64_t *ret_all, struct error *err);

#endif
