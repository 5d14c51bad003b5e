/* SPDX-License-Identifier: Apache-2.0 */
/* A host sets the lowest bid for its machine. Bids that were admitted below it stay. */

#ifndef BERTH_FLOW_RESERVE_H
#define BERTH_FLOW_RESERVE_H

#include "base/money.h"
#include "flow/caller.h"
#include "flow/flow.h"

enum reserve_outcome {
    RESERVE_SET,
    RESERVE_NO_MACHINE,
    RESERVE_BAD_PRICE, /* negative, or above what the machine costs on demand */
};

/* `price`: for a GPU and hour. */
NODISCARD bool flow_reserve(const struct flow *flow, const struct caller *caller,
                            int64_t machine_id, struct money price, enum reserve_outcome *ret,
                            struct error *err);

#endif
