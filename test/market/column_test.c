/* SPDX-License-Identifier: Apache-2.0 */
#include "market/column.h"

#include <string.h>

#include "check.h"

/* Numbers that crowd at the edges of the widths. */
static int64_t a_number(int kind)
{
    static const int64_t edges[] = {
        0, 255, 256, 65535, 65536, UINT32_MAX, UINT32_MAX + INT64_C(1), INT64_MAX, INT64_MIN
    };
    int64_t near = edges[check_random(kind < 9 ? (uint64_t)kind + 1 : 9)];
    int64_t off = (int64_t)check_random(3) - 1;

    if ((near == INT64_MAX && off > 0) || (near == INT64_MIN && off < 0))
        off = 0;
    return near + off;
}

static bool is_between(int64_t number, const int64_t range[static 2])
{
    return number >= range[0] && number <= range[1];
}

static void check_scans(const struct column *column, const int64_t numbers[static COLUMN_ROWS],
                        int kind)
{
    const struct column_scan *scans[COLUMN_SCANS_MAX];
    static uint8_t before[COLUMN_ROWS], rows[COLUMN_ROWS];
    int64_t range[2] = { a_number(kind), a_number(kind) };

    for (size_t row = 0; row < COLUMN_ROWS; row++)
        before[row] = (uint8_t)check_random(2);
    for (size_t left = column_scans(scans); left > 0; left--) {
        for (int relation = COLUMN_INSIDE; relation <= COLUMN_MARK; relation++) {
            size_t count = 0;

            memcpy(rows, before, sizeof rows);
            column_scan(scans[left - 1], column, (enum column_relation)relation, range, rows);
            for (size_t row = 0; row < COLUMN_ROWS; row++) {
                bool is_in = is_between(numbers[row], range), was = before[row] == 1;
                bool want = relation == COLUMN_INSIDE    ? was && is_in
                            : relation == COLUMN_OUTSIDE ? was && !is_in
                                                         : was || is_in;

                check_row("%s, row %zu, relation %d", scans[left - 1]->name, row, relation);
                CHECK_INT(rows[row], want);
                count += want ? 1 : 0;
            }
            CHECK(scans[left - 1]->count(rows) == count);
        }
    }
}

/* Whatever numbers are put in, in whatever order, they come out, and scans see them. */
static void test_a_column_holds_any_numbers(void **state)
{
    static int64_t numbers[COLUMN_ROWS], got[COLUMN_ROWS];

    (void)state;
    for (int round = 0; round < 60; round++) {
        struct column column = { .codes = NULL };
        int kind = round % 10;

        memset(numbers, 0, sizeof numbers);
        if (round % 3 == 0) {
            for (size_t row = 0; row < COLUMN_ROWS; row++)
                numbers[row] = a_number(kind);
            column_fill(&column, numbers);
            check_scans(&column, numbers, kind);
        }
        for (int step = 0; step < 200; step++) {
            size_t row = check_random(COLUMN_ROWS);

            numbers[row] = a_number(kind);
            column_set(&column, row, numbers[row]);
            CHECK_INT(column_get(&column, row), numbers[row]);
            if (step % 67 == 0)
                check_scans(&column, numbers, kind);
        }
        column_read(&column, got);
        CHECK(memcmp(got, numbers, sizeof got) == 0);
        check_scans(&column, numbers, kind);
        column_release(&column);
    }
}

static void test_a_column_is_as_narrow_as_its_numbers(void **state)
{
    static const struct {
        int64_t min, max;
        int width;
    } rows[] = {
        { 7, 7, 0 },
        { INT64_MIN, INT64_MIN, 0 },
        { 1000, 1255, 1 },
        { 1000, 1256, 2 },
        { INT64_MAX - 65535, INT64_MAX, 2 },
        { INT64_MIN, INT64_MIN + 65536, 4 },
        { -1, UINT32_MAX - INT64_C(1), 4 },
        { -1, UINT32_MAX, 8 },
        { INT64_MIN, INT64_MAX, 8 },
    };
    static int64_t numbers[COLUMN_ROWS], got[COLUMN_ROWS];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct column column = { .codes = NULL };

        check_row("row %zu", i);
        for (size_t row = 0; row < COLUMN_ROWS; row++)
            numbers[row] = row == 5 ? rows[i].max : rows[i].min;
        column_fill(&column, numbers);
        CHECK_INT(column.width, rows[i].width);
        CHECK(column_size(&column) == (size_t)rows[i].width * COLUMN_ROWS);
        column_read(&column, got);
        CHECK(memcmp(got, numbers, sizeof got) == 0);
        column_release(&column);
    }
}

static void test_flags_are_kept_by_mask(void **state)
{
    const struct column_scan *scans[COLUMN_SCANS_MAX];
    static uint16_t flags[COLUMN_ROWS];
    static uint8_t keep[COLUMN_ROWS], mark[COLUMN_ROWS], both[COLUMN_ROWS];

    (void)state;
    for (size_t row = 0; row < COLUMN_ROWS; row++) {
        flags[row] = (uint16_t)check_random(65536);
        mark[row] = (uint8_t)check_random(2);
    }
    for (size_t left = column_scans(scans); left > 0; left--) {
        scans[left - 1]->flags(flags, 0x8003, 0x8001, keep);
        memcpy(both, keep, sizeof both);
        scans[left - 1]->both(both, mark);
        for (size_t row = 0; row < COLUMN_ROWS; row++) {
            check_row("%s, row %zu", scans[left - 1]->name, row);
            CHECK_INT(keep[row], (flags[row] & 0x8003) == 0x8001);
            CHECK_INT(both[row], keep[row] & mark[row]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_column_holds_any_numbers),
        cmocka_unit_test(test_a_column_is_as_narrow_as_its_numbers),
        cmocka_unit_test(test_flags_are_kept_by_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
