/* SPDX-License-Identifier: Apache-2.0 */
#include "market/catalog_search.h"

#include <stdlib.h>

#include "check.h"
#include "market/catalog_notes.h"
#include "support.h"
#include "support_stalls.h"

enum { OFFERS_MAX = STALLS_MAX * STALL_OFFERS_MAX };

static struct stall stalls[STALLS_MAX];
static struct asked asked;

static struct catalog_stock stocks[STALLS_MAX];

static struct catalog *catalog_of_stalls(size_t count)
{
    for (size_t i = 0; i < count; i++)
        stocks[i] = stall_stock(&stalls[i]);
    return catalog_of(stocks, count);
}

/* The same ids in the same order, at the right price, up to the limit. */
static void check_search(const struct catalog *catalog, size_t count)
{
    static struct catalog_hit got[QUERY_LIMIT_MAX];
    static int64_t want[OFFERS_MAX];
    size_t all = stalls_search(stalls, count, &asked, want);
    size_t found = catalog_search(catalog, &asked.query, &asked.caller, got);

    CHECK(found == (all < asked.query.limit ? all : asked.query.limit));
    for (size_t i = 0; i < found; i++) {
        CHECK_INT(got[i].offer->id, want[i]);
        CHECK_INT(got[i].total.nanodollars,
                  offer_quote(got[i].offer, &asked.query.ask).total.nanodollars);
    }
}

static void test_a_search_finds_what_the_plainest_search_finds(void **state)
{
    static const size_t sizes[] = { 0, 1, 7, 60, STALLS_MAX };
    int64_t next_id = 1;

    (void)state;
    for (size_t round = 0; round < sizeof sizes / sizeof sizes[0]; round++) {
        for (size_t i = 0; i < sizes[round]; i++)
            stall_fill(&stalls[i], (int64_t)(5000 - i), &next_id);
        auto_catalog struct catalog *catalog = catalog_of_stalls(sizes[round]);

        for (int search = 0; search < 700; search++) {
            check_row("%zu machines, search %d", sizes[round], search);
            asked_fill(&asked, stalls, sizes[round]);
            check_search(catalog, sizes[round]);
        }
    }
}

/* Whatever changes, the next search sees it: machines come, change, trade their offers and go. And
 * what was noted makes of a twin the same. */
static void test_a_search_sees_what_changed_before_it(void **state)
{
    enum { MACHINES = 300 };
    int64_t next_id = 1;

    (void)state;
    for (size_t i = 0; i < MACHINES; i++)
        stall_fill(&stalls[i], (int64_t)i + 1, &next_id);
    auto_catalog struct catalog *catalog = catalog_of_stalls(MACHINES / 2);
    auto_catalog struct catalog *twin = catalog_of(stocks, MACHINES / 2);
    struct catalog_notes *notes = catalog_notes_new();
    for (size_t i = MACHINES / 2; i < MACHINES; i++)
        stalls[i].count = 0;

    for (int step = 0; step < 6000; step++) {
        struct stall *stall = &stalls[check_random(MACHINES)];
        uint64_t what = check_random(10);

        if (what < 6)
            stall_change(stall);
        else if (what < 9)
            stall_fill(stall, stall->machine.id, &next_id);
        else
            stall->count = 0;
        const struct catalog_stock stock = stall_stock(stall);
        catalog_note(catalog, &stock, 1, notes);
        catalog_put_noted(catalog, notes);
        catalog_put_noted(twin, notes);
        catalog_notes_clear(notes);
        if (step % 12 == 0) {
            check_row("step %d", step);
            asked_fill(&asked, stalls, MACHINES);
            check_search(catalog, MACHINES);
            check_search(twin, MACHINES);
        }
    }
    catalog_notes_release(&notes);
    size_t offers = 0, machines = 0;
    for (size_t i = 0; i < MACHINES; i++) {
        offers += stalls[i].count;
        machines += stalls[i].count > 0 ? 1 : 0;
    }
    CHECK(catalog_offer_count(catalog) == offers && catalog_machine_count(catalog) == machines);
}

static void test_a_search_looks_at_little(void **state)
{
    struct query query = query_default();
    const struct query_caller caller = { NOON, 0 };
    struct query_value id = { .kind = QUERY_VALUE_NUMBER, .number = 17 };
    int64_t next_id = 1;

    (void)state;
    for (size_t i = 0; i < STALLS_MAX; i++)
        stall_fill(&stalls[i], (int64_t)i + 1, &next_id);
    auto_catalog struct catalog *catalog = catalog_of_stalls(STALLS_MAX);

    /* What is asked for by id is not scanned for. */
    query.conditions[0] =
        (struct query_condition){ QUERY_MACHINE_ID, QUERY_EQ, .count = 1, .values = &id };
    query.condition_count = 1;
    CHECK(catalog_search_effort(catalog, &query, &caller).blocks_scanned == 0);
    /* No block has what nobody has. */
    query.conditions[0] =
        (struct query_condition){ QUERY_NUM_GPUS, QUERY_GT, .count = 1, .values = &id };
    CHECK(catalog_search_effort(catalog, &query, &caller).blocks_scanned == 0);
    /* The cheapest few are found without pricing all of them. */
    query.condition_count = 0;
    query.ask.disk_milligb = 0;
    query.order[0] = (struct query_order){ QUERY_DPH_TOTAL, false };
    query.limit = 1;
    struct catalog_effort effort = catalog_search_effort(catalog, &query, &caller);
    CHECK(effort.blocks_scanned >= 1 && effort.offers_priced < catalog_offer_count(catalog) / 4);
    CHECK(effort.bytes_scanned > 0 && effort.column_bytes > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_search_finds_what_the_plainest_search_finds),
        cmocka_unit_test(test_a_search_sees_what_changed_before_it),
        cmocka_unit_test(test_a_search_looks_at_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
