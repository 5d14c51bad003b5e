/* SPDX-License-Identifier: Apache-2.0 */
#include "market/column.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LOOP(name) plain_##name
#define LOOP_NAME  "plain"
#define LOOP_TARGET
#include "market/column_loops.h"

#if defined(__x86_64__)
#    define LOOP(name)  avx2_##name
#    define LOOP_NAME   "avx2"
#    define LOOP_TARGET __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))
#    include "market/column_loops.h"

#    if defined(__clang__)
#        define WIDE "avx512f,avx512bw,avx512vl,avx512dq"
#    else
#        define WIDE "avx512f,avx512bw,avx512vl,avx512dq,prefer-vector-width=512"
#    endif
#    define LOOP(name)  avx512_##name
#    define LOOP_NAME   "avx512"
#    define LOOP_TARGET __attribute__((target(WIDE)))
#    include "market/column_loops.h"
#endif

size_t column_scans(const struct column_scan *ret[static COLUMN_SCANS_MAX])
{
    size_t count = 0;

    ret[count++] = &plain_scan;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
        ret[count++] = &avx2_scan;
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq"))
        ret[count++] = &avx512_scan;
#endif
    return count;
}

const struct column_scan *column_scan_best(void)
{
    const struct column_scan *scans[COLUMN_SCANS_MAX];

    return scans[column_scans(scans) - 1];
}

void column_release(struct column *column)
{
    free(column->codes);
    *column = (struct column){ .codes = NULL };
}

static int width_for(uint64_t span)
{
    if (span == 0)
        return 0;
    return span <= UINT8_MAX ? 1 : span <= UINT16_MAX ? 2 : span <= UINT32_MAX ? 4 : 8;
}

/* The largest code of a width. */
static uint64_t code_max(int width)
{
    return width == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * width)) - 1;
}

static uint64_t code_of(const struct column *column, int64_t number)
{
    return (uint64_t)number - (uint64_t)column->base;
}

static void write_code(struct column *column, size_t row, uint64_t code)
{
    switch (column->width) {
    case 1:
        ((uint8_t *)column->codes)[row] = (uint8_t)code;
        break;
    case 2:
        ((uint16_t *)column->codes)[row] = (uint16_t)code;
        break;
    case 4:
        ((uint32_t *)column->codes)[row] = (uint32_t)code;
        break;
    default:
        ((uint64_t *)column->codes)[row] = code;
        break;
    }
}

static uint64_t read_code(const struct column *column, size_t row)
{
    switch (column->width) {
    case 0:
        return 0;
    case 1:
        return ((const uint8_t *)column->codes)[row];
    case 2:
        return ((const uint16_t *)column->codes)[row];
    case 4:
        return ((const uint32_t *)column->codes)[row];
    default:
        return ((const uint64_t *)column->codes)[row];
    }
}

int64_t column_get(const struct column *column, size_t row)
{
    return (int64_t)((uint64_t)column->base + read_code(column, row));
}

void column_ask(const struct column *column, size_t row)
{
    if (column->width > 0)
        __builtin_prefetch((const char *)column->codes + row * (size_t)column->width, 1);
}

void column_read(const struct column *column, int64_t ret_numbers[static COLUMN_ROWS])
{
    for (size_t row = 0; row < COLUMN_ROWS; row++)
        ret_numbers[row] = column_get(column, row);
}

/* A base below the least number, so that what the width has to spare lies on both sides. */
static int64_t base_for(int64_t min, uint64_t span, int width)
{
    uint64_t spare = (code_max(width) - span) / 2;

    if (width == 0)
        return min;
    if (width == 8 || (uint64_t)min - (uint64_t)INT64_MIN < spare)
        return INT64_MIN;
    return (int64_t)((uint64_t)min - spare);
}

void column_fill(struct column *column, const int64_t numbers[static COLUMN_ROWS])
{
    int64_t min = numbers[0], max = numbers[0];

    for (size_t row = 1; row < COLUMN_ROWS; row++) {
        min = numbers[row] < min ? numbers[row] : min;
        max = numbers[row] > max ? numbers[row] : max;
    }
    uint64_t span = (uint64_t)max - (uint64_t)min;
    int width = width_for(span);

    if (width != column->width) {
        free(column->codes);
        column->codes = width > 0 ? aligned_alloc(64, COLUMN_ROWS * (size_t)width) : NULL;
        if (width > 0 && column->codes == NULL)
            abort(); /* As base/buf.h says. */
        column->width = width;
    }
    column->base = base_for(min, span, width);
    for (size_t row = 0; width > 0 && row < COLUMN_ROWS; row++)
        write_code(column, row, code_of(column, numbers[row]));
}

void column_set(struct column *column, size_t row, int64_t number)
{
    int64_t numbers[COLUMN_ROWS];

    assert(row < COLUMN_ROWS);
    /* Most of what is set has not changed: nothing is written then, so that nobody else's cache
     * has to hear of it. */
    if (column_get(column, row) == number)
        return;
    if (column->width > 0 && number >= column->base &&
        code_of(column, number) <= code_max(column->width)) {
        write_code(column, row, code_of(column, number));
        return;
    }
    column_read(column, numbers);
    numbers[row] = number;
    column_fill(column, numbers);
}

size_t column_size(const struct column *column)
{
    return COLUMN_ROWS * (size_t)column->width;
}

/* All rows are the same: what a scan would do to each of them. */
static void scan_constant(const struct column *column, enum column_relation relation,
                          const int64_t range[static 2], uint8_t *rows)
{
    bool is_inside = column->base >= range[0] && column->base <= range[1];

    if (relation == COLUMN_MARK && is_inside)
        memset(rows, 1, COLUMN_ROWS);
    else if (relation != COLUMN_MARK && is_inside != (relation == COLUMN_INSIDE))
        memset(rows, 0, COLUMN_ROWS);
}

void column_scan(const struct column_scan *scan, const struct column *column,
                 enum column_relation relation, const int64_t range[static 2], uint8_t *rows)
{
    static const int log_of[] = { [1] = 0, [2] = 1, [4] = 2, [8] = 3 };
    int64_t low = range[0] > column->base ? range[0] : column->base;
    uint64_t first = code_of(column, low), last;

    if (column->width == 0) {
        scan_constant(column, relation, range, rows);
        return;
    }
    /* Past what codes can say, at either end. */
    if (range[1] < column->base || low > range[1] || first > code_max(column->width)) {
        if (relation == COLUMN_INSIDE)
            memset(rows, 0, COLUMN_ROWS);
        return;
    }
    last = code_of(column, range[1]);
    if (last > code_max(column->width))
        last = code_max(column->width);
    int log = log_of[column->width];

    if (relation == COLUMN_INSIDE)
        scan->inside[log](column->codes, first, last - first, rows);
    else if (relation == COLUMN_OUTSIDE)
        scan->outside[log](column->codes, first, last - first, rows);
    else
        scan->mark[log](column->codes, first, last - first, rows);
}
