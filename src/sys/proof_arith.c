/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/proof_arith.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/compiler.h"

typedef uint32_t lanes __attribute__((vector_size(32)));

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "lines lie in memory as they are");
_Static_assert(sizeof(lanes) * 16 == PROOF_UNIT, "a unit is eight blocks");

#define LOOP(name) plain_##name
#define LOOP_TARGET
#include "sys/proof_loops.h"

#ifdef __x86_64__
#    define LOOP(name)  avx2_##name
#    define LOOP_TARGET __attribute__((target("avx2")))
#    include "sys/proof_loops.h"
#endif

const struct proof_loops *proof_loops_plain(void)
{
    return &plain_loops;
}

const struct proof_loops *proof_loops(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        return &avx2_loops;
#endif
    return &plain_loops;
}

void proof_line(const uint8_t seed[static PROOF_SEED_SIZE], enum proof_stream stream, uint32_t line,
                uint32_t n, int8_t *ret)
{
    uint32_t start[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };

    assert(n > 0 && n % PROOF_UNIT == 0 && n <= PROOF_N_MAX);
    memcpy(&start[4], seed, PROOF_SEED_SIZE);
    start[14] = line;
    start[15] = (uint32_t)stream;
    proof_loops()->expand(start, n / PROOF_UNIT, (uint8_t *)ret);
}

uint32_t proof_mod(int64_t value)
{
    int64_t rest = value % (int64_t)PROOF_PRIME;

    return (uint32_t)(rest < 0 ? rest + (int64_t)PROOF_PRIME : rest);
}

void proof_digits(uint32_t value, int16_t *ret_low, int16_t *ret_high)
{
    assert(value < PROOF_PRIME);
    /* From -2^30 to 2^30, so that the high digit has room for what the low one's sign lends. */
    int32_t balanced =
        value > PROOF_PRIME / 2 ? (int32_t)value - (int32_t)PROOF_PRIME : (int32_t)value;
    int16_t low = (int16_t)(balanced & 0xffff);

    *ret_low = low;
    *ret_high = (int16_t)((balanced - low) / 65536);
}
