/* SPDX-License-Identifier: Apache-2.0 */
/* GPU time that was more at once than a posting may cover: an hour, unless our own outage explains
 * the rest (control.md 4.7). Postings come every ten minutes, so something was wrong: a clock, or
 * timers that stood still. It is not charged; an operator says what becomes of it. */

#ifndef BERTH_FLOW_PARKED_H
#define BERTH_FLOW_PARKED_H

#include "base/arena.h"
#include "flow/flow.h"
#include "store/parked.h"

enum { PARKED_PAGE_MAX = 256 };

enum parked_outcome {
    PARKED_DONE,
    PARKED_NOT_FOUND,
    PARKED_WAS_DECIDED, /* before: nothing changed */
    PARKED_TOO_LATE,    /* the instance is destroyed: its meters are closed for good */
};

/* Those that wait, oldest first. */
NODISCARD bool flow_parked_list(const struct flow *flow, struct arena *arena,
                                struct parked_row **ret, size_t *ret_count, struct error *err);

/* What it comes to at the contract's price, for the renter and the host to be told. */
struct money parked_worth(const struct parked_row *row);

/* Charge it, at the contract's price, as far as there is credit: `*ret` says how much that was. */
NODISCARD bool flow_parked_charge(const struct flow *flow, int64_t id, struct parked_row *ret,
                                  enum parked_outcome *ret_outcome, struct error *err);
/* Nobody pays for it. */
NODISCARD bool flow_parked_drop(const struct flow *flow, int64_t id, struct parked_row *ret,
                                enum parked_outcome *ret_outcome, struct error *err);

#endif
