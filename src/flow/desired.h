/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine should run, made from rows: all of its instances with their specs, the GPUs they
 * hold, when their credit ends, signed leave to delete, and operations to carry out. */

#ifndef BERTH_FLOW_DESIRED_H
#define BERTH_FLOW_DESIRED_H

#include "base/arena.h"
#include "flow/flow.h"
#include "proto/desired.h"

/* An agent that hears nothing stops what runs when credit ends; so much later where a card is
 * charged before that, which it cannot hear of. GPU time is charged to the end of credit all the
 * same. */
#define DESIRED_TOPPED_UP_US (24 * US_PER_HOUR)

/* `*ret_has` is false for an unknown machine. `*ret` lives in the arena. */
NODISCARD bool flow_desired(const struct flow *flow, int64_t machine_id, struct arena *arena,
                            struct desired *ret, bool *ret_has, struct error *err);

/* Only its number, to see whether anything is new. */
NODISCARD bool flow_desired_rev(const struct flow *flow, int64_t machine_id, int64_t *ret_rev,
                                bool *ret_has, struct error *err);

#endif
