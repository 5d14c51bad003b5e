/* SPDX-License-Identifier: Apache-2.0 */
#include "market/catalog_scan.h"

#include <string.h>

#include "check.h"
#include "support.h"
#include "support_stalls.h"

static struct stall stalls[STALLS_MAX];
static struct catalog_stock stocks[STALLS_MAX];
static struct asked asked;
static struct catalog_plan plan;

/* One row under all tests, flags and the limit, as they are defined. */
static bool is_left(const struct catalog_block *block, size_t at, const int64_t *limit)
{
    if ((block->flags[at] & plan.flags_mask) != plan.flags_want)
        return false;
    for (size_t i = 0; i < plan.test_count; i++) {
        const struct plan_test *test = &plan.tests[i];
        int64_t number = column_get(&block->columns[test->column], at);
        bool is_in = false;

        for (size_t j = 0; j < test->range_count; j++)
            is_in = is_in || (plan.ranges[test->range_first + j][0] <= number &&
                              number <= plan.ranges[test->range_first + j][1]);
        if (is_in != test->is_inside)
            return false;
    }
    if (limit == NULL)
        return true;
    int64_t key = column_get(&block->columns[plan.key_column], at);
    return limit[0] <= key && key <= limit[1];
}

/* What a range has of the rows that were left, and, but for that, another range. */
static void check_narrow(struct catalog_left *left, const struct catalog_left *all,
                         const int64_t *inside, const int64_t *outside)
{
    size_t count = 0;

    catalog_left_narrow(left, inside, outside);
    for (size_t i = 0; i < all->count; i++) {
        int64_t number = column_get(left->key, all->rows[i]);

        if ((inside != NULL && (number < inside[0] || number > inside[1])) ||
            (outside != NULL && number >= outside[0] && number <= outside[1]))
            continue;
        CHECK(count < left->count && left->rows[count] == all->rows[i]);
        count++;
    }
    CHECK_INT((int64_t)left->count, (int64_t)count);
}

/* The front is at the better end and has enough; what is in it, what is not, and both are all. */
static void check_front(struct catalog_left *left, const int64_t *limit)
{
    const struct catalog_left all = *left;
    bool is_descending = check_random(2) == 0;
    size_t wanted = 1 + (size_t)check_random(all.count);
    int64_t front[2];

    catalog_left_front(left, is_descending, wanted, front);
    CHECK(front[is_descending ? 1 : 0] == (is_descending ? INT64_MAX : INT64_MIN));
    check_narrow(left, &all, front, NULL);
    CHECK(left->count >= wanted);
    check_narrow(left, &all, limit, front);
    check_narrow(left, &all, NULL, front);
    check_narrow(left, &all, NULL, NULL);
}

static void check_block(const struct catalog *catalog, size_t index, const int64_t *limit)
{
    struct catalog_left left = { .count = 0 };
    size_t count = 0;

    if (catalog_scan_may(catalog, &plan, index))
        catalog_scan(catalog, &plan, index, limit, &left);
    for (size_t at = 0; at < COLUMN_ROWS; at++) {
        if (!is_left(catalog->blocks[index], at, limit))
            continue;
        CHECK(count < left.count && left.rows[count] == at);
        count++;
    }
    CHECK_INT((int64_t)left.count, (int64_t)count);
    if (left.has_map && left.count > 0)
        check_front(&left, limit);
}

static void test_a_scan_leaves_what_passes_every_test(void **state)
{
    int64_t next_id = 1;

    (void)state;
    for (size_t i = 0; i < STALLS_MAX; i++) {
        stall_fill(&stalls[i], (int64_t)i + 1, &next_id);
        stocks[i] = stall_stock(&stalls[i]);
    }
    auto_catalog struct catalog *catalog = catalog_of(stocks, STALLS_MAX);
    for (int round = 0; round < 2000; round++) {
        asked_fill(&asked, stalls, STALLS_MAX);
        catalog_plan(catalog, &asked.query, &asked.caller, &plan);
        for (size_t index = 0; index < catalog->block_count; index++) {
            const struct column *key = &catalog->blocks[index]->columns[plan.key_column];
            int64_t low = column_get(key, check_random(COLUMN_ROWS));
            int64_t high = column_get(key, check_random(COLUMN_ROWS));
            const int64_t limit[2] = { check_random(2) == 0 ? INT64_MIN : low,
                                       check_random(2) == 0 ? INT64_MAX : high };

            check_row("round %d, block %zu", round, index);
            check_block(catalog, index, check_random(3) == 0 ? NULL : limit);
        }
    }
}

/* Of a thousand different numbers, the front has not many more than it was asked for. */
static void test_a_front_is_about_as_large_as_asked(void **state)
{
    int64_t numbers[COLUMN_ROWS];
    struct column key = { .width = 0 };
    const struct catalog_zone zone = { -1000000, 3000000 };
    struct catalog_left left = {
        .has_map = true, .scan = column_scan_best(), .key = &key, .zone = &zone
    };
    int64_t front[2];

    (void)state;
    for (size_t i = 0; i < COLUMN_ROWS; i++)
        numbers[i] = zone.min + (int64_t)check_random(4000001);
    column_fill(&key, numbers);
    memset(left.map, 1, sizeof left.map);
    for (size_t wanted = 1; wanted <= COLUMN_ROWS; wanted++) {
        catalog_left_front(&left, wanted % 2 == 0, wanted, front);
        catalog_left_narrow(&left, front, NULL);
        check_row("wanted %zu, got %zu", wanted, left.count);
        CHECK(left.count >= wanted && left.count <= wanted + wanted / 2 + 8);
    }
    column_release(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_scan_leaves_what_passes_every_test),
        cmocka_unit_test(test_a_front_is_about_as_large_as_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
