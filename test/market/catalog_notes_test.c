/* SPDX-License-Identifier: Apache-2.0 */
#include "market/catalog_notes.h"

#include <string.h>

#include "check.h"
#include "market/catalog_blocks.h"
#include "support.h"
#include "support_stalls.h"

enum { MACHINES = 200, BATCH = 8 };

static struct stall stalls[MACHINES];
static struct catalog_stock stocks[MACHINES];

/* Row by row, number by number. */
static void check_twins(const struct catalog *one, const struct catalog *two)
{
    CHECK(one->block_count == two->block_count && one->offer_count == two->offer_count);
    for (size_t i = 0; i < one->block_count * COLUMN_ROWS; i++) {
        const struct catalog_block *a = one->blocks[i / COLUMN_ROWS];
        const struct catalog_block *b = two->blocks[i / COLUMN_ROWS];
        size_t at = i % COLUMN_ROWS;

        CHECK_INT(a->flags[at], b->flags[at]);
        if ((a->flags[at] & FLAG_HERE) == 0)
            continue;
        CHECK(memcmp(&a->lines[at], &b->lines[at], sizeof a->lines[at]) == 0);
        for (int column = 0; column < COLUMN_COUNT; column++)
            CHECK_INT(column_get(&a->columns[column], at), column_get(&b->columns[column], at));
    }
    for (int column = 0; column < COLUMN_COUNT; column++) {
        for (size_t i = 0; i < one->block_count; i++) {
            CHECK_INT(one->zones[column][i].min, two->zones[column][i].min);
            CHECK_INT(one->zones[column][i].max, two->zones[column][i].max);
        }
    }
}

static void change(struct stall *stall, int64_t *next_id)
{
    uint64_t what = check_random(20);

    if (what < 17)
        stall_change(stall);
    else if (what < 19)
        stall_fill(stall, stall->machine.id, next_id);
    else
        stall->count = 0;
}

/* Whatever is put, and however many at a time: the twin is the same to the last number, and so is
 * one to which the same was put without notes. */
static void test_notes_make_a_twin(void **state)
{
    struct catalog_notes *notes = catalog_notes_new();
    int64_t next_id = 1;

    (void)state;
    for (size_t i = 0; i < MACHINES; i++) {
        stall_fill(&stalls[i], (int64_t)i + 1, &next_id);
        stocks[i] = stall_stock(&stalls[i]);
    }
    auto_catalog struct catalog *one = catalog_of(stocks, MACHINES);
    auto_catalog struct catalog *two = catalog_of(stocks, MACHINES);
    auto_catalog struct catalog *three = catalog_of(stocks, MACHINES);
    for (int step = 0; step < 3000; step++) {
        size_t first = check_random(MACHINES - BATCH), count = 1 + check_random(BATCH);

        catalog_notes_clear(notes);
        for (size_t i = first; i < first + count; i++) {
            change(&stalls[i], &next_id);
            stocks[i] = stall_stock(&stalls[i]);
        }
        catalog_note(one, &stocks[first], count, notes);
        catalog_put_noted(one, notes);
        catalog_put_noted(two, notes);
        for (size_t i = first; i < first + count; i++)
            catalog_put(three, &stocks[i]);
        check_row("step %d", step);
        if (step % 100 == 0)
            check_twins(one, two);
    }
    check_twins(one, two);
    check_twins(one, three);
    catalog_notes_release(&notes);
    CHECK(notes == NULL);
    catalog_notes_release(&notes);
}

static void test_what_only_changes_is_noted_by_its_numbers(void **state)
{
    struct catalog_notes *notes = catalog_notes_new();
    int64_t next_id = 1;

    (void)state;
    do
        stall_fill(&stalls[0], 1, &next_id);
    while (stalls[0].count == 0);
    stocks[0] = stall_stock(&stalls[0]);
    auto_catalog struct catalog *catalog = catalog_of(stocks, 1);
    stocks[0] = stall_stock(&stalls[0]);
    catalog_note(catalog, stocks, 1, notes);
    catalog_put_noted(catalog, notes);
    CHECK_INT((int64_t)notes->row_count, (int64_t)stalls[0].count);
    CHECK_INT((int64_t)notes->number_count, 0);
    CHECK(notes->rows[0].stock == NULL);
    catalog_notes_clear(notes);
    stalls[0].machine.cpu_name = "another";
    stocks[0] = stall_stock(&stalls[0]);
    catalog_note(catalog, stocks, 1, notes);
    CHECK_INT((int64_t)notes->row_count, 1);
    CHECK(notes->rows[0].stock == &stocks[0]);
    catalog_notes_release(&notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notes_make_a_twin),
        cmocka_unit_test(test_what_only_changes_is_noted_by_its_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
