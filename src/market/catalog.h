/* SPDX-License-Identifier: Apache-2.0 */
/* Every offer of the market in memory, and the search through it.
 *
 * A catalog never changes: whoever keeps the market's builds the next one from the database's
 * rows and swaps it in, so that readers never wait. It owns copies of all it was given. */

#ifndef BERTH_MARKET_CATALOG_H
#define BERTH_MARKET_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "market/offer.h"
#include "market/query.h"

struct catalog;

#define auto_catalog __attribute__((cleanup(catalog_release)))

/* Copies machines and offers, with their texts. Each offer's machine is one of `machines`. */
struct catalog *catalog_of(const struct machine *machines, size_t machine_count,
                           const struct offer *offers, size_t offer_count);
void catalog_release(struct catalog **catalog);

size_t catalog_offer_count(const struct catalog *catalog);

/* NULL: none with that id. */
const struct offer *catalog_offer(const struct catalog *catalog, int64_t id);

struct catalog_hit {
    const struct offer *offer; /* the catalog's */
    struct quote quote;
};

/* The first query->limit of the offers that match, best first. `hits` has room for them. Returns
 * how many there are. The same catalog, query and caller give the same hits. */
size_t catalog_search(const struct catalog *catalog, const struct query *query,
                      const struct query_caller *caller, struct catalog_hit *hits);

#endif
