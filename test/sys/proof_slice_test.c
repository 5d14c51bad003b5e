/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/proof_slice.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "check.h"

/* What came, digest by digest, is what the server says it was; and so with receipts. */
static void test_both_ends_come_to_the_same(void **state)
{
    const uint8_t secret[PROOF_SEED_SIZE] = { 1, 2, 3 }, other[PROOF_SEED_SIZE] = { 1, 2, 4 };
    auto_free uint8_t *slice = malloc(SLICE_DOWN_SIZE);
    struct hash digests[3], receipts[3];

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        slice_down(secret, i, slice);
        digests[i] = crypto_sha256(slice, SLICE_DOWN_SIZE);
        receipts[i] = slice_receipt(secret, i);
    }
    struct hash down = slices_digest(digests, 3), up = slices_digest(receipts, 3);
    struct hash want_down = slices_down_digest(secret, 3), want_up = slices_up_digest(secret, 3);
    CHECK(memcmp(&down, &want_down, sizeof down) == 0);
    CHECK(memcmp(&up, &want_up, sizeof up) == 0);
    want_down = slices_down_digest(secret, 2);
    CHECK(memcmp(&down, &want_down, sizeof down) != 0);
    want_down = slices_down_digest(other, 3);
    want_up = slices_up_digest(other, 3);
    CHECK(memcmp(&down, &want_down, sizeof down) != 0);
    CHECK(memcmp(&up, &want_up, sizeof up) != 0);
}

static void test_no_slice_repeats_another(void **state)
{
    const uint8_t seed[PROOF_SEED_SIZE] = { 5 };
    auto_free uint8_t *one = malloc(SLICE_DOWN_SIZE), *two = malloc(SLICE_DOWN_SIZE);

    (void)state;
    slice_down(seed, 0, one);
    slice_down(seed, 1, two);
    CHECK(memcmp(one, two, 64) != 0);
    CHECK(memcmp(one + SLICE_DOWN_SIZE - PROOF_N_MAX, two, PROOF_N_MAX) != 0);
    CHECK(memcmp(one, one + PROOF_N_MAX, PROOF_N_MAX) != 0);
    slice_up(seed, 0, two);
    CHECK(memcmp(one, two, 64) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ends_come_to_the_same),
        cmocka_unit_test(test_no_slice_repeats_another),
    };

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
