/* SPDX-License-Identifier: Apache-2.0 */
/* What a renter does to an instance. Each may be asked twice: what is so already stays so, and is
 * a success. */

#ifndef BERTH_FLOW_INSTANCE_CHANGE_H
#define BERTH_FLOW_INSTANCE_CHANGE_H

#include "flow/caller.h"
#include "flow/flow.h"

enum change_outcome {
    CHANGE_DONE, /* also where it was so already */
    CHANGE_NO_INSTANCE,
    CHANGE_WAITS,         /* start: its GPUs are taken; it starts when they are free */
    CHANGE_NO_CREDIT,     /* start */
    CHANGE_LIFETIME_OVER, /* start: the contract has ended */
    CHANGE_BARRED,        /* start: the machine may not run rentals now */
    CHANGE_LABEL_TOO_LONG,
    CHANGE_NOT_RUNNING, /* reboot of what does not run */
    CHANGE_DISK_SHRINKS,
    CHANGE_DISK_TAKEN, /* its machine has not as much left */
};

NODISCARD bool flow_start(const struct flow *flow, const struct caller *caller, int64_t id,
                          enum change_outcome *ret, struct error *err);
NODISCARD bool flow_stop(const struct flow *flow, const struct caller *caller, int64_t id,
                         enum change_outcome *ret, struct error *err);
NODISCARD bool flow_reboot(const struct flow *flow, const struct caller *caller, int64_t id,
                           enum change_outcome *ret, struct error *err);

/* NULL or "" takes the label off. */
NODISCARD bool flow_label(const struct flow *flow, const struct caller *caller, int64_t id,
                          const char *label, enum change_outcome *ret, struct error *err);
/* More disk from now on, at the contract's own price: what the credit has to last for. */
NODISCARD bool flow_grow(const struct flow *flow, const struct caller *caller, int64_t id,
                         int64_t disk_gb, enum change_outcome *ret, struct error *err);
NODISCARD bool flow_destroy(const struct flow *flow, const struct caller *caller, int64_t id,
                            enum change_outcome *ret, struct error *err);

#endif
