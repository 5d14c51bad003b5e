/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/bench_tensor.h"

#include <assert.h>
#include <string.h>

enum { SIDE_BY_SIDE = 4 };

static const struct {
    const char *kernel;
    uint32_t depth;   /* products of an entry in one step */
    uint32_t entries; /* of a lane */
} kinds[TENSORS] = {
    [TENSOR_I8] = { "busy_tensor_i8", 32, 4 },       [TENSOR_F16] = { "busy_tensor_f16", 16, 4 },
    [TENSOR_F16_VOLTA] = { "busy_volta_f16", 4, 8 }, [TENSOR_BF16] = { "busy_tensor_bf16", 16, 4 },
    [TENSOR_TF32] = { "busy_tensor_tf32", 8, 4 },
};

const char *bench_tensor_kernel(enum bench_tensor tensor)
{
    assert(tensor < TENSORS);
    return kinds[tensor].kernel;
}

size_t bench_tensor_entries(enum bench_tensor tensor)
{
    assert(tensor < TENSORS);
    return kinds[tensor].entries;
}

int64_t bench_tensor_operations(enum bench_tensor tensor)
{
    assert(tensor < TENSORS);
    /* A lane's entries are all that a warp makes, shared by its lanes. */
    return INT64_C(2) * kinds[tensor].depth * kinds[tensor].entries * SIDE_BY_SIDE;
}

static int32_t small_a(uint32_t row, uint32_t k)
{
    return (int32_t)((3 * row + 5 * k) % 5) - 2;
}

static int32_t small_b(uint32_t which, uint32_t k, uint32_t column)
{
    return (int32_t)((7 * k + 3 * column + which) % 5) - 2;
}

/* Where in C a lane's entry is. */
static void place(enum bench_tensor tensor, uint32_t lane, uint32_t entry, uint32_t *ret_row,
                  uint32_t *ret_column)
{
    if (tensor == TENSOR_F16_VOLTA) {
        *ret_row = (lane & 1) + (entry & 2) + (lane < 16 ? 0 : 4);
        *ret_column = (entry & 4) + (lane & 2) + (entry & 1);
    } else {
        *ret_row = lane / 4 + (entry < 2 ? 0 : 8);
        *ret_column = 2 * (lane % 4) + entry % 2;
    }
}

void bench_tensor_expect(enum bench_tensor tensor, uint32_t steps,
                         uint32_t ret[static TENSOR_LANES * TENSOR_ENTRIES_MAX])
{
    assert(tensor < TENSORS && steps <= TENSOR_STEPS_MAX);
    for (uint32_t lane = 0; lane < TENSOR_LANES; lane++) {
        for (uint32_t entry = 0; entry < kinds[tensor].entries; entry++) {
            uint32_t row, column, *bits = &ret[lane * kinds[tensor].entries + entry];
            int32_t sum = 0;

            place(tensor, lane, entry, &row, &column);
            for (uint32_t which = 0; which < SIDE_BY_SIDE; which++) {
                for (uint32_t k = 0; k < kinds[tensor].depth; k++)
                    sum += small_a(row, k) * small_b(which, k, column);
            }
            /* At most 4 * 32 * 4 a step, and for floats half of that: exact in both. */
            sum *= (int32_t)steps;
            float real = (float)sum;
            memcpy(bits, tensor == TENSOR_I8 ? (const void *)&sum : &real, sizeof *bits);
        }
    }
}

bool bench_tensor_is_right(enum bench_tensor tensor, uint32_t steps, const uint32_t *left,
                           size_t warps)
{
    uint32_t want[TENSOR_LANES * TENSOR_ENTRIES_MAX];
    size_t count = TENSOR_LANES * bench_tensor_entries(tensor);

    bench_tensor_expect(tensor, steps, want);
    for (size_t warp = 0; warp < warps; warp++) {
        if (memcmp(left + warp * count, want, count * sizeof want[0]) != 0)
            return false;
    }
    return true;
}
