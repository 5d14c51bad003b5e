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

    bool has_map; /* else they were few in the end */
    uint8_t map[COLUMN_ROWS];
    const struct column_scan *scan; /* borrowed, all three, of the plan's key column */
    const struct column *key;
    const struct catalog_zone *zone;
};

/* Whether zones leave it possible that the block has something. */
bool catalog_scan_may(const struct catalog *catalog, const struct catalog_plan *plan, size_t block);

/* Of a block that may. `limit`, unless it is NULL: only rows whose number in the plan's key column
 * is in it. */
void catalog_scan(const struct catalog *catalog, const struct catalog_plan *plan, size_t block,
                  const int64_t *limit, struct catalog_left *ret_left);

/* Of those that were left, where there is a map: a range of the key column, from its highest
 * numbers down or from its lowest up, that has at least `wanted` of them, and not many more unless
 * they are much alike. `wanted` is at most their count. */
void catalog_left_front(struct catalog_left *left, bool is_descending, size_t wanted,
                        int64_t ret_range[static 2]);

/* The rows are then only those whose number is in the one range and not in the other; NULL: no such
 * range. Where there is a map, out of which each call takes its rows anew. */
void catalog_left_narrow(struct catalog_left *left, const int64_t *inside, const int64_t *outside);

#endif
