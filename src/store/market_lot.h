/* SPDX-License-Identifier: Apache-2.0 */
/* What was on the market, hour by hour: lots of GPUs that are alike, and how many of those. */

#ifndef BERTH_STORE_MARKET_LOT_H
#define BERTH_STORE_MARKET_LOT_H

#include "base/arena.h"
#include "market/prices.h"
#include "store/db.h"

struct market_lot_row {
    int64_t hour;          /* since 1970 */
    struct instant at;     /* when it was looked at */
    struct prices_lot lot; /* of it, what a filter and a price need */
    int64_t lots;          /* that are like it */
};

/* `*ret_is_first` is false where that hour was looked at already, and nothing is to be kept. */
NODISCARD bool market_look_begin(struct db *db, int64_t hour, struct instant at, bool *ret_is_first,
                                 struct error *err);
NODISCARD bool market_lot_insert(struct db *db, const struct market_lot_row *row,
                                 struct error *err);
NODISCARD bool market_look_forget(struct db *db, int64_t before_hour, struct error *err);

struct market_lot_range {
    const char *gpu_name;
    int64_t first_hour, last_hour; /* both included */
    int64_t step_hours;            /* the first, and every so many behind it */
};

/* In order of the hours. */
NODISCARD bool market_lot_list(struct db *db, const struct market_lot_range *range,
                               struct arena *arena, struct market_lot_row **ret, size_t *ret_count,
                               struct error *err);

#endif
