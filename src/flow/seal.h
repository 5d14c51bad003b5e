/* SPDX-License-Identifier: Apache-2.0 */
/* Close what was posted into the chain over the journals (market/seal.h), so that `berthd check`
 * can tell whether anything was changed behind our back. */

#ifndef BERTH_FLOW_SEAL_H
#define BERTH_FLOW_SEAL_H

#include "flow/flow.h"

enum {
    SEAL_BATCH_MAX = 1024, /* journals of a seal */
    SEAL_AGE_SECONDS = 10, /* younger ones wait */
};

/* Closes one batch of journals that are old enough, if there are any. At SEAL_BATCH_MAX there may
 * be more. Of several servers that try, one does it. */
NODISCARD bool flow_seal(const struct flow *flow, size_t *ret_count, struct error *err);

#endif
