/* SPDX-License-Identifier: Apache-2.0 */
/* Products of a warp. Which entry of which matrix is where, is told by the manual of PTX, under
 * "Matrix Fragments for mma" of each shape; nothing here is taken from the kernels. */
#include <string.h>

#include "ptx_machine.h"

enum { SIDE = 32 };

struct shape {
    const char *name;
    int m, n, k;
    int a_regs, b_regs, c_regs;
    int entries; /* of a word of A and B: 4 of int8, 2 of fp16 and bf16, 1 of tf32 */
};

static const struct shape shapes[] = {
    { "m16n8k32.row.col.s32.s8.s8.s32", 16, 8, 32, 4, 2, 4, 4 },
    { "m8n8k16.row.col.s32.s8.s8.s32", 8, 8, 16, 1, 1, 2, 4 },
    { "m16n8k16.row.col.f32.f16.f16.f32", 16, 8, 16, 4, 2, 4, 2 },
    { "m16n8k16.row.col.f32.bf16.bf16.f32", 16, 8, 16, 4, 2, 4, 2 },
    { "m16n8k8.row.col.f32.f16.f16.f32", 16, 8, 8, 2, 1, 4, 2 },
    { "m16n8k8.row.col.f32.tf32.tf32.f32", 16, 8, 8, 4, 2, 4, 1 },
    { "m8n8k4.row.col.f32.f16.f16.f32", 8, 8, 4, 2, 2, 8, 2 },
};

static double of_f32(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static double of_f16(uint32_t bits)
{
    uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023;
    double value = exponent == 0 ? fraction / 1024.0 / 16384.0 : 1 + fraction / 1024.0;

    for (uint32_t at = exponent; exponent > 0 && at < 15; at++)
        value /= 2;
    for (uint32_t at = 15; at < exponent; at++)
        value *= 2;
    return (bits & 0x8000) != 0 ? -value : value;
}

static double entry_of(const struct shape *shape, uint32_t word, int at)
{
    if (shape->entries == 4)
        return (int8_t)(word >> 8 * at);
    if (shape->entries == 1)
        return of_f32(word & 0xFFFFE000); /* the hardware sees no more of it */
    uint32_t half = word >> 16 * at & 0xFFFF;
    return strstr(shape->name, "bf16") != NULL ? of_f32(half << 16) : of_f16(half);
}

/* Where entry `i` of a lane's A is: rows of the second half are 8 further down, as are, along the
 * way, those behind the first words. */
static void place_a(const struct shape *shape, int lane, int i, int *row, int *k)
{
    int reg = i / shape->entries, quad = lane / 4, in_quad = lane % 4;

    *row = quad + (shape->m == 16 && reg % 2 == 1 ? 8 : 0);
    *k = in_quad * shape->entries + i % shape->entries + (reg >= 2 ? 4 * shape->entries : 0);
}

static void place_b(const struct shape *shape, int lane, int i, int *k, int *column)
{
    int reg = i / shape->entries;

    *k = lane % 4 * shape->entries + i % shape->entries + reg * 4 * shape->entries;
    *column = lane / 4;
}

static void place_c(int lane, int i, int *row, int *column)
{
    *row = lane / 4 + (i < 2 ? 0 : 8);
    *column = lane % 4 * 2 + i % 2;
}

static uint32_t word_of(const struct ptx_instruction *mma, uint64_t *const lanes[], int lane,
                        int at)
{
    return (uint32_t)lanes[lane][mma->operands[at].reg];
}

/* Operands are D, A, B and C, one register after another. */
static void add_entry(const struct ptx_instruction *mma, const struct shape *shape,
                      uint64_t *const lanes[], const int where[static 2], double product)
{
    int lane = where[0], at = where[1];
    uint32_t c = word_of(mma, lanes, lane, shape->c_regs + shape->a_regs + shape->b_regs + at);
    uint64_t *d = &lanes[lane][mma->operands[at].reg];

    if (shape->entries == 4) {
        *d = (uint32_t)((int64_t)product + (int32_t)c);
    } else {
        float sum = (float)(product + of_f32(c));
        uint32_t bits;

        memcpy(&bits, &sum, sizeof bits);
        *d = bits;
    }
}

static void whole_warp(const struct ptx_instruction *mma, const struct shape *shape,
                       uint64_t *const lanes[])
{
    static double a[SIDE][SIDE], b[SIDE][SIDE];
    int row, column, k;

    for (int lane = 0; lane < PTX_LANES; lane++) {
        for (int i = 0; i < shape->a_regs * shape->entries; i++) {
            uint32_t word = word_of(mma, lanes, lane, shape->c_regs + i / shape->entries);

            place_a(shape, lane, i, &row, &k);
            a[row][k] = entry_of(shape, word, i % shape->entries);
        }
        for (int i = 0; i < shape->b_regs * shape->entries; i++) {
            uint32_t word =
                word_of(mma, lanes, lane, shape->c_regs + shape->a_regs + i / shape->entries);

            place_b(shape, lane, i, &k, &column);
            b[k][column] = entry_of(shape, word, i % shape->entries);
        }
    }
    for (int lane = 0; lane < PTX_LANES; lane++) {
        for (int i = 0; i < shape->c_regs; i++) {
            double product = 0;

            place_c(lane, i, &row, &column);
            for (k = 0; k < shape->k; k++)
                product += a[row][k] * b[k][column];
            add_entry(mma, shape, lanes, (const int[]){ lane, i }, product);
        }
    }
}

/* Four products at once, each by lanes 4 q to 4 q + 3 and those 16 further. */
static void by_quads(const struct ptx_instruction *mma, const struct shape *shape,
                     uint64_t *const lanes[])
{
    double a[8][4], b[4][8];

    for (int quad = 0; quad < 4; quad++) {
        for (int line = 0; line < 8; line++) {
            int lane = 4 * quad + line % 4 + (line < 4 ? 0 : 16);

            for (int k = 0; k < 4; k++) {
                a[line][k] = of_f16(word_of(mma, lanes, lane, 8 + k / 2) >> 16 * (k % 2) & 0xFFFF);
                b[k][line] = of_f16(word_of(mma, lanes, lane, 10 + k / 2) >> 16 * (k % 2) & 0xFFFF);
            }
        }
        for (int line = 0; line < 8; line++) {
            int lane = 4 * quad + line % 4 + (line < 4 ? 0 : 16);

            for (int i = 0; i < 8; i++) {
                int row = (lane & 1) + (i & 2) + (lane < 16 ? 0 : 4);
                int column = (i & 4) + (lane & 2) + (i & 1);
                double product = 0;

                for (int k = 0; k < 4; k++)
                    product += a[row][k] * b[k][column];
                add_entry(mma, shape, lanes, (const int[]){ lane, i }, product);
            }
        }
    }
}

bool ptx_mma(const struct ptx_instruction *mma, uint64_t *const lanes[static PTX_LANES])
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const struct shape *shape = &shapes[i];
        size_t operands = (size_t)(2 * shape->c_regs + shape->a_regs + shape->b_regs);

        if (strcmp(shape->name, mma->shape) != 0 || mma->count != operands)
            continue;
        if (shape->k == 4)
            by_quads(mma, shape, lanes);
        else
            whole_warp(mma, shape, lanes);
        return true;
    }
    return false;
}
