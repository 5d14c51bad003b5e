/* SPDX-License-Identifier: Apache-2.0 */
/* A market of any size on the distributions of a real one, and the twelve searches of it. */

#ifndef BERTH_BENCH_SEARCH_MARKET_H
#define BERTH_BENCH_SEARCH_MARKET_H

#include "market/catalog_search.h"

enum { QUERY_COUNT = 12 };

struct market {
    struct machine *machines; /* owned; each has its offers next to each other */
    struct offer *offers;     /* owned */
    struct catalog_stock *stocks;
    size_t machine_count, offer_count;
};

/* Every machine is drawn from a row of test/market/offers_real.csv (from the folder the program
 * runs in, or as BERTH_BENCH_OFFERS says), with some noise on what is measured and asked; what rows
 * do not tell (PCIe, clocks, who has rented) is drawn by itself. Ends the program without the file.
 */
struct market market_of(size_t offer_count);
void market_release(struct market *market);

/* splitmix64, for all that is drawn. */
uint64_t draw(uint64_t limit);

#define BENCH_NOW ((struct instant){ INT64_C(1795330553000000) })

/* A search as we have it, and as SQL with :disk and :machine written in. */
struct bench_query {
    const char *name;
    struct query query;
    const char *where, *order; /* in SQL */
};

/* What they borrow lives as long as the program. Q11 asks for this machine. */
void bench_queries(int64_t machine_id, struct bench_query ret[static QUERY_COUNT]);

#endif
