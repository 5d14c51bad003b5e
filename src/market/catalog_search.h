/* SPDX-License-Identifier: Apache-2.0 */
/* The best offers of a catalog for one asker.
 *
 * Whole blocks are ruled out by their zones first; those left are taken with the most promising one
 * first, and in each the conditions are scanned one after the other, by columns. Only what passed
 * all of them is priced exactly, and once there are enough hits, what cannot come before the worst
 * of them is ruled out like that too. What is asked for by id is looked up and not scanned for. */

#ifndef BERTH_MARKET_CATALOG_SEARCH_H
#define BERTH_MARKET_CATALOG_SEARCH_H

#include "market/catalog.h"
#include "market/query.h"

struct catalog_hit {
    const struct offer *offer; /* as long as it is in the catalog */
    int64_t id;
    struct money total; /* of its quote: the rest is worked out by who shows it */
};

/* The first query->limit of the offers that match, best first. `hits` has room for them. Returns
 * how many there are. The same offers, query and caller give the same hits. */
size_t catalog_search(const struct catalog *catalog, const struct query *query,
                      const struct query_caller *caller, struct catalog_hit *hits);

/* How much a search looked at, and what its columns hold in all blocks: for benchmarks. */
struct catalog_effort {
    size_t blocks_scanned, bytes_scanned;
    size_t column_bytes; /* of the columns of its conditions and its order, in the whole catalog */
    size_t offers_priced;
};
struct catalog_effort catalog_search_effort(const struct catalog *catalog,
                                            const struct query *query,
                                            const struct query_caller *caller);

#endif
