/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/session_key.h"

#include <string.h>

#include "check.h"

static const char words[] = "words";

static struct session_identity identity_of(const struct key_pair *newest,
                                           const struct key_pair *former, struct instant until)
{
    struct session_identity identity = { .former_until = until, .epoch = 3 };

    memcpy(identity.public_key, newest->public_key, sizeof identity.public_key);
    memcpy(identity.former_key, former->public_key, sizeof identity.former_key);
    return identity;
}

static void test_a_request_is_signed_by_a_key_that_is_good(void **state)
{
    const struct instant until = { 1000 };
    struct key_pair newest = crypto_key_pair(), former = crypto_key_pair();
    struct key_pair stranger = crypto_key_pair();
    struct session_identity identity = identity_of(&newest, &former, until);
    auto_buf struct buf text = buf_of(16);
    const struct {
        const struct key_pair *keys;
        int64_t now_us;
        bool is_good, is_newest;
    } rows[] = {
        { &newest, 0, true, true },     { &newest, INT64_MAX, true, true },
        { &former, 999, true, false },  { &former, 1000, false, false },
        { &stranger, 0, false, false },
    };

    (void)state;
    buf_append(&text, words, sizeof words);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signature signature = crypto_sign_with(rows[i].keys, words, sizeof words);
        struct session_key key = { .until = { -9 } };

        check_row("%zu", i);
        CHECK(session_key_of(&identity, (struct instant){ rows[i].now_us }, &signature, &text,
                             &key) == rows[i].is_good);
        if (!rows[i].is_good) {
            CHECK_INT(key.until.microseconds, -9);
            continue;
        }
        CHECK(memcmp(key.public_key, rows[i].keys->public_key, sizeof key.public_key) == 0);
        CHECK_INT(instant_compare(key.until, rows[i].is_newest ? INSTANT_NEVER : until), 0);
    }
}

/* A machine that was never turned has one key, and what is cut off was signed by nobody. */
static void test_one_key_alone_and_whole_texts(void **state)
{
    struct key_pair newest = crypto_key_pair();
    struct session_identity identity = identity_of(&newest, &newest, (struct instant){ 0 });
    struct signature signature = crypto_sign_with(&newest, words, sizeof words);
    auto_buf struct buf text = buf_of(16), small = buf_of(2);
    struct session_key key;

    (void)state;
    buf_append(&text, words, sizeof words);
    buf_append(&small, words, sizeof words);
    CHECK(session_key_of(&identity, (struct instant){ 5 }, &signature, &text, &key));
    CHECK(!session_key_of(&identity, (struct instant){ 5 }, &signature, &small, &key));
    signature.bytes[0] ^= 1;
    CHECK(!session_key_of(&identity, (struct instant){ 5 }, &signature, &text, &key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_is_signed_by_a_key_that_is_good),
        cmocka_unit_test(test_one_key_alone_and_whole_texts),
    };

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
