/* SPDX-License-Identifier: Apache-2.0 */
/* The loops of a scan, for one generation of processors: included once for each by market/column.c,
 * with LOOP(name) its name for a loop, LOOP_TARGET what the compiler may use there, and LOOP_NAME.
 * Each is short, without branches and of fixed length, as compilers like them. */

#define LOOPS_FOR(type, log)                                                                       \
    LOOP_TARGET static void LOOP(inside_##log)(const void *codes, uint64_t first, uint64_t span,   \
                                               uint8_t *restrict keep)                             \
    {                                                                                              \
        const type *restrict code = codes;                                                         \
        type from = (type)first, most = (type)span;                                                \
                                                                                                   \
        for (size_t i = 0; i < COLUMN_ROWS; i++)                                                   \
            keep[i] = (uint8_t)(keep[i] & ((type)(code[i] - from) <= most));                       \
    }                                                                                              \
    LOOP_TARGET static void LOOP(outside_##log)(const void *codes, uint64_t first, uint64_t span,  \
                                                uint8_t *restrict keep)                            \
    {                                                                                              \
        const type *restrict code = codes;                                                         \
        type from = (type)first, most = (type)span;                                                \
                                                                                                   \
        for (size_t i = 0; i < COLUMN_ROWS; i++)                                                   \
            keep[i] = (uint8_t)(keep[i] & ((type)(code[i] - from) > most));                        \
    }                                                                                              \
    LOOP_TARGET static void LOOP(mark_##log)(const void *codes, uint64_t first, uint64_t span,     \
                                             uint8_t *restrict mark)                               \
    {                                                                                              \
        const type *restrict code = codes;                                                         \
        type from = (type)first, most = (type)span;                                                \
                                                                                                   \
        for (size_t i = 0; i < COLUMN_ROWS; i++)                                                   \
            mark[i] = (uint8_t)(mark[i] | ((type)(code[i] - from) <= most));                       \
    }

LOOPS_FOR(uint8_t, 0)
LOOPS_FOR(uint16_t, 1)
LOOPS_FOR(uint32_t, 2)
LOOPS_FOR(uint64_t, 3)

LOOP_TARGET static void LOOP(flags)(const uint16_t *restrict flags, uint16_t mask, uint16_t want,
                                    uint8_t *restrict keep)
{
    for (size_t i = 0; i < COLUMN_ROWS; i++)
        keep[i] = (flags[i] & mask) == want;
}

LOOP_TARGET static void LOOP(both)(uint8_t *restrict keep, const uint8_t *restrict mark)
{
    for (size_t i = 0; i < COLUMN_ROWS; i++)
        keep[i] = (uint8_t)(keep[i] & mark[i]);
}

/* Bytes of 0 and 1: eight at a time, of which 31 cannot overflow. */
LOOP_TARGET static size_t LOOP(count)(const uint8_t *keep)
{
    uint8_t sums[64] = { 0 };
    size_t count = 0;

    _Static_assert(COLUMN_ROWS % 64 == 0 && COLUMN_ROWS / 64 <= UINT8_MAX, "sums would overflow");
    for (size_t i = 0; i < COLUMN_ROWS; i += 64) {
        for (size_t j = 0; j < 64; j++)
            sums[j] = (uint8_t)(sums[j] + keep[i + j]);
    }
    for (size_t j = 0; j < 64; j++)
        count += sums[j];
    return count;
}

static const struct column_scan LOOP(scan) = {
    .name = LOOP_NAME,
    .inside = { LOOP(inside_0), LOOP(inside_1), LOOP(inside_2), LOOP(inside_3) },
    .outside = { LOOP(outside_0), LOOP(outside_1), LOOP(outside_2), LOOP(outside_3) },
    .mark = { LOOP(mark_0), LOOP(mark_1), LOOP(mark_2), LOOP(mark_3) },
    .flags = LOOP(flags),
    .both = LOOP(both),
    .count = LOOP(count),
};

#undef LOOPS_FOR
#undef LOOP
#undef LOOP_TARGET
#undef LOOP_NAME
