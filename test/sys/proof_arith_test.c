/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/proof_arith.h"

#include <string.h>

#include "check.h"

/* The first block of ChaCha8 for a key of zeros, counter and nonce 0, by any other implementation.
 */
static void test_lines_are_chacha8(void **state)
{
    static const uint8_t first[] = {
        0x3e, 0x00, 0xef, 0x2f, 0x89, 0x5f, 0x40, 0xd6,
        0x7f, 0x5b, 0xb8, 0xe8, 0x1f, 0x09, 0xa5, 0xa1,
    };
    uint8_t seed[PROOF_SEED_SIZE] = { 0 };
    int8_t line[PROOF_UNIT];

    (void)state;
    proof_line(seed, PROOF_STREAM_A, 0, PROOF_UNIT, line);
    for (int word = 0; word < 4; word++)
        for (int byte = 0; byte < 4; byte++)
            CHECK_INT((uint8_t)line[32 * word + byte], first[4 * word + byte]);
}

static void test_every_processor_gets_the_same(void **state)
{
    const struct proof_loops *fast = proof_loops(), *plain = proof_loops_plain();
    enum { COUNT = 4 * PROOF_UNIT };
    static uint8_t a[COUNT], b[COUNT];
    static int16_t low[COUNT], high[COUNT];
    static int32_t wide[COUNT];
    static int64_t sums[2][2 * COUNT], pair[2][2];
    static int8_t narrow[2][COUNT];

    (void)state;
    for (int round = 0; round < 20; round++) {
        uint32_t start[16], weight = (uint32_t)check_random(PROOF_PRIME);

        check_row("round %d", round);
        for (int i = 0; i < 16; i++)
            start[i] = (uint32_t)check_random(UINT64_C(1) << 32);
        fast->expand(start, 4, a);
        plain->expand(start, 4, b);
        CHECK(memcmp(a, b, sizeof a) == 0);
        for (int i = 0; i < COUNT; i++) {
            proof_digits(round == 0 ? PROOF_PRIME - 1 : (uint32_t)check_random(PROOF_PRIME),
                         &low[i], &high[i]);
            if (round == 1)
                low[i] = INT16_MIN, high[i] = INT16_MAX, a[i] = 0x80;
            wide[i] = (int32_t)(uint32_t)check_random(UINT64_C(1) << 32);
            sums[0][i] = sums[1][i] = sums[0][COUNT + i] = sums[1][COUNT + i] = 0;
        }
        fast->dots(low, high, (const int8_t *)a, COUNT, pair[0]);
        plain->dots(low, high, (const int8_t *)a, COUNT, pair[1]);
        CHECK(memcmp(pair[0], pair[1], sizeof pair[0]) == 0);
        int64_t want = 0;
        for (int i = 0; i < COUNT; i++)
            want += (int64_t)low[i] * (int8_t)a[i];
        CHECK_INT(pair[0][0], want);
        fast->add_wide(sums[0], sums[0] + COUNT, wide, weight, COUNT);
        plain->add_wide(sums[1], sums[1] + COUNT, wide, weight, COUNT);
        fast->add_narrow(sums[0], (const int8_t *)a, weight, COUNT);
        plain->add_narrow(sums[1], (const int8_t *)a, weight, COUNT);
        CHECK(memcmp(sums[0], sums[1], sizeof sums[0]) == 0);
        fast->requantise(wide, 9, 3, COUNT, narrow[0]);
        plain->requantise(wide, 9, 3, COUNT, narrow[1]);
        CHECK(memcmp(narrow[0], narrow[1], sizeof narrow[0]) == 0);
    }
}

static void test_digits_make_the_number(void **state)
{
    static const uint32_t edges[] = {
        0, 1, 32767, 32768, 65535, 65536, PROOF_PRIME / 2, PROOF_PRIME / 2 + 1, PROOF_PRIME - 1
    };

    (void)state;
    for (int i = 0; i < 2000; i++) {
        uint32_t value = i < 9 ? edges[i] : (uint32_t)check_random(PROOF_PRIME);
        int16_t low, high;

        check_row("%u", value);
        proof_digits(value, &low, &high);
        CHECK_INT(proof_mod(low + 65536 * (int64_t)high), value);
        CHECK(high >= -16384 && high <= 16384);
    }
    CHECK_INT(proof_mod(-1), PROOF_PRIME - 1);
    CHECK_INT(proof_mod(INT64_C(2147483647) * 5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_chacha8),
        cmocka_unit_test(test_every_processor_gets_the_same),
        cmocka_unit_test(test_digits_make_the_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
