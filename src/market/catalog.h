/* SPDX-License-Identifier: Apache-2.0 */
/* Every offer of the market in memory, for searching (market/catalog_search.h).
 *
 * Offers come by machine: what a machine offers now replaces all that it offered before, at a cost
 * that depends on the machine alone and not on the size of the market. The numbers of offers are
 * copied into columns; the offers themselves, with their machines, are borrowed, and must not
 * change, until they are replaced. Whoever searches while another changes it needs two catalogs and
 * takes turns (server/catalog_pair.h): inside, a catalog knows nothing of threads. */

#ifndef BERTH_MARKET_CATALOG_H
#define BERTH_MARKET_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "market/offer.h"

struct catalog;

#define auto_catalog __attribute__((cleanup(catalog_release)))

/* What one machine offers. All offers point to that machine. */
struct catalog_stock {
    int64_t machine_id;
    const struct offer *offers;
    size_t count;
};

/* Offers that are there from the start lie best: by GPU model and price. Each machine once. */
struct catalog *catalog_of(const struct catalog_stock *stocks, size_t count);
void catalog_release(struct catalog **catalog);

/* This is what the machine offers now; `count` 0: nothing any more. */
void catalog_put(struct catalog *catalog, const struct catalog_stock *stock);

size_t catalog_offer_count(const struct catalog *catalog);
size_t catalog_machine_count(const struct catalog *catalog);

/* NULL: none with that id. */
const struct offer *catalog_offer(const struct catalog *catalog, int64_t id);

#endif
