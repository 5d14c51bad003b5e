/* SPDX-License-Identifier: Apache-2.0 */
/* Offers as the catalog takes them (market/offer.h): all of them at the start, and those of one
 * machine whenever it changed. Only machines that are online have any: those that are open, where
 * it is listed, and those whose GPUs are rented now, whether or not it is. */

#ifndef BERTH_FLOW_OFFERS_H
#define BERTH_FLOW_OFFERS_H

#include "base/arena.h"
#include "flow/flow.h"

struct offer;

/* `*ret` is an array in the arena. A machine that is gone or offline has none. */
NODISCARD bool flow_offers_of_machine(const struct flow *flow, int64_t machine_id,
                                      struct arena *arena, struct offer **ret, size_t *ret_count,
                                      struct error *err);

/* Machines that have offers now, above `after` and in order, at most `max`: for loading all. */
NODISCARD bool flow_offers_machines(const struct flow *flow, int64_t after, int64_t *ret_ids,
                                    size_t max, size_t *ret_count, struct error *err);

#endif
