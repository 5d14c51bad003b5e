/* SPDX-License-Identifier: Apache-2.0 */
/* Tensor cores, kept busy with small whole numbers (agent/bench_tensor.cl), of which plain C knows
 * what they must come to, bit for bit. */

#ifndef BERTH_AGENT_BENCH_TENSOR_H
#define BERTH_AGENT_BENCH_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bench_tensor { TENSOR_I8, TENSOR_F16, TENSOR_F16_VOLTA, TENSOR_BF16, TENSOR_TF32, TENSORS };

enum {
    TENSOR_LANES = 32, /* of a warp: work items come in so many */
    TENSOR_ENTRIES_MAX = 8,
    TENSOR_STEPS_MAX = 1 << 16, /* beyond, sums need more bits than there are */
};

const char *bench_tensor_kernel(enum bench_tensor tensor);

/* How many numbers of 32 bits a work item leaves. */
size_t bench_tensor_entries(enum bench_tensor tensor);

/* Multiplications and additions of one work item in one step. */
int64_t bench_tensor_operations(enum bench_tensor tensor);

/* What the work items of a warp must leave after so many steps: entry i of lane l at
 * l * entries + i, the bits of an int32_t for TENSOR_I8 and of a float for the others. */
void bench_tensor_expect(enum bench_tensor tensor, uint32_t steps,
                         uint32_t ret[static TENSOR_LANES * TENSOR_ENTRIES_MAX]);

/* Whether all of `warps` warps left that. */
bool bench_tensor_is_right(enum bench_tensor tensor, uint32_t steps, const uint32_t *left,
                           size_t warps);

#endif
