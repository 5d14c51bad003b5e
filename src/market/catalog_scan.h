/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of a plan leave of a block: for market/catalog_search.c.
 *
 * Zones may rule the whole block out, or a test in it. The others are scanned one column after the
 * other until few rows are left, which are then looked at one by one. */

#ifndef BERTH_MARKET_CATALOG_SCAN_H
#define BERTH_MARKET_CATALOG_SCAN_H

#include "market/catalog_plan.h"

struct catalog_left {
    size_t count;
    uint64_t to_verify; /* conditions that columns could not decide, by number */
    size_t bytes_scanned;
    uint16_t rows[COLUMN_ROWS]; /* rising */
};

/* Whether zones leave it possible that the block has something. */
bool catalog_scan_may(const struct catalog *catalog, const struct catalog_plan *plan, size_t block);

/* Of a block that may. `limit`, unless it is NULL: only rows whose number in the plan's key column
 * is in it. */
void catalog_scan(const struct catalog *catalog, const struct catalog_plan *plan, size_t block,
                  const int64_t *limit, struct catalog_left *ret_left);

#endif
