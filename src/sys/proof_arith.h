/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of a proof of compute: what a seed becomes, exact products, and their sums.
 *
 * Everything is whole numbers, so that any machine gets the same. Matrices of n x n, n a multiple
 * of PROOF_UNIT, have entries of one byte, expanded from the seed by ChaCha8 with no arithmetic on
 * indices that a shortcut could use. A line (a row of the first matrix, a column of the second) is
 * made of units of eight blocks that lie beside one another: word w of block l of a unit is at byte
 * 32 w + 4 l, little-endian. A block's counter is its number in the line; then follow 0, the line's
 * number and the stream. */

#ifndef BERTH_SYS_PROOF_ARITH_H
#define BERTH_SYS_PROOF_ARITH_H

#include <stdint.h>

enum {
    PROOF_SEED_SIZE = 32,
    PROOF_UNIT = 512,
    PROOF_N_MAX = 16384,
};

#define PROOF_PRIME UINT32_C(2147483647)

enum proof_stream {
    PROOF_STREAM_A,
    PROOF_STREAM_B,
    PROOF_STREAM_WEIGHTS,
    PROOF_STREAM_MEMORY,
    PROOF_STREAM_DISK,
    PROOF_STREAM_DOWN,
    PROOF_STREAM_UP,
};

struct proof_loops {
    void (*expand)(const uint32_t start[static 16], uint32_t groups, uint8_t *restrict out);
    void (*dots)(const int16_t *restrict low, const int16_t *restrict high,
                 const int8_t *restrict column, uint32_t n, int64_t ret[restrict static 2]);
    int32_t (*dot)(const int16_t *restrict row, const int8_t *restrict column, uint32_t n);
    void (*add_wide)(int64_t *restrict low, int64_t *restrict high, const int32_t *restrict row,
                     uint32_t weight, uint32_t n);
    void (*add_narrow)(int64_t *restrict sums, const int8_t *restrict row, uint32_t weight,
                       uint32_t n);
    void (*requantise)(const int32_t *restrict c, uint32_t row, uint32_t round, uint32_t n,
                       int8_t *restrict ret);
    void (*mix)(uint32_t (*restrict x)[8], const uint32_t (*restrict y)[8]); /* 16 words of each */
};

/* The fastest that this processor can; and those for any, for tests. */
const struct proof_loops *proof_loops(void);
const struct proof_loops *proof_loops_plain(void);

/* A line of `n` entries. */
void proof_line(const uint8_t seed[static PROOF_SEED_SIZE], enum proof_stream stream, uint32_t line,
                uint32_t n, int8_t *ret);

/* What is left of `value` modulo PROOF_PRIME: 0 to PROOF_PRIME - 1. */
uint32_t proof_mod(int64_t value);

/* A number below the prime as two digits: low + 65536 high, each of 16 bits with a sign. */
void proof_digits(uint32_t value, int16_t *ret_low, int16_t *ret_high);

#endif
