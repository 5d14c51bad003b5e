/* SPDX-License-Identifier: Apache-2.0 */
#include "market/catalog.h"

#include "check.h"
#include "support.h"
#include "support_stalls.h"

static struct stall stalls[STALLS_MAX];

static void test_every_offer_is_found_by_its_id(void **state)
{
    static struct catalog_stock stocks[STALLS_MAX];
    int64_t next_id = 1;
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < STALLS_MAX; i++) {
        stall_fill(&stalls[i], (int64_t)i + 1, &next_id);
        stocks[i] = stall_stock(&stalls[i]);
        count += stalls[i].count;
    }
    auto_catalog struct catalog *catalog = catalog_of(stocks, STALLS_MAX);
    CHECK(catalog_offer_count(catalog) == count);
    CHECK(catalog_machine_count(catalog) == STALLS_MAX);
    for (size_t i = 0; i < STALLS_MAX; i++) {
        for (size_t j = 0; j < stalls[i].count; j++)
            CHECK(catalog_offer(catalog, stalls[i].offers[j].id) == &stocks[i].offers[j]);
    }
    CHECK(catalog_offer(catalog, -1) == NULL);
}

/* Rows that are given back are used again: a market that only changes does not grow. */
static void test_what_is_put_replaces_what_was_there(void **state)
{
    int64_t next_id = 1;
    static struct stall first, second;
    struct catalog_stock stock;

    (void)state;
    auto_catalog struct catalog *catalog = catalog_of(NULL, 0);
    CHECK(catalog_offer_count(catalog) == 0 && catalog_offer(catalog, 1) == NULL);
    for (int round = 0; round < 400; round++) {
        struct stall *stall = round % 2 == 0 ? &first : &second;
        const struct stall *last = round % 2 == 0 ? &second : &first;

        stall_fill(stall, 77, &next_id);
        stock = stall_stock(stall);
        catalog_put(catalog, &stock);
        CHECK(catalog_offer_count(catalog) == stall->count);
        CHECK(catalog_machine_count(catalog) == 1);
        for (size_t i = 0; i < last->count; i++)
            CHECK(catalog_offer(catalog, last->offers[i].id) == NULL);
    }
    stock.count = 0;
    catalog_put(catalog, &stock);
    catalog_put(catalog, &stock);
    CHECK(catalog_offer_count(catalog) == 0 && catalog_machine_count(catalog) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_offer_is_found_by_its_id),
        cmocka_unit_test(test_what_is_put_replaces_what_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
