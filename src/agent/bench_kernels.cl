/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that runs on a GPU, in OpenCL C, compiled where it runs, and as PTX when Berth is built
 * (cmake/agent.cmake). The first four make a proof of compute, bit for bit as sys/proof_arith.h
 * says; the next keep a GPU busy in one way each; the last make a proof of memory. */

#ifdef __NVPTX__
/* As PTX there is nothing but the language: no function of OpenCL's is there unless it stands here,
 * and work items are threads of blocks. */
#define INSIDE static __attribute__((always_inline))

INSIDE uint thread_at(uint dimension)
{
    return dimension == 0 ? __nvvm_read_ptx_sreg_ctaid_x() * __nvvm_read_ptx_sreg_ntid_x() +
                                __nvvm_read_ptx_sreg_tid_x()
                          : __nvvm_read_ptx_sreg_ctaid_y() * __nvvm_read_ptx_sreg_ntid_y() +
                                __nvvm_read_ptx_sreg_tid_y();
}

INSIDE uint turn(uint x, uint by)
{
    return x << by | x >> (32 - by);
}

#define get_global_id(dimension) thread_at(dimension)
#define rotate(x, by)            turn(x, by)
#define fma(a, b, c)             ((a) * (b) + (c)) /* which becomes one, as it may in OpenCL C */

/* Four products of bytes in a word, added to `sum`. */
typedef int packed;
typedef int wide;
#define WIDEN(x) (x)
INSIDE int add_products(int sum, int a, int b)
{
#if BERTH_PTX >= 61
    __asm("dp4a.s32.s32 %0, %1, %2, %0;" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
#else
    return sum + (a << 24 >> 24) * (b << 24 >> 24) + (a << 16 >> 24) * (b << 16 >> 24) +
           (a << 8 >> 24) * (b << 8 >> 24) + (a >> 24) * (b >> 24);
#endif
}
#else
#define INSIDE

typedef char4 packed;
typedef int4 wide;
#define WIDEN(x) convert_int4(x)
INSIDE int add_products(int sum, int4 a, int4 b)
{
    const int4 product = a * b;

    return sum + product.x + product.y + product.z + product.w;
}
#endif

#define QUARTER(a, b, c, d)                                                                        \
    x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 16u);                                                 \
    x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 12u);                                                 \
    x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 8u);                                                  \
    x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 7u)

/* One block of one line: global id 0 is the block, 1 the line. */
__kernel void expand(__global const uint *seed, uint stream, uint n, __global uint *out)
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

/* C = A B, B by columns: the rows of A from `first` on make those of C from its first; each work item
 * makes 4 x 4 entries. */
__kernel void multiply(__global const packed *a, __global const packed *b, uint first, uint n,
                       __global int *c)
{
    const uint column = get_global_id(0) * 4, row = get_global_id(1) * 4, quarter = n / 4;
    int sum[4][4] = { { 0 } };

    for (uint k = 0; k < quarter; k++) {
        wide of_a[4], of_b[4];

        for (int i = 0; i < 4; i++) {
            of_a[i] = WIDEN(a[(size_t)(first + row + i) * quarter + k]);
            of_b[i] = WIDEN(b[(size_t)(column + i) * quarter + k]);
        }
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++)
                sum[i][j] = add_products(sum[i][j], of_a[i], of_b[j]);
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            c[(size_t)(row + i) * n + column + j] = sum[i][j];
}

/* Rows of C become those of the next A, from `first` on. */
__kernel void requantise(__global const int *c, uint first, uint round, uint n, __global char *a)
{
    const uint column = get_global_id(0), at = get_global_id(1);
    uint x = (uint)c[(size_t)at * n + column];

    x ^= (first + at) * 0x9E3779B1u ^ round * 0xC2B2AE3Du ^ column * 0x85EBCA77u;
    x ^= x >> 16;
    x *= 0x7FEB352Du;
    x ^= x >> 15;
    x *= 0x846CA68Bu;
    x ^= x >> 16;
    a[(size_t)(first + at) * n + column] = (char)(x >> 24);
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

/* A proof of memory, bit for bit as sys/proof_cells.h and sys/proof_memory.h say. The memory is eight
 * buffers, each of so many cells of sixteen words: no driver gives all of it as one. */
#define MEMORY                                                                                     \
    __global uint *m0, __global uint *m1, __global uint *m2, __global uint *m3, __global uint *m4, \
        __global uint *m5, __global uint *m6, __global uint *m7, ulong each
#define MEMORY_ALL m0, m1, m2, m3, m4, m5, m6, m7, each

INSIDE __global uint *cell_at(MEMORY, ulong cell)
{
    const uint buffer = (uint)(cell / each);
    __global uint *at = m0;

    at = buffer == 1 ? m1 : at;
    at = buffer == 2 ? m2 : at;
    at = buffer == 3 ? m3 : at;
    at = buffer == 4 ? m4 : at;
    at = buffer == 5 ? m5 : at;
    at = buffer == 6 ? m6 : at;
    at = buffer == 7 ? m7 : at;
    return at + (size_t)(cell % each) * 16;
}

INSIDE void core(uint *x)
{
    uint first[16];

    for (int i = 0; i < 16; i++)
        first[i] = x[i];
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
}

__kernel void memory_fill(MEMORY, __global const uint *seed)
{
    const ulong cell = get_global_id(0);
    __global uint *at = cell_at(MEMORY_ALL, cell);
    uint x[16];

    x[0] = 0x61707865u;
    x[1] = 0x3320646eu;
    x[2] = 0x79622d32u;
    x[3] = 0x6b206574u;
    for (int i = 0; i < 8; i++)
        x[4 + i] = seed[i];
    x[12] = (uint)cell;
    x[13] = (uint)(cell >> 32);
    x[14] = 0;
    x[15] = 3;
    core(x);
    for (int i = 0; i < 16; i++)
        at[i] = x[i];
}

INSIDE uint scramble(uint x)
{
    x ^= x >> 16;
    x *= 0x7FEB352Du;
    x ^= x >> 15;
    x *= 0x846CA68Bu;
    return x ^ x >> 16;
}

/* One cell of a half: global id 0 is its number in it. `bits` is half of the network's width. */
__kernel void memory_mix(MEMORY, __global const uint *seed, uint layer, uint bits, ulong half_cells)
{
    const ulong number = get_global_id(0);
    const uint mask = (1u << bits) - 1;
    const bool is_second = layer % 2 == 0;
    ulong partner = number;
    uint x[16];

    do {
        uint left = (uint)(partner >> bits), right = (uint)partner & mask;

        for (uint round = 0; round < 4; round++) {
            uint key = seed[(layer + 2 * round) % 8] + (layer * 4 + round + 1) * 0x9E3779B1u;
            uint next = left ^ (scramble(right ^ key) & mask);

            left = right;
            right = next;
        }
        partner = (ulong)left << bits | right;
    } while (partner >= half_cells);
    __global uint *own = cell_at(MEMORY_ALL, number + (is_second ? half_cells : 0));
    __global const uint *other = cell_at(MEMORY_ALL, partner + (is_second ? 0 : half_cells));
    for (int i = 0; i < 16; i++)
        x[i] = own[i] ^ other[i];
    core(x);
    for (int i = 0; i < 16; i++)
        own[i] = x[i];
}

__constant uint sha_constants[64] = {
    0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u, 0x3956c25bu, 0x59f111f1u, 0x923f82a4u,
    0xab1c5ed5u, 0xd807aa98u, 0x12835b01u, 0x243185beu, 0x550c7dc3u, 0x72be5d74u, 0x80deb1feu,
    0x9bdc06a7u, 0xc19bf174u, 0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu, 0x2de92c6fu,
    0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau, 0x983e5152u, 0xa831c66du, 0xb00327c8u, 0xbf597fc7u,
    0xc6e00bf3u, 0xd5a79147u, 0x06ca6351u, 0x14292967u, 0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu,
    0x53380d13u, 0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u, 0xa2bfe8a1u, 0xa81a664bu,
    0xc24b8b70u, 0xc76c51a3u, 0xd192e819u, 0xd6990624u, 0xf40e3585u, 0x106aa070u, 0x19a4c116u,
    0x1e376c08u, 0x2748774cu, 0x34b0bcb5u, 0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu, 0x682e6ff3u,
    0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u, 0x90befffau, 0xa4506cebu, 0xbef9a3f7u,
    0xc67178f2u,
};

INSIDE uint swap_bytes(uint x)
{
    return rotate(x & 0x00ff00ffu, 24u) | rotate(x & 0xff00ff00u, 8u);
}

INSIDE void sha_start(uint *h)
{
    h[0] = 0x6a09e667u;
    h[1] = 0xbb67ae85u;
    h[2] = 0x3c6ef372u;
    h[3] = 0xa54ff53au;
    h[4] = 0x510e527fu;
    h[5] = 0x9b05688cu;
    h[6] = 0x1f83d9abu;
    h[7] = 0x5be0cd19u;
}

/* One block, of big-endian words, which is overwritten. */
INSIDE void sha_block(uint *h, uint *w)
{
    uint a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], k = h[7];

    /* By sixteens, so that a compiler sees which word it is, and keeps them in registers. */
    for (int at = 0; at < 64; at += 16) {
#pragma unroll
        for (int i = 0; i < 16; i++) {
            if (at > 0) {
                uint x = w[(i + 1) & 15], y = w[(i + 14) & 15];

                w[i] += (rotate(x, 25u) ^ rotate(x, 14u) ^ x >> 3) + w[(i + 9) & 15] +
                        (rotate(y, 15u) ^ rotate(y, 13u) ^ y >> 10);
            }
            uint t = k + (rotate(e, 26u) ^ rotate(e, 21u) ^ rotate(e, 7u)) + ((e & f) ^ (~e & g)) +
                     sha_constants[at + i] + w[i];
            uint u =
                (rotate(a, 30u) ^ rotate(a, 19u) ^ rotate(a, 10u)) + ((a & b) ^ (a & c) ^ (b & c));

            k = g;
            g = f;
            f = e;
            e = d + t;
            d = c;
            c = b;
            b = a;
            a = t + u;
        }
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
    h[5] += f;
    h[6] += g;
    h[7] += k;
}

/* Of 64 bytes as they are in `w`, big-endian, and `more` whole words (0 or 2) in `tail`. */
INSIDE void sha_of(uint *w, const uint *tail, uint more, uint *h)
{
    sha_start(h);
    sha_block(h, w);
    for (int i = 0; i < 16; i++)
        w[i] = 0;
    for (uint i = 0; i < more; i++)
        w[i] = tail[i];
    w[more] = 0x80000000u;
    w[15] = 512 + 32 * more;
    sha_block(h, w);
}

/* The hash of a row of C, as of its bytes. There may be more work items than rows. */
__kernel void digest(__global const int *c, uint n, uint rows, __global uint *digests)
{
    const uint row = get_global_id(0);
    uint w[16], h[8];

    if (row >= rows)
        return;
    sha_start(h);
    for (uint at = 0; at < n; at += 16) {
#pragma unroll
        for (uint i = 0; i < 16; i++)
            w[i] = swap_bytes((uint)c[(size_t)row * n + at + i]);
        sha_block(h, w);
    }
    for (int i = 0; i < 16; i++)
        w[i] = 0;
    w[0] = 0x80000000u;
    w[15] = 32 * n;
    sha_block(h, w);
    for (int i = 0; i < 8; i++)
        digests[(size_t)row * 8 + i] = swap_bytes(h[i]);
}

/* The root of one page's 256 cells: each leaf climbs as far as it has a left sibling waiting. There
 * may be more work items than pages. */
__kernel void memory_pages(MEMORY, ulong pages, __global uint *roots)
{
    const ulong page = get_global_id(0);
    uint waiting[9][8];

    if (page >= pages)
        return;
    for (uint i = 0; i < 256; i++) {
        const ulong cell = page * 256 + i;
        __global const uint *at = cell_at(MEMORY_ALL, cell);
        uint w[16], h[8], tail[2], level = 0;

        for (int j = 0; j < 16; j++)
            w[j] = swap_bytes(at[j]);
        tail[0] = swap_bytes((uint)cell);
        tail[1] = swap_bytes((uint)(cell >> 32));
        sha_of(w, tail, 2, h);
        for (; (i >> level & 1) != 0; level++) {
            for (int j = 0; j < 8; j++) {
                w[j] = waiting[level][j];
                w[8 + j] = h[j];
            }
            sha_of(w, tail, 0, h);
        }
        for (int j = 0; j < 8; j++)
            waiting[level][j] = h[j];
    }
    for (int j = 0; j < 8; j++)
        roots[page * 8 + j] = swap_bytes(waiting[8][j]);
}
