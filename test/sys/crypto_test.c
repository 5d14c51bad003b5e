/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/crypto.h"

#include <string.h>

#include "check.h"

static void test_known_hashes(void **state)
{
    /* FIPS 180-4's examples. */
    static const struct {
        const char *text, *hex;
    } rows[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct hash hash = crypto_sha256(rows[i].text, strlen(rows[i].text));
        char hex[HEX_SIZE(HASH_SIZE)];

        check_row("'%s'", rows[i].text);
        CHECK_TEXT(hex_format(hash.bytes, sizeof hash.bytes, hex), rows[i].hex);
    }
}

/* RFC 8032 section 7.1, test 2. */
static void test_a_known_signature(void **state)
{
    struct key_pair keys;
    char hex[HEX_SIZE(SIGNATURE_SIZE)];
    const uint8_t message = 0x72;

    (void)state;
    CHECK(hex_parse("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                    keys.public_key, PUBLIC_KEY_SIZE));
    CHECK(hex_parse("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
                    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                    keys.secret_key, SECRET_KEY_SIZE));
    struct signature signature = crypto_sign_with(&keys, &message, 1);
    CHECK_TEXT(hex_format(signature.bytes, sizeof signature.bytes, hex),
               "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
               "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
}

static void test_every_bit_of_a_signature_counts(void **state)
{
    struct key_pair keys = crypto_key_pair(), others = crypto_key_pair();
    char message[] = "running totals, never differences";
    struct signature signature = crypto_sign_with(&keys, message, sizeof message);

    (void)state;
    CHECK(crypto_verify(keys.public_key, &signature, message, sizeof message));
    CHECK(!crypto_verify(others.public_key, &signature, message, sizeof message));
    CHECK(!crypto_verify(keys.public_key, &signature, message, sizeof message - 1));
    message[3] ^= 1;
    CHECK(!crypto_verify(keys.public_key, &signature, message, sizeof message));
    message[3] ^= 1;
    for (size_t bit = 0; bit < 8 * SIGNATURE_SIZE; bit++) {
        struct signature forged = signature;

        forged.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        check_row("bit %zu", bit);
        CHECK(!crypto_verify(keys.public_key, &forged, message, sizeof message));
    }
}

static void test_tokens_differ(void **state)
{
    char a[TOKEN_TEXT_SIZE], b[TOKEN_TEXT_SIZE];
    uint8_t bytes[TOKEN_BYTES];

    (void)state;
    CHECK(strcmp(crypto_token(a), crypto_token(b)) != 0);
    CHECK(strlen(a) == TOKEN_TEXT_SIZE - 1 && hex_parse(a, bytes, sizeof bytes));
}

static void test_comparing_and_wiping(void **state)
{
    char secret[] = "secret";
    static const char zeros[sizeof secret];

    (void)state;
    CHECK(crypto_equal("abc", "abc", 3));
    CHECK(!crypto_equal("abc", "abd", 3));
    CHECK(crypto_equal("abc", "xyz", 0));
    crypto_wipe(secret, sizeof secret);
    CHECK(memcmp(secret, zeros, sizeof secret) == 0);
}

static void test_what_is_sealed_opens_whole_or_not_at_all(void **state)
{
    static const uint8_t key[SEAL_KEY_SIZE] = { 7 }, other[SEAL_KEY_SIZE] = { 8 };
    static const char text[] = "Ladies and Gentlemen of the class of '99";
    uint8_t sealed[sizeof text + SEAL_EXTRA], again[sizeof text + SEAL_EXTRA];
    char opened[sizeof text];

    (void)state;
    crypto_seal(key, "about", text, sizeof text, sealed);
    crypto_seal(key, "about", text, sizeof text, again);
    CHECK(memcmp(sealed, again, sizeof sealed) != 0);
    CHECK(crypto_unseal(key, "about", sealed, sizeof sealed, opened));
    CHECK(memcmp(opened, text, sizeof text) == 0);
    CHECK(!crypto_unseal(key, "About", sealed, sizeof sealed, opened));
    CHECK(!crypto_unseal(other, "about", sealed, sizeof sealed, opened));
    CHECK(!crypto_unseal(key, "about", sealed, sizeof sealed - 1, opened));
    for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK(!crypto_unseal(key, "about", sealed, sizeof sealed, opened));
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

/* RFC 4231, case 2, and RFC 2202, case 2. */
static void test_known_macs(void **state)
{
    static const char key[] = "Jefe", text[] = "what do ya want for nothing?";
    uint8_t short_mac[HMAC_SHA1_SIZE];
    char shown[HEX_SIZE(HASH_SIZE)];

    (void)state;
    struct hash mac = crypto_hmac(key, strlen(key), text, strlen(text));
    CHECK_TEXT(hex_format(mac.bytes, sizeof mac.bytes, shown),
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    crypto_hmac_sha1(key, strlen(key), text, strlen(text), short_mac);
    CHECK_TEXT(hex_format(short_mac, sizeof short_mac, shown),
               "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_hashes),
        cmocka_unit_test(test_known_macs),
        cmocka_unit_test(test_a_known_signature),
        cmocka_unit_test(test_every_bit_of_a_signature_counts),
        cmocka_unit_test(test_tokens_differ),
        cmocka_unit_test(test_what_is_sealed_opens_whole_or_not_at_all),
        cmocka_unit_test(test_comparing_and_wiping),
    };

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
