/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"

#include <string.h>

#include "check.h"

enum { COUNT_MAX = 40 };

/* RFC 4648 section 10, without the padding. */
static void test_known_texts(void **state)
{
    static const struct {
        const char *bytes, *hex, *base64;
    } rows[] = {
        { "", "", "" },
        { "f", "66", "Zg" },
        { "fo", "666f", "Zm8" },
        { "foo", "666f6f", "Zm9v" },
        { "foob", "666f6f62", "Zm9vYg" },
        { "fooba", "666f6f6261", "Zm9vYmE" },
        { "foobar", "666f6f626172", "Zm9vYmFy" },
        { "\xfb\xff\xbe", "fbffbe", "-_--" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const uint8_t *bytes = (const uint8_t *)rows[i].bytes;
        char text[HEX_SIZE(COUNT_MAX)];

        check_row("'%s'", rows[i].bytes);
        CHECK_TEXT(hex_format(bytes, strlen(rows[i].bytes), text), rows[i].hex);
        CHECK_TEXT(base64_format(bytes, strlen(rows[i].bytes), text), rows[i].base64);
    }
}

static void test_what_goes_out_comes_back(void **state)
{
    (void)state;
    for (size_t count = 0; count <= COUNT_MAX; count++) {
        uint8_t bytes[COUNT_MAX], back[COUNT_MAX];
        char hex[HEX_SIZE(COUNT_MAX)], base64[BASE64_SIZE(COUNT_MAX)];
        size_t back_count = 99;

        check_row("%zu bytes", count);
        for (size_t i = 0; i < count; i++)
            bytes[i] = (uint8_t)check_random(256);
        CHECK(strlen(hex_format(bytes, count, hex)) + 1 == HEX_SIZE(count));
        CHECK(hex_parse(hex, back, count) && memcmp(bytes, back, count) == 0);
        CHECK(strlen(base64_format(bytes, count, base64)) + 1 <= BASE64_SIZE(count));
        CHECK(base64_parse(base64, back, count, &back_count));
        CHECK(back_count == count && memcmp(bytes, back, count) == 0);
        back_count = 99;
        CHECK(count == 0 || !base64_parse(base64, back, count - 1, &back_count));
        CHECK(back_count == 99);
    }
}

static void test_hex_takes_all_or_nothing(void **state)
{
    static const struct {
        const char *text;
        bool is_hex;
    } rows[] = {
        { "00ff", true },   { "09AF", true },   { "afFA", true },  { "g0ff", false },
        { "/0ff", false },  { ":0ff", false },  { "AbCd", true },  { "00f", false },
        { "00fff", false }, { "00ff0", false }, { "", false },     { "0x0f", false },
        { "00 f", false },  { "00fg", false },  { "00f/", false }, { "00f:", false },
        { "00f@", false },  { "00fG", false },  { "00f`", false }, { "00ff ", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[2] = { 42, 42 };

        check_row("'%s'", rows[i].text);
        CHECK(hex_parse(rows[i].text, bytes, sizeof bytes) == rows[i].is_hex);
        CHECK(rows[i].is_hex || (bytes[0] == 42 && bytes[1] == 42));
    }

    uint8_t bytes[11];
    static const uint8_t want[11] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab,
                                      0xcd, 0xef, 0xAB, 0xCD, 0xEF };
    CHECK(hex_parse("0123456789abcdefABCDEF", bytes, sizeof bytes));
    CHECK(memcmp(bytes, want, sizeof want) == 0);
}

static void test_base64_has_one_text_for_every_value(void **state)
{
    static const char *const bad[] = {
        "Zg==", ".m9v", "Z",    "Zm9vY", "Zh",     "Zn",   "Zv",
        "Zm9",  "Zm+v", "Zm/v", "Zm v",  "Zm9v\n", "Zm.v",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t bytes[8] = { 42 };
        size_t count = 99;

        check_row("'%s'", bad[i]);
        CHECK(!base64_parse(bad[i], bytes, sizeof bytes, &count));
        CHECK(count == 99 && bytes[0] == 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_texts),
        cmocka_unit_test(test_what_goes_out_comes_back),
        cmocka_unit_test(test_hex_takes_all_or_nothing),
        cmocka_unit_test(test_base64_has_one_text_for_every_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
