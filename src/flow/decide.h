/* SPDX-License-Identifier: Apache-2.0 */
/* Decide who runs on a machine, and carry it out, in the transaction of the change that called for
 * it. Inside src/flow/.
 *
 * What market/auction.h rules becomes arrows of contracts: those who have to make way are told,
 * with notice; those who come get GPUs that nobody holds. GPUs that are still held are waited for:
 * when a host confirms a stop, the next decision hands them out, in that same transaction. So a
 * decision says what shall be, and every later one brings it nearer. Waiting bids that cannot pay
 * or whose disk no longer fits are passed over, and the first ones stopped.
 *
 * A machine that is out of contact, or may not run rentals, is left as it is until it may. */

#ifndef BERTH_FLOW_DECIDE_H
#define BERTH_FLOW_DECIDE_H

#include "flow/change.h"
#include "flow/hall.h"

NODISCARD bool decide(struct change *change, struct error *err);

/* What bids must be to run now, on the machine's offers as they are by now. */
NODISCARD bool decide_quotes(struct change *change, struct error *err);

/* What would become of a bid that is not there yet. */
struct decide_trial {
    int64_t num_gpus, ticks, max_ticks;
};
NODISCARD bool decide_try(struct change *change, const struct decide_trial *trial,
                          bool *ret_would_run, struct error *err);

#endif
