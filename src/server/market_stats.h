/* SPDX-License-Identifier: Apache-2.0 */
/* What GPUs cost and earn on the whole market, for anybody who asks: gathered at most every
 * MARKET_STATS_SECONDS and EARNINGS_SECONDS by whoever asks first, so that asking costs little,
 * however often it is done. What is on offer is looked at sooner where there is little of it. */

#ifndef BERTH_SERVER_MARKET_STATS_H
#define BERTH_SERVER_MARKET_STATS_H

#include "base/arena.h"
#include "flow/flow.h"
#include "market/prices.h"
#include "server/catalog_feed.h"

enum { MARKET_STATS_SECONDS = 30, EARNINGS_SECONDS = 600 };

struct market_stats;

/* Both are borrowed. */
struct market_stats *market_stats_open(const struct flow *flow, struct catalog_feed *catalog);
void market_stats_close(struct market_stats **stats);

/* `*ret` is an array of rows in `arena`, as their texts are. */
NODISCARD bool market_stats_models(struct market_stats *stats, const struct prices_filter *filter,
                                   struct arena *arena, struct prices_model **ret,
                                   size_t *ret_count, struct error *err);

/* GPUs that are offered or rented now, by where they are. */
NODISCARD bool market_stats_spots(struct market_stats *stats, struct arena *arena,
                                  struct prices_spot **ret, size_t *ret_count, struct error *err);

/* A job: once an hour, what is on the market goes into its history (flow/market_history.h). */
NODISCARD bool market_stats_keep(struct market_stats *stats, struct error *err);

NODISCARD bool market_stats_estimate(struct market_stats *stats, const char *gpu_name,
                                     const char *countries, struct prices_estimate *ret,
                                     struct error *err);

/* MARKET_DAYS days of one model, or for NULL of all; the oldest first. */
enum { MARKET_DAYS = 30 };
NODISCARD bool market_stats_days(struct market_stats *stats, const char *gpu_name,
                                 struct prices_day ret[static MARKET_DAYS], struct error *err);

/* `*ret` is an array of rows in `arena`. */
NODISCARD bool market_stats_places(struct market_stats *stats, struct arena *arena,
                                   struct prices_place **ret, size_t *ret_count, struct error *err);

#endif
