/* SPDX-License-Identifier: Apache-2.0 */
#include "market/catalog_scan.h"

#include <assert.h>
#include <string.h>

enum {
    FEW_MAX = 24,    /* rows that are looked at one by one faster than a column is scanned */
    HALVES_MAX = 12, /* of the way from a column's best number to its worst */
};

enum answer { ANSWER_NONE, ANSWER_SOME, ANSWER_ALL };

/* What a zone says of a test. */
static enum answer ask_zone(const struct catalog_plan *plan, const struct plan_test *test,
                            const struct catalog_zone *zone)
{
    bool is_touched = false;

    for (size_t i = 0; i < test->range_count; i++) {
        const int64_t *range = plan->ranges[test->range_first + i];

        if (range[0] <= zone->min && zone->max <= range[1])
            return test->is_inside ? ANSWER_ALL : ANSWER_NONE;
        is_touched = is_touched || (range[0] <= zone->max && zone->min <= range[1]);
    }
    if (is_touched)
        return ANSWER_SOME;
    return test->is_inside ? ANSWER_NONE : ANSWER_ALL;
}

static bool is_sure(const struct plan_test *test, const struct catalog_zone *zone)
{
    return test->sure[0] <= zone->min && zone->max <= test->sure[1];
}

/* A block under the plan. */
struct scan {
    const struct catalog *catalog;
    const struct catalog_plan *plan;
    size_t index;
    const struct catalog_block *block;
};

/* Leaves the rows for which a test holds; returns how many bytes that read. */
static size_t scan_test(const struct scan *in, const struct plan_test *test, uint8_t *keep)
{
    const struct column *column = &in->block->columns[test->column];
    const struct catalog_zone *zone = &in->catalog->zones[test->column][in->index];
    const struct column_scan *scan = in->catalog->scan;
    const int64_t *ranges[PLAN_RANGES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < test->range_count; i++) {
        const int64_t *range = in->plan->ranges[test->range_first + i];

        if (range[0] <= zone->max && zone->min <= range[1])
            ranges[count++] = range;
    }
    if (test->is_inside && count > 1) {
        uint8_t mark[COLUMN_ROWS] = { 0 };

        for (size_t i = 0; i < count; i++)
            column_scan(scan, column, COLUMN_MARK, ranges[i], mark);
        scan->both(keep, mark);
        return count * column_size(column);
    }
    for (size_t i = 0; i < count; i++)
        column_scan(scan, column, test->is_inside ? COLUMN_INSIDE : COLUMN_OUTSIDE, ranges[i],
                    keep);
    return count * column_size(column);
}

/* The numbers of the rows that are left. */
static size_t rows_left(const uint8_t *keep, uint16_t rows[static COLUMN_ROWS])
{
    size_t count = 0;

    for (size_t first = 0; first < COLUMN_ROWS; first += 64) {
        uint64_t words[8], any = 0;

        memcpy(words, keep + first, sizeof words);
        for (size_t i = 0; i < 8; i++)
            any |= words[i];
        for (size_t i = 0; any != 0 && i < 8; i++) {
            for (uint64_t eight = words[i]; eight != 0; eight &= eight - 1)
                rows[count++] = (uint16_t)(first + 8 * i + (size_t)__builtin_ctzll(eight) / 8);
        }
    }
    return count;
}

static size_t scan_flags(const struct scan *in, uint8_t *keep)
{
    const struct catalog *catalog = in->catalog;
    uint16_t mask = in->plan->flags_mask, want = in->plan->flags_want;

    if ((catalog->flags_all[in->index] & mask) == want &&
        (catalog->flags_any[in->index] & mask) == want) {
        memset(keep, 1, COLUMN_ROWS);
        return 0;
    }
    catalog->scan->flags(in->block->flags, mask, want, keep);
    return sizeof in->block->flags;
}

static size_t scan_limit(const struct scan *in, const int64_t *limit, uint8_t *keep)
{
    const struct column *column = &in->block->columns[in->plan->key_column];
    const struct catalog_zone *zone = &in->catalog->zones[in->plan->key_column][in->index];

    if (limit == NULL || (limit[0] <= zone->min && zone->max <= limit[1]))
        return 0;
    column_scan(in->catalog->scan, column, COLUMN_INSIDE, limit, keep);
    return column_size(column);
}

/* The same as scan_test(), one row after the other. */
static size_t test_rows(const struct scan *in, const struct plan_test *test,
                        struct catalog_left *left)
{
    const struct column *column = &in->block->columns[test->column];
    const int64_t(*ranges)[2] = &in->plan->ranges[test->range_first];
    size_t count = 0, bytes = left->count * (size_t)column->width;

    for (size_t i = 0; i < left->count; i++) {
        int64_t number = column_get(column, left->rows[i]);
        bool is_in = false;

        for (size_t j = 0; j < test->range_count && !is_in; j++)
            is_in = ranges[j][0] <= number && number <= ranges[j][1];
        left->rows[count] = left->rows[i];
        count += is_in == test->is_inside ? 1 : 0;
    }
    left->count = count;
    return bytes;
}

void catalog_scan(const struct catalog *catalog, const struct catalog_plan *plan, size_t index,
                  const int64_t *limit, struct catalog_left *left)
{
    const struct scan in = { catalog, plan, index, catalog->blocks[index] };
    uint8_t *keep = left->map;
    bool are_few = false;

    left->scan = catalog->scan;
    left->key = &in.block->columns[plan->key_column];
    left->zone = &catalog->zones[plan->key_column][index];
    left->count = COLUMN_ROWS;
    left->to_verify = plan->to_verify;
    left->bytes_scanned = scan_flags(&in, keep);
    /* What cannot come before the worst that we have goes first: that mostly leaves few. */
    left->bytes_scanned += scan_limit(&in, limit, keep);
    for (size_t i = 0; i < plan->test_count && left->count > 0; i++) {
        const struct plan_test *test = &plan->tests[i];
        const struct catalog_zone *zone = &catalog->zones[test->column][index];

        if (test->to_verify != PLAN_NO_CONDITION && !is_sure(test, zone))
            left->to_verify |= UINT64_C(1) << test->to_verify;
        if (ask_zone(plan, test, zone) == ANSWER_ALL)
            continue;
        if (!are_few && catalog->scan->count(keep) <= FEW_MAX) {
            left->count = rows_left(keep, left->rows);
            are_few = true;
        }
        left->bytes_scanned += are_few ? test_rows(&in, test, left) : scan_test(&in, test, keep);
    }
    if (!are_few)
        left->count = rows_left(keep, left->rows);
    left->has_map = !are_few;
}

/* From the better end of the key column so far towards the other. */
static void reach(const struct catalog_left *left, bool is_descending, uint64_t far,
                  int64_t range[static 2])
{
    range[0] = is_descending ? (int64_t)((uint64_t)left->zone->max - far) : INT64_MIN;
    range[1] = is_descending ? INT64_MAX : (int64_t)((uint64_t)left->zone->min + far);
}

static size_t count_inside(struct catalog_left *left, const int64_t range[static 2])
{
    uint8_t keep[COLUMN_ROWS];

    memcpy(keep, left->map, sizeof keep);
    column_scan(left->scan, left->key, COLUMN_INSIDE, range, keep);
    left->bytes_scanned += column_size(left->key);
    return left->scan->count(keep);
}

void catalog_left_front(struct catalog_left *left, bool is_descending, size_t wanted,
                        int64_t range[static 2])
{
    uint64_t near = 0, far = (uint64_t)left->zone->max - (uint64_t)left->zone->min;

    assert(left->has_map);
    for (int i = 0; i < HALVES_MAX && near < far; i++) {
        uint64_t middle = near + (far - near) / 2;

        reach(left, is_descending, middle, range);
        size_t count = count_inside(left, range);
        if (count < wanted) {
            near = middle + 1;
            continue;
        }
        far = middle;
        if (count <= wanted + wanted / 2)
            break;
    }
    reach(left, is_descending, far, range);
}

void catalog_left_narrow(struct catalog_left *left, const int64_t *inside, const int64_t *outside)
{
    uint8_t keep[COLUMN_ROWS];

    assert(left->has_map);
    memcpy(keep, left->map, sizeof keep);
    if (inside != NULL)
        column_scan(left->scan, left->key, COLUMN_INSIDE, inside, keep);
    if (outside != NULL)
        column_scan(left->scan, left->key, COLUMN_OUTSIDE, outside, keep);
    left->bytes_scanned +=
        column_size(left->key) * ((inside != NULL ? 1u : 0u) + (outside != NULL ? 1u : 0u));
    left->count = rows_left(keep, left->rows);
}

bool catalog_scan_may(const struct catalog *catalog, const struct catalog_plan *plan, size_t index)
{
    uint16_t want = plan->flags_want, unwanted = (uint16_t)(plan->flags_mask & ~plan->flags_want);

    if ((catalog->flags_any[index] & want) != want || (catalog->flags_all[index] & unwanted) != 0)
        return false;
    for (size_t i = 0; i < plan->test_count; i++) {
        const struct plan_test *test = &plan->tests[i];

        if (ask_zone(plan, test, &catalog->zones[test->column][index]) == ANSWER_NONE)
            return false;
    }
    return true;
}
