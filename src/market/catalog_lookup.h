/* SPDX-License-Identifier: Apache-2.0 */
/* Where in a catalog the offers with some ids are, or those of some machines or hosts: for
 * market/catalog_search.c. */

#ifndef BERTH_MARKET_CATALOG_LOOKUP_H
#define BERTH_MARKET_CATALOG_LOOKUP_H

#include "market/catalog_blocks.h"
#include "market/query.h"

/* So many are looked at one by one; more are found faster by a scan. */
enum { CATALOG_ROWS_MAX = 4096 };

struct catalog_rows {
    uint32_t rows[CATALOG_ROWS_MAX]; /* rising, each once */
    size_t count;
};

/* Rows of all offers for which a condition may hold that asks for ids, and of the query's extra
 * ones. False: there are too many, or what is asked for is no id that a double holds exactly. */
bool catalog_lookup(const struct catalog *catalog, const struct query *query, size_t condition,
                    struct catalog_rows *ret_rows);

#endif
