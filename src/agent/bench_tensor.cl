/* SPDX-License-Identifier: Apache-2.0 */
/* What NVIDIA's tensor cores do, for which OpenCL has no word: built as PTX alone, behind
 * bench_kernels.cl. BERTH_PTX is the compute capability, times ten, that it is built for.
 *
 * A warp multiplies small matrices together: each of its 32 lanes holds a few entries of them, at
 * places that PTX fixes. With quad = lane / 4 and in_quad = lane % 4, of A (16 rows), B (8 columns)
 * and C (16 x 8) a lane has
 *
 *   a[0..3]   row quad, row quad + 8, then both again further along, entries 4 bytes wide: four int8,
 *             two fp16 or bf16, one tf32; a[i] begins at the in_quad-th word of 16 bytes
 *   b[0..1]   column quad, at the same words
 *   c[0..3]   row quad (0, 1) and quad + 8 (2, 3), column 2 in_quad + (0, 1)
 *
 * so that for every kind a step takes 32 bytes of each row and column, whatever their entries are. */

#define LANE (__nvvm_read_ptx_sreg_tid_x() % 32)

#if BERTH_PTX >= 75
#define STEP_16(kind, type, c, a, b)                                                               \
    __asm("mma.sync.aligned." kind                                                                 \
          " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"                       \
          : "+" type((c)[0]), "+" type((c)[1]), "+" type((c)[2]), "+" type((c)[3])                 \
          : "r"((a)[0]), "r"((a)[1]), "r"((a)[2]), "r"((a)[3]), "r"((b)[0]), "r"((b)[1]))

#if BERTH_PTX >= 80
#define STEP_I8(c, a, b)  STEP_16("m16n8k32.row.col.s32.s8.s8.s32", "r", c, a, b)
#define STEP_F16(c, a, b) STEP_16("m16n8k16.row.col.f32.f16.f16.f32", "f", c, a, b)
#else
/* Halves of it are all that there is: of C, and of the way along. */
#define HALF_I8(c0, c1, a, b)                                                                      \
    __asm("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0, %1}, {%2}, {%3}, {%0, %1};"         \
          : "+r"(c0), "+r"(c1)                                                                     \
          : "r"(a), "r"(b))
#define STEP_I8(c, a, b)                                                                           \
    do {                                                                                           \
        HALF_I8((c)[0], (c)[1], (a)[0], (b)[0]);                                                   \
        HALF_I8((c)[0], (c)[1], (a)[2], (b)[1]);                                                   \
        HALF_I8((c)[2], (c)[3], (a)[1], (b)[0]);                                                   \
        HALF_I8((c)[2], (c)[3], (a)[3], (b)[1]);                                                   \
    } while (0)
#define HALF_F16(c, a0, a1, b)                                                                     \
    __asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32"                                       \
          " {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"                                   \
          : "+f"((c)[0]), "+f"((c)[1]), "+f"((c)[2]), "+f"((c)[3])                                 \
          : "r"(a0), "r"(a1), "r"(b))
#define STEP_F16(c, a, b)                                                                          \
    do {                                                                                           \
        HALF_F16(c, (a)[0], (a)[1], (b)[0]);                                                       \
        HALF_F16(c, (a)[2], (a)[3], (b)[1]);                                                       \
    } while (0)
#endif

/* C = A B as multiply() makes it, by blocks of 256 threads: each makes 128 rows by 128 columns, with
 * 64 bytes of each in shared memory, twice, so that the next ones come while these are multiplied.
 * A warp makes 64 x 32. A row has 80 bytes there: so that eight of them lie in different banks. */
#define TILE        128
#define TILE_DEPTH  64
#define TILE_STRIDE (80 / 4)

__kernel void multiply_tensor(__global const uint *a, __global const uint *b, uint first, uint n,
                              __global int *c)
{
    /* Sixteen bytes at once are written there, which must not lie across a line. */
    __local uint tile_a[2][TILE * TILE_STRIDE] __attribute__((aligned(16)));
    __local uint tile_b[2][TILE * TILE_STRIDE] __attribute__((aligned(16)));
    const uint thread = __nvvm_read_ptx_sreg_tid_x(), warp = thread / 32;
    const uint quad = LANE / 4, in_quad = LANE % 4, words = n / 4;
    const uint tiles = n / TILE, block = __nvvm_read_ptx_sreg_ctaid_x();
    const uint row = block / tiles * TILE, column = block % tiles * TILE;
    const uint own_row = warp / 4 * 64, own_column = warp % 4 * 32;
    /* What this thread brings: 16 bytes of two rows, and of two columns. */
    const uint line = thread / 4, part = thread % 4 * 4;
    __global const uint4 *from_a =
        (__global const uint4 *)(a + (size_t)(first + row + line) * words + part);
    __global const uint4 *from_b = (__global const uint4 *)(b + (size_t)(column + line) * words + part);
    const size_t further = (size_t)64 * words / 4;
    const uint to = line * TILE_STRIDE + part;
    int sum[4][4][4] = { { { 0 } } };
    uint4 next[4] = { from_a[0], from_a[further], from_b[0], from_b[further] };
    uint now = 0;

    for (uint at = 0; at < n; at += TILE_DEPTH, now ^= 1) {
        *(__local uint4 *)(tile_a[now] + to) = next[0];
        *(__local uint4 *)(tile_a[now] + to + 64 * TILE_STRIDE) = next[1];
        *(__local uint4 *)(tile_b[now] + to) = next[2];
        *(__local uint4 *)(tile_b[now] + to + 64 * TILE_STRIDE) = next[3];
        /* Whoever is behind still reads the other tile: one such line of waiting is enough. */
        __syncthreads();
        if (at + TILE_DEPTH < n) {
            from_a += TILE_DEPTH / 16;
            from_b += TILE_DEPTH / 16;
            next[0] = from_a[0];
            next[1] = from_a[further];
            next[2] = from_b[0];
            next[3] = from_b[further];
        }
#pragma unroll
        for (uint step = 0; step < TILE_DEPTH / 4; step += 8) {
            uint of_a[4][4], of_b[4][2];

#pragma unroll
            for (uint i = 0; i < 4; i++) {
                __local const uint *in_a =
                    tile_a[now] + (own_row + 16 * i + quad) * TILE_STRIDE + step + in_quad;
                __local const uint *in_b =
                    tile_b[now] + (own_column + 8 * i + quad) * TILE_STRIDE + step + in_quad;

                of_a[i][0] = in_a[0];
                of_a[i][1] = in_a[8 * TILE_STRIDE];
                of_a[i][2] = in_a[4];
                of_a[i][3] = in_a[8 * TILE_STRIDE + 4];
                of_b[i][0] = in_b[0];
                of_b[i][1] = in_b[4];
            }
#pragma unroll
            for (uint i = 0; i < 4; i++)
#pragma unroll
                for (uint j = 0; j < 4; j++)
                    STEP_I8(sum[i][j], of_a[i], of_b[j]);
        }
    }
#pragma unroll
    for (uint i = 0; i < 4; i++) {
#pragma unroll
        for (uint j = 0; j < 4; j++) {
            __global int *out = c + (size_t)(row + own_row + 16 * i + quad) * n + column +
                                own_column + 8 * j + 2 * in_quad;

            out[0] = sum[i][j][0];
            out[1] = sum[i][j][1];
            out[(size_t)8 * n] = sum[i][j][2];
            out[(size_t)8 * n + 1] = sum[i][j][3];
        }
    }
}
#endif

#if BERTH_PTX >= 70
/* A GPU that does nothing else than multiply small whole numbers, from -2 to 2, by its tensor cores:
 * exact in any kind, as long as sums stay below 2^24. A(r, k) = (3 r + 5 k) % 5 - 2, and of four B's
 * side by side B(j, k, c) = (7 k + 3 c + j) % 5 - 2: after `steps` an entry is so many times that of
 * the sum of the four products, which bench_tensor.c compares. */
#define SIDE_BY_SIDE 4

INSIDE int small_a(uint row, uint k)
{
    return (int)((3 * row + 5 * k) % 5) - 2;
}

INSIDE int small_b(uint which, uint k, uint column)
{
    return (int)((7 * k + 3 * column + which) % 5) - 2;
}

/* The bits of -2 to 2. */
INSIDE uint as_f16(int x)
{
    return x == 0 ? 0 : (x < 0 ? 0x8000u : 0) | (x == 1 || x == -1 ? 0x3C00u : 0x4000u);
}

#endif

#if BERTH_PTX >= 75
#define AS_I8(x)  ((uint)(x) & 0xffu)
#define AS_F16(x) as_f16(x)

/* `each`: entries of a word; a word's entry i of them comes first at bit i * (32 / each). */
#define BUSY(name, number, each, as, step)                                                         \
    __kernel void name(__global number *out, uint steps)                                           \
    {                                                                                              \
        const uint quad = LANE / 4, in_quad = LANE % 4;                                            \
        number c[SIDE_BY_SIDE][4] = { { 0 } };                                                     \
        uint a[4] = { 0 }, b[SIDE_BY_SIDE][2] = { { 0 } };                                         \
                                                                                                   \
        for (uint i = 0; i < (each); i++) {                                                        \
            for (uint far = 0; far < 2; far++) {                                                \
                const uint k = (in_quad + 4 * far) * (each) + i, shift = i * (32 / (each));       \
                                                                                                   \
                a[2 * far] |= as(small_a(quad, k)) << shift;                                      \
                a[2 * far + 1] |= as(small_a(quad + 8, k)) << shift;                              \
                for (uint j = 0; j < SIDE_BY_SIDE; j++)                                            \
                    b[j][far] |= as(small_b(j, k, quad)) << shift;                                \
            }                                                                                      \
        }                                                                                          \
        for (uint i = 0; i < steps; i++) {                                                         \
            step(c[0], a, b[0]);                                                                   \
            step(c[1], a, b[1]);                                                                   \
            step(c[2], a, b[2]);                                                                   \
            step(c[3], a, b[3]);                                                                   \
        }                                                                                          \
        for (uint i = 0; i < 4; i++)                                                               \
            out[(size_t)get_global_id(0) * 4 + i] = c[0][i] + c[1][i] + c[2][i] + c[3][i];         \
    }

BUSY(busy_tensor_i8, int, 4, AS_I8, STEP_I8)
BUSY(busy_tensor_f16, float, 2, AS_F16, STEP_F16)
#endif

#if BERTH_PTX >= 80
INSIDE uint as_f32(int x)
{
    return x == 0 ? 0 : (x < 0 ? 0x80000000u : 0) | (x == 1 || x == -1 ? 0x3F800000u : 0x40000000u);
}

#define AS_BF16(x)         (as_f32(x) >> 16)
#define AS_TF32(x)         as_f32(x)
#define STEP_BF16(c, a, b) STEP_16("m16n8k16.row.col.f32.bf16.bf16.f32", "f", c, a, b)
#define STEP_TF32(c, a, b) STEP_16("m16n8k8.row.col.f32.tf32.tf32.f32", "f", c, a, b)

BUSY(busy_tensor_bf16, float, 2, AS_BF16, STEP_BF16)
BUSY(busy_tensor_tf32, float, 1, AS_TF32, STEP_TF32)
#endif

#if BERTH_PTX >= 70 && BERTH_PTX < 75
/* Volta's: four times 8 x 8 x 4, each by the two quads of lanes that are 16 apart. A lane has row
 * (column) in_quad of A (B), or that + 4 in the upper half of the warp, and eight entries of C. */
#define STEP_VOLTA(c, a, b)                                                                        \
    __asm("mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32"                                        \
          " {%0, %1, %2, %3, %4, %5, %6, %7}, {%8, %9}, {%10, %11},"                               \
          " {%0, %1, %2, %3, %4, %5, %6, %7};"                                                     \
          : "+f"((c)[0]), "+f"((c)[1]), "+f"((c)[2]), "+f"((c)[3]), "+f"((c)[4]), "+f"((c)[5]),    \
            "+f"((c)[6]), "+f"((c)[7])                                                             \
          : "r"((a)[0]), "r"((a)[1]), "r"((b)[0]), "r"((b)[1]))

__kernel void busy_volta_f16(__global float *out, uint steps)
{
    const uint line = LANE % 4 + (LANE < 16 ? 0 : 4);
    float c[SIDE_BY_SIDE][8] = { { 0 } };
    uint a[2], b[SIDE_BY_SIDE][2];

    for (uint i = 0; i < 2; i++) {
        a[i] = as_f16(small_a(line, 2 * i)) | as_f16(small_a(line, 2 * i + 1)) << 16;
        for (uint j = 0; j < SIDE_BY_SIDE; j++)
            b[j][i] = as_f16(small_b(j, 2 * i, line)) | as_f16(small_b(j, 2 * i + 1, line)) << 16;
    }
    for (uint i = 0; i < steps; i++) {
        STEP_VOLTA(c[0], a, b[0]);
        STEP_VOLTA(c[1], a, b[1]);
        STEP_VOLTA(c[2], a, b[2]);
        STEP_VOLTA(c[3], a, b[3]);
    }
    for (uint i = 0; i < 8; i++)
        out[(size_t)get_global_id(0) * 8 + i] = c[0][i] + c[1][i] + c[2][i] + c[3][i];
}
#endif
