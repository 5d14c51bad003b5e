/* SPDX-License-Identifier: Apache-2.0 */
/* One person gives bought credit to another. Given credit stays with whom it was given to. */

#ifndef BERTH_FLOW_TRANSFER_H
#define BERTH_FLOW_TRANSFER_H

#include "flow/caller.h"
#include "flow/flow.h"

enum transfer_outcome {
    TRANSFER_DONE,
    TRANSFER_NOBODY, /* no such recipient */
    TRANSFER_SELF,
    TRANSFER_BAD_AMOUNT,
    TRANSFER_NO_CREDIT, /* not so much bought credit, or it is needed for what runs */
};

/* `recipient` is an email or an id as text. */
NODISCARD bool flow_transfer(const struct flow *flow, const struct caller *caller,
                             const char *recipient, struct money amount, enum transfer_outcome *ret,
                             struct error *err);

#endif
