/* SPDX-License-Identifier: Apache-2.0 */
#include "market/catalog_blocks.h"

#include <math.h>

#include "check.h"
#include "support_stalls.h"

static double a_value(void)
{
    static const double edges[] = { 0, 1e-320, 1e-10, 0.35, 1, 4096, 16777217, 3.4e38, 1e300 };
    double value = edges[check_random(sizeof edges / sizeof edges[0])];

    return value * (1 + (double)check_random(1000000) / 1e6 * (double)check_random(2));
}

/* A bound is never below what it bounds, and what cannot be reached is never above a bound. */
static void test_bounds_are_in_the_order_of_values(void **state)
{
    (void)state;
    for (int i = 0; i < 100000; i++) {
        double low = a_value(), high = a_value();

        check_row("%g and %g", low, high);
        if (low > high)
            continue;
        CHECK(catalog_bound(low) <= catalog_bound(high));
        CHECK(catalog_bound_below(low) <= catalog_bound(high));
        CHECK(catalog_bound_below(low) <= catalog_bound_below(high));
    }
    CHECK(catalog_bound(NAN) >= catalog_bound(1e30) && catalog_bound(-1) >= catalog_bound(1e30));
    CHECK(catalog_bound(INFINITY) >= catalog_bound_below(INFINITY));
    /* And not much above it. */
    CHECK(catalog_bound(1000) < catalog_bound_below(1001));
}

/* No offer lies outside of its block's zones, whatever has been put and taken away. */
static void test_zones_hold_all_that_is_in_them(void **state)
{
    enum { MACHINES = 450 }; /* so that blocks are full */
    static struct stall stalls[MACHINES];
    static struct catalog_stock stocks[MACHINES];
    int64_t next_id = 1;

    (void)state;
    for (size_t i = 0; i < MACHINES; i++) {
        stall_fill(&stalls[i], (int64_t)i + 1, &next_id);
        stocks[i] = stall_stock(&stalls[i]);
    }
    auto_catalog struct catalog *catalog = catalog_of(stocks, MACHINES / 2);
    for (int step = 0; step < 8000; step++) {
        struct stall *stall = &stalls[check_random(MACHINES)];

        /* Then only changes: blocks stay full. */
        if (step < 4000)
            stall_fill(stall, stall->machine.id, &next_id);
        else
            stall_change(stall);
        const struct catalog_stock stock = stall_stock(stall);
        catalog_put(catalog, &stock);
    }
    for (size_t i = 0; i < catalog->block_count * COLUMN_ROWS; i++) {
        const struct catalog_block *block = catalog->blocks[i / COLUMN_ROWS];
        size_t at = i % COLUMN_ROWS, index = i / COLUMN_ROWS;

        check_row("row %zu", i);
        if ((block->flags[at] & FLAG_HERE) == 0) {
            CHECK(block->lines[at].offer == NULL);
            continue;
        }
        CHECK((block->flags[at] & ~catalog->flags_any[index]) == 0);
        CHECK((catalog->flags_all[index] & ~block->flags[at]) == 0);
        for (int column = 0; column < COLUMN_COUNT; column++) {
            int64_t number = column_get(&block->columns[column], at);

            CHECK(number >= catalog->zones[column][index].min);
            CHECK(number <= catalog->zones[column][index].max);
        }
        CHECK_INT(column_get(&block->columns[COLUMN_ID], at), block->lines[at].offer->id);
        CHECK_INT(idmap_find(&catalog->offers, block->lines[at].offer->id), (int64_t)i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_are_in_the_order_of_values),
        cmocka_unit_test(test_zones_hold_all_that_is_in_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
