/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/nonce.h"

#include <string.h>

#include "check.h"

static const struct instant given = { INT64_C(1700000000000000) };
static const struct nonce_terms terms = { 7, 3 };

static struct instant later(int64_t duration_us)
{
    return instant_add(given, duration_us);
}

static void test_it_is_good_for_a_minute(void **state)
{
    static const struct {
        int64_t after_us;
        bool is_good;
    } rows[] = {
        { 0, true },
        { NONCE_SECONDS * US_PER_SECOND - 1, true },
        { NONCE_SECONDS * US_PER_SECOND, false },
        { US_PER_HOUR, false },
    };
    struct key_pair keys = crypto_key_pair();
    uint8_t nonce[NONCE_SIZE];

    (void)state;
    nonce_give(&keys, &terms, given, nonce);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        CHECK_INT(nonce_is_good(&keys, &terms, later(rows[i].after_us), nonce), rows[i].is_good);
    }
}

static void test_it_is_good_for_one_machine_in_one_epoch_at_one_market(void **state)
{
    static const struct nonce_terms others[] = {
        { 8, 3 }, { 7, 2 }, { 7, 4 }, { 3, 7 }, { 7, NONCE_EPOCH_NONE }
    };
    struct key_pair keys = crypto_key_pair(), stranger = crypto_key_pair();
    uint8_t nonce[NONCE_SIZE];

    (void)state;
    nonce_give(&keys, &terms, given, nonce);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        check_row("%zu", i);
        CHECK(!nonce_is_good(&keys, &others[i], given, nonce));
    }
    CHECK(!nonce_is_good(&stranger, &terms, given, nonce));
}

/* Nobody gives themselves more time, or a nonce. */
static void test_no_bit_of_it_can_be_another(void **state)
{
    struct key_pair keys = crypto_key_pair();
    uint8_t nonce[NONCE_SIZE];

    (void)state;
    nonce_give(&keys, &terms, given, nonce);
    for (size_t bit = 0; bit < 8 * NONCE_SIZE; bit++) {
        check_row("%zu", bit);
        nonce[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK(!nonce_is_good(&keys, &terms, given, nonce));
        nonce[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    CHECK(nonce_is_good(&keys, &terms, given, nonce));
    memset(nonce, 0xff, sizeof nonce);
    CHECK(!nonce_is_good(&keys, &terms, given, nonce));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_good_for_a_minute),
        cmocka_unit_test(test_it_is_good_for_one_machine_in_one_epoch_at_one_market),
        cmocka_unit_test(test_no_bit_of_it_can_be_another),
    };

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
