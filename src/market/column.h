/* SPDX-License-Identifier: Apache-2.0 */
/* One number of each offer of a block, as narrow as they fit, and scans over them.
 *
 * A column holds COLUMN_ROWS whole numbers as codes of 1, 2, 4 or 8 bytes above a base, or no codes
 * where all are the same: what is near to each other takes little memory, and a scan is as fast as
 * memory is read. A number that does not fit makes the column wider; nothing is ever rounded.
 *
 * A scan is over whole blocks, one condition at a time, and marks rows in a map of bytes. The loops
 * are plain C, compiled for several generations of processors; column_scan_best() says which of
 * them this machine runs. */

#ifndef BERTH_MARKET_COLUMN_H
#define BERTH_MARKET_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COLUMN_ROWS = 1024 };

struct column {
    int64_t base; /* what code 0 stands for */
    void *codes;  /* owned: COLUMN_ROWS of them; NULL while all numbers are the base */
    int width;    /* bytes of a code: 0, 1, 2, 4 or 8 */
};

/* All zeros is a column of zeros. */
void column_release(struct column *column);

/* Takes these numbers, packed anew. */
void column_fill(struct column *column, const int64_t numbers[static COLUMN_ROWS]);
void column_read(const struct column *column, int64_t ret_numbers[static COLUMN_ROWS]);

int64_t column_get(const struct column *column, size_t row);
void column_set(struct column *column, size_t row, int64_t number);

/* It is set soon: the memory for it is asked for, and not waited for. */
void column_ask(const struct column *column, size_t row);

/* Bytes that a scan of it reads. */
size_t column_size(const struct column *column);

/* One generation of processors. */
struct column_scan {
    const char *name;
    /* keep[row] stays 1 only where the code is from `first` to `first + span`; only where it is
     * not; and mark[row] becomes 1 where it is. By the logarithm of the width. */
    void (*inside[4])(const void *codes, uint64_t first, uint64_t span, uint8_t *keep);
    void (*outside[4])(const void *codes, uint64_t first, uint64_t span, uint8_t *keep);
    void (*mark[4])(const void *codes, uint64_t first, uint64_t span, uint8_t *mark);
    /* keep[row] is 1 where all bits of `mask` are as in `want`. */
    void (*flags)(const uint16_t *flags, uint16_t mask, uint16_t want, uint8_t *keep);
    void (*both)(uint8_t *keep, const uint8_t *mark); /* 1 stays only where both are */
    /* How many are 1. */
    size_t (*count)(const uint8_t *keep);
};

const struct column_scan *column_scan_best(void);

/* Those that this machine can run, the best last. For tests and benchmarks. */
enum { COLUMN_SCANS_MAX = 3 };
size_t column_scans(const struct column_scan *ret[static COLUMN_SCANS_MAX]);

enum column_relation { COLUMN_INSIDE, COLUMN_OUTSIDE, COLUMN_MARK };

/* Rows whose number is from `low` to `high` (COLUMN_MARK: also become 1), or is not. */
void column_scan(const struct column_scan *scan, const struct column *column,
                 enum column_relation relation, const int64_t range[static 2], uint8_t *rows);

#endif
