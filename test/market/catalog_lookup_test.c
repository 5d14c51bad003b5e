/* SPDX-License-Identifier: Apache-2.0 */
#include "market/catalog_lookup.h"

#include "check.h"
#include "support_stalls.h"

enum { MACHINES = 60 };
static struct stall stalls[MACHINES];

static struct catalog *fill(void)
{
    static struct catalog_stock stocks[MACHINES];
    int64_t next_id = 1;

    for (size_t i = 0; i < MACHINES; i++) {
        stall_fill(&stalls[i], (int64_t)i + 1, &next_id);
        stocks[i] = stall_stock(&stalls[i]);
    }
    return catalog_of(stocks, MACHINES);
}

static bool is_asked_for(const struct offer *offer, enum query_field field,
                         const struct query_value *values, size_t count)
{
    int64_t id = field == QUERY_ID           ? offer->id
                 : field == QUERY_MACHINE_ID ? offer->machine->id
                                             : offer->machine->host_id;

    for (size_t i = 0; i < count; i++) {
        if (values[i].kind == QUERY_VALUE_NUMBER && values[i].number == (double)id)
            return true;
    }
    return false;
}

/* All offers with the ids and no others, each once, whatever else is in the list. */
static void test_a_lookup_finds_what_is_asked_for(void **state)
{
    static const enum query_field fields[] = { QUERY_ID, QUERY_MACHINE_ID, QUERY_HOST_ID };
    static const double odd[] = { -1, 0.5, 1e9 };
    static struct catalog_rows rows;

    (void)state;
    auto_catalog struct catalog *catalog = fill();
    for (int round = 0; round < 2000; round++) {
        struct query query = query_default();
        struct query_value values[4];
        enum query_field field = fields[check_random(3)];
        size_t count = check_random(5), want = 0;

        for (size_t i = 0; i < count; i++) {
            const struct offer *offer = &stalls[check_random(MACHINES)].offers[0];

            values[i] = (struct query_value){
                .kind = check_random(9) == 0 ? QUERY_VALUE_NULL : QUERY_VALUE_NUMBER,
                .number = check_random(5) == 0 ? odd[check_random(3)]
                          : field == QUERY_ID  ? (double)offer->id
                                               : (double)(1 + check_random(MACHINES)),
            };
        }
        query.conditions[0] = (struct query_condition){ field, QUERY_IN, count, values };
        check_row("round %d", round);
        CHECK(catalog_lookup(catalog, &query, 0, &rows));
        for (size_t i = 0; i < MACHINES; i++) {
            for (size_t j = 0; j < stalls[i].count; j++)
                want += is_asked_for(&stalls[i].offers[j], field, values, count) ? 1 : 0;
        }
        CHECK(rows.count == want);
        for (size_t i = 0; i < rows.count; i++) {
            const struct catalog_block *block = catalog_block_of(catalog, rows.rows[i]);

            CHECK(i == 0 || rows.rows[i] > rows.rows[i - 1]);
            CHECK(
                is_asked_for(block->lines[rows.rows[i] % COLUMN_ROWS].offer, field, values, count));
        }
    }
}

static void test_numbers_that_doubles_do_not_hold_are_not_looked_up(void **state)
{
    static struct catalog_rows rows;
    struct query_value value = { .kind = QUERY_VALUE_NUMBER, .number = 9007199254740993.0 };
    struct query query = query_default();

    (void)state;
    auto_catalog struct catalog *catalog = fill();
    query.conditions[0] =
        (struct query_condition){ QUERY_ID, QUERY_EQ, .count = 1, .values = &value };
    CHECK(!catalog_lookup(catalog, &query, 0, &rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lookup_finds_what_is_asked_for),
        cmocka_unit_test(test_numbers_that_doubles_do_not_hold_are_not_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
