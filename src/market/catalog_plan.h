/* SPDX-License-Identifier: Apache-2.0 */
/* From a query to tests on columns: for market/catalog_search.c.
 *
 * Fields are compared as doubles and columns hold whole numbers; each field rises with its column.
 * So a condition is one range of numbers or a few, found by computing the field's own value near
 * the edge: nothing is rounded, and a scan decides exactly as query_condition_holds() does. Where a
 * column can only rule out, as what a price is before a disk is added, or a field has no column,
 * the condition is also verified on the offers that are left. */

#ifndef BERTH_MARKET_CATALOG_PLAN_H
#define BERTH_MARKET_CATALOG_PLAN_H

#include "market/catalog_blocks.h"
#include "market/query.h"

enum {
    PLAN_RANGES_MAX = 256,
    PLAN_TESTS_MAX = QUERY_CONDITIONS_MAX + 4,
    PLAN_NO_CONDITION = -1,
};

/* The number in one column is in one of some ranges, or in none. */
struct plan_test {
    enum catalog_column column;
    bool is_inside;
    size_t range_first, range_count;
    int to_verify;   /* the condition that this only stands for, unless it is PLAN_NO_CONDITION */
    int64_t sure[2]; /* and where numbers are from here to here, not even then */
};

/* What comes first, where that can be told from columns. */
enum plan_key {
    PLAN_KEY_ANY,
    PLAN_KEY_TOTAL,  /* lowest first */
    PLAN_KEY_SCORE,  /* highest first */
    PLAN_KEY_VALUE,  /* DLPerf per dollar, highest first */
    PLAN_KEY_COLUMN, /* the field of one column, either way */
    PLAN_KEY_QUOTED, /* what no column bounds: worked out of each offer */
};

struct catalog_plan {
    const struct query *query;
    const struct query_caller *caller;
    bool is_impossible;
    uint16_t flags_mask, flags_want;
    uint64_t to_verify; /* conditions, by number */
    bool checks_disk;   /* rented offers need none: that too is verified */
    enum plan_key key;
    enum catalog_column
        key_column;    /* bounds the key; unless it is PLAN_KEY_ANY or PLAN_KEY_QUOTED */
    int key_condition; /* asks for some ids: of offers, machines or a host */
    size_t test_count, range_count;
    struct plan_test tests[PLAN_TESTS_MAX]; /* the most useful first */
    int64_t ranges[PLAN_RANGES_MAX][2];
};

void catalog_plan(const struct catalog *catalog, const struct query *query,
                  const struct query_caller *caller, struct catalog_plan *ret_plan);

/* For PLAN_KEY_COLUMN: what the key field is for a number in its column. */
struct query_value catalog_plan_key(const struct catalog_plan *plan, int64_t number);

/* The numbers in key_column of offers that may come before or with one whose key field is this. */
void catalog_plan_bound(const struct catalog_plan *plan, double key, int64_t ret_range[static 2]);

#endif
