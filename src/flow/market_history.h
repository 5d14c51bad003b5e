/* SPDX-License-Identifier: Apache-2.0 */
/* What was on the market, once an hour and for so many days: for how supply, demand and prices have
 * moved. */

#ifndef BERTH_FLOW_MARKET_HISTORY_H
#define BERTH_FLOW_MARKET_HISTORY_H

#include "flow/flow.h"
#include "store/market_lot.h"

enum { MARKET_HISTORY_DAYS = 90, MARKET_HISTORY_LOTS_MAX = 50000 };

/* Sorts the lots. Nothing is kept where that hour has been, by whatever server; nor of an empty
 * market, which is looked at again. */
NODISCARD bool flow_market_history_keep(const struct flow *flow, struct prices_lot *lots,
                                        size_t count, struct error *err);

NODISCARD bool flow_market_history(const struct flow *flow, const struct market_lot_range *range,
                                   struct arena *arena, struct market_lot_row **ret,
                                   size_t *ret_count, struct error *err);

#endif
