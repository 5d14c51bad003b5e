/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that runs on a GPU, in OpenCL C, compiled where it runs. The first three make a proof
 * of compute, bit for bit as sys/proof_arith.h says; the others keep a GPU busy in one way each. */

#define QUARTER(a, b, c, d)                                                                        \
    x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 16u);                                                 \
    x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 12u);                                                 \
    x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 8u);                                                  \
    x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 7u)

/* One block of one line: global id 0 is the block, 1 the line. */
__kernel void expand(__constant const uint *seed, uint stream, uint n, __global uint *out)
{
    const uint block = get_global_id(0), line = get_global_id(1);
    uint x[16], first[16];

    first[0] = 0x61707865u;
    first[1] = 0x3320646eu;
    first[2] = 0x79622d32u;
    first[3] = 0x6b206574u;
    for (int i = 0; i < 8; i++)
        first[4 + i] = seed[i];
    first[12] = block;
    first[13] = 0;
    first[14] = line;
    first[15] = stream;
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
    __global uint *unit = out + (size_t)line * (n / 4) + (size_t)(block / 8) * 128 + block % 8;
    for (int i = 0; i < 16; i++)
        unit[8 * i] = x[i] + first[i];
}

/* C = A B, B by columns; each work item makes 4 x 4 entries. */
__kernel void multiply(__global const char4 *a, __global const char4 *b, uint n, __global int *c)
{
    const uint column = get_global_id(0) * 4, row = get_global_id(1) * 4, quarter = n / 4;
    int sum[4][4] = { { 0 } };

    for (uint k = 0; k < quarter; k++) {
        int4 of_a[4], of_b[4];

        for (int i = 0; i < 4; i++) {
            of_a[i] = convert_int4(a[(size_t)(row + i) * quarter + k]);
            of_b[i] = convert_int4(b[(size_t)(column + i) * quarter + k]);
        }
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 4; j++) {
                int4 product = of_a[i] * of_b[j];

                sum[i][j] += product.x + product.y + product.z + product.w;
            }
        }
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            c[(size_t)(row + i) * n + column + j] = sum[i][j];
}

/* Rows of C become rows of the next A: `rows` says which they are. */
__kernel void requantise(__global const int *c, __global const uint *rows, uint round, uint n,
                         __global char *a)
{
    const uint column = get_global_id(0), at = get_global_id(1);
    uint x = (uint)c[(size_t)at * n + column];

    x ^= rows[at] * 0x9E3779B1u ^ round * 0xC2B2AE3Du ^ column * 0x85EBCA77u;
    x ^= x >> 16;
    x *= 0x7FEB352Du;
    x ^= x >> 15;
    x *= 0x846CA68Bu;
    x ^= x >> 16;
    a[(size_t)at * n + column] = (char)(x >> 24);
}

/* Eight chains of multiply-adds beside one another, 16 operations a step and lane. */
__kernel void busy_f32(__global float *out, uint steps)
{
    const float start = (float)get_global_id(0) * 1e-9f;
    float4 a = start, b = start + 1.0f;
    const float4 by = 0.999f, plus = 1e-3f;

    for (uint i = 0; i < steps; i++) {
        a = fma(a, by, plus);
        b = fma(b, by, plus);
    }
    out[get_global_id(0)] = a.x + a.y + a.z + a.w + b.x + b.y + b.z + b.w;
}

#ifdef cl_khr_fp16
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
__kernel void busy_f16(__global float *out, uint steps)
{
    const half start = (half)((float)get_global_id(0) * 1e-9f);
    half4 a = start, b = start + (half)1.0f;
    const half4 by = (half)0.99f, plus = (half)1e-2f;

    for (uint i = 0; i < steps; i++) {
        a = fma(a, by, plus);
        b = fma(b, by, plus);
    }
    out[get_global_id(0)] = (float)(a.x + a.y + a.z + a.w + b.x + b.y + b.z + b.w);
}
#endif

__kernel void copy(__global const float4 *from, __global float4 *to)
{
    to[get_global_id(0)] = from[get_global_id(0)];
}
