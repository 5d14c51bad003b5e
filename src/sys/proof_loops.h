/* SPDX-License-Identifier: Apache-2.0 */
/* The loops of a proof, for one generation of processors: included once for each by
 * sys/proof_arith.c, with LOOP(name) its name for a loop and LOOP_TARGET what the compiler may use
 * there. */

#define QUARTER(a, b, c, d)                                                                        \
    x[a] += x[b], x[d] ^= x[a], x[d] = (x[d] << 16) | (x[d] >> 16);                                \
    x[c] += x[d], x[b] ^= x[c], x[b] = (x[b] << 12) | (x[b] >> 20);                                \
    x[a] += x[b], x[d] ^= x[a], x[d] = (x[d] << 8) | (x[d] >> 24);                                 \
    x[c] += x[d], x[b] ^= x[c], x[b] = (x[b] << 7) | (x[b] >> 25)

/* `groups` times eight blocks of ChaCha8 beside one another: no lane is ever moved. */
LOOP_TARGET static void LOOP(expand)(const uint32_t start[static 16], uint32_t groups,
                                     uint8_t *restrict out)
{
    static const lanes eight = { 0, 1, 2, 3, 4, 5, 6, 7 };

    for (uint32_t group = 0; group < groups; group++) {
        lanes x[16], first[16];

        for (int i = 0; i < 16; i++)
            first[i] = (lanes){ 0 } + start[i];
        first[12] += eight + group * 8;
        for (int i = 0; i < 16; i++)
            x[i] = first[i];
        for (int twice = 0; twice < 4; twice++) {
            QUARTER(0, 4, 8, 12);
            QUARTER(1, 5, 9, 13);
            QUARTER(2, 6, 10, 14);
            QUARTER(3, 7, 11, 15);
            QUARTER(0, 5, 10, 15);
            QUARTER(1, 6, 11, 12);
            QUARTER(2, 7, 8, 13);
            QUARTER(3, 4, 9, 14);
        }
        for (int i = 0; i < 16; i++)
            x[i] += first[i];
        memcpy(out + (size_t)group * sizeof x, x, sizeof x);
    }
}

/* Eight cells beside one another: x becomes the core of x ^ y. */
LOOP_TARGET static void LOOP(mix)(uint32_t (*restrict x_of)[8], const uint32_t (*restrict y_of)[8])
{
    lanes x[16], first[16];

    for (int i = 0; i < 16; i++) {
        lanes y;

        memcpy(&first[i], x_of[i], sizeof first[i]);
        memcpy(&y, y_of[i], sizeof y);
        first[i] ^= y;
        x[i] = first[i];
    }
    for (int twice = 0; twice < 4; twice++) {
        QUARTER(0, 4, 8, 12);
        QUARTER(1, 5, 9, 13);
        QUARTER(2, 6, 10, 14);
        QUARTER(3, 7, 11, 15);
        QUARTER(0, 5, 10, 15);
        QUARTER(1, 6, 11, 12);
        QUARTER(2, 7, 8, 13);
        QUARTER(3, 4, 9, 14);
    }
    for (int i = 0; i < 16; i++) {
        x[i] += first[i];
        memcpy(x_of[i], &x[i], sizeof x[i]);
    }
}

/* At most 2^15 times 2^7 each: 256 of them are at most 2^30. */
LOOP_TARGET static void LOOP(dots)(const int16_t *restrict low, const int16_t *restrict high,
                                   const int8_t *restrict column, uint32_t n,
                                   int64_t ret[restrict static 2])
{
    enum { PART = PROOF_UNIT / 2 };
    int64_t of_low = 0, of_high = 0;

    for (uint32_t from = 0; from < n; from += PART) {
        int16_t wide[PART];
        int32_t sum_low = 0, sum_high = 0;

        for (size_t i = 0; i < PART; i++)
            wide[i] = column[i];
        for (size_t i = 0; i < PART; i++)
            sum_low += low[i] * wide[i];
        for (size_t i = 0; i < PART; i++)
            sum_high += high[i] * wide[i];
        column += PART, low += PART, high += PART;
        of_low += sum_low;
        of_high += sum_high;
    }
    ret[0] = of_low;
    ret[1] = of_high;
}

/* Below 2^14 each, and at most 2^14 of them. */
LOOP_TARGET static int32_t LOOP(dot)(const int16_t *restrict row, const int8_t *restrict column,
                                     uint32_t n)
{
    int32_t sum = 0;

    for (uint32_t from = 0; from < n; from += PROOF_UNIT) {
        int16_t wide[PROOF_UNIT];
        int32_t part = 0;

        for (size_t i = 0; i < PROOF_UNIT; i++)
            wide[i] = column[i];
        for (size_t i = 0; i < PROOF_UNIT; i++)
            part += row[i] * wide[i];
        column += PROOF_UNIT, row += PROOF_UNIT;
        sum += part;
    }
    return sum;
}

/* Weights below 2^16 times 2^31 or 2^7: as many as there are openings fit. */
LOOP_TARGET static void LOOP(add_wide)(int64_t *restrict low, int64_t *restrict high,
                                       const int32_t *restrict row, uint32_t weight, uint32_t n)
{
    int64_t by_low = weight & 0xffff, by_high = weight >> 16;

    for (size_t i = 0; i < n; i++) {
        low[i] += by_low * row[i];
        high[i] += by_high * row[i];
    }
}

LOOP_TARGET static void LOOP(add_narrow)(int64_t *restrict sums, const int8_t *restrict row,
                                         uint32_t weight, uint32_t n)
{
    for (size_t i = 0; i < n; i++)
        sums[i] += (int64_t)weight * row[i];
}

LOOP_TARGET static void LOOP(requantise)(const int32_t *restrict c, uint32_t row, uint32_t round,
                                         uint32_t n, int8_t *restrict ret)
{
    uint32_t salt = row * 0x9E3779B1u ^ round * 0xC2B2AE3Du;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t x = (uint32_t)c[i] ^ salt ^ i * 0x85EBCA77u;

        x ^= x >> 16;
        x *= 0x7FEB352Du;
        x ^= x >> 15;
        x *= 0x846CA68Bu;
        x ^= x >> 16;
        ret[i] = (int8_t)(x >> 24);
    }
}

static const struct proof_loops LOOP(loops) = {
    LOOP(expand),     LOOP(dots),       LOOP(dot), LOOP(add_wide),
    LOOP(add_narrow), LOOP(requantise), LOOP(mix),
};

#undef QUARTER
#undef LOOP
#undef LOOP_TARGET
