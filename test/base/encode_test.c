/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"

#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { LENGTH_MAX = 100000 };

static void test_nesting_and_commas(void **state)
{
    auto_buf struct buf out = buf_of(LENGTH_MAX);
    struct encoder json = encoder_of(&out);

    (void)state;
    encode_object(&json);
    encode_key(&json, "empty");
    encode_object(&json);
    encode_end(&json);
    encode_key(&json, "list");
    encode_array(&json);
    encode_int(&json, 1);
    encode_array(&json);
    encode_end(&json);
    encode_object(&json);
    encode_field_bool(&json, "t", true);
    encode_field_bool(&json, "f", false);
    encode_end(&json);
    encode_null(&json);
    encode_raw(&json, "[7]", 3);
    encode_end(&json);
    encode_field_text(&json, "none", NULL);
    encode_field_money(&json, "price", (struct money){ 350000000 });
    encode_field_exact(&json, "exactly", (struct money){ -350000001 });
    encode_field_real(&json, "score", 0.5);
    encode_field_int(&json, "id", 7001);
    encode_end(&json);
    CHECK_TEXT(
        out.bytes,
        "{\"empty\":{},\"list\":[1,[],{\"t\":true,\"f\":false},null,[7]],"
        "\"none\":null,\"price\":0.35,\"exactly\":\"-0.350000001\",\"score\":0.5,\"id\":7001}");
}

static const char *encoded_text(struct buf *out, const char *bytes, size_t length)
{
    struct encoder json = encoder_of(out);

    buf_release(out);
    encode_bytes(&json, bytes, length);
    return out->bytes;
}

#define REPLACED "\xef\xbf\xbd"

static void test_texts_are_escaped_and_always_utf8(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        const char *json;
    } rows[] = {
#define ROW(text, json) { text, sizeof text - 1, json }
        ROW("", "\"\""),
        ROW("plain / text", "\"plain / text\""),
        ROW("\"\\", "\"\\\"\\\\\""),
        ROW("\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""),
        ROW("\0\x01\x1f\x7f", "\"\\u0000\\u0001\\u001f\\u007f\""),
        ROW("\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\xa2", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\xa2\""),
        ROW("\xc2\x80\xc2\x9f\xc2\xa0", "\"\\u0080\\u009f\xc2\xa0\""),
        ROW("\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
            "\"\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
        ROW("1234567\x7f", "\"1234567\\u007f\""),
        ROW("12345678\x7f", "\"12345678\\u007f\""),
        ROW("\x7f"
            "2345678",
            "\"\\u007f2345678\""),
        { "\xc3\xa9", 1, "\"" REPLACED "\"" }, /* what is behind the end is not read */
        ROW("a\xff"
            "b",
            "\"a" REPLACED "b\""),
        ROW("\x80", "\"" REPLACED "\""),
        ROW("\xc3", "\"" REPLACED "\""),
        ROW("\xc3(", "\"" REPLACED "(\""),
        ROW("\xe2\x82", "\"" REPLACED REPLACED "\""),
        ROW("\xc0\x80", "\"" REPLACED REPLACED "\""),
        ROW("\xc1\xbf", "\"" REPLACED REPLACED "\""),
        ROW("\xe0\x9f\xbf", "\"" REPLACED REPLACED REPLACED "\""),
        ROW("\xed\xa0\x80", "\"" REPLACED REPLACED REPLACED "\""),
        ROW("\xf0\x8f\xbf\xbf", "\"" REPLACED REPLACED REPLACED REPLACED "\""),
        ROW("\xf4\x90\x80\x80", "\"" REPLACED REPLACED REPLACED REPLACED "\""),
        ROW("\xf5\x80\x80\x80", "\"" REPLACED REPLACED REPLACED REPLACED "\""),
#undef ROW
    };
    auto_buf struct buf out = buf_of(LENGTH_MAX);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK_TEXT(encoded_text(&out, rows[i].text, rows[i].length), rows[i].json);
    }
}

/* Any bytes at all come out as JSON; those that were UTF-8 come out as they were. */
static void test_any_text_parses(void **state)
{
    auto_buf struct buf out = buf_of(LENGTH_MAX);

    (void)state;
    for (int round = 0; round < 3000; round++) {
        char bytes[300];
        size_t length = (size_t)check_random(sizeof bytes);
        bool is_ascii = round % 2 == 0;

        check_row("round %d", round);
        for (size_t i = 0; i < length; i++)
            bytes[i] = (char)(is_ascii ? check_random(0x7f) + 1 : check_random(256));
        (void)encoded_text(&out, bytes, length);
        json_t *text = json_loadb(out.bytes, out.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        CHECK(json_is_string(text));
        CHECK(!is_ascii || (json_string_length(text) == length &&
                            memcmp(json_string_value(text), bytes, length) == 0));
        json_decref(text);
    }
}

static void test_texts_of_every_length_around_the_short_ones(void **state)
{
    auto_buf struct buf out = buf_of(LENGTH_MAX);
    char text[300], want[310];

    (void)state;
    for (size_t length = 0; length < sizeof text; length++) {
        check_row("length %zu", length);
        memset(text, 'x', length);
        (void)snprintf(want, sizeof want, "\"%.*s\"", (int)length, text);
        CHECK_TEXT(encoded_text(&out, text, length), want);
    }
}

static void test_keys_are_texts_too(void **state)
{
    auto_buf struct buf out = buf_of(LENGTH_MAX);
    struct encoder json = encoder_of(&out);

    (void)state;
    encode_object(&json);
    encode_field_int(&json, "a\"b", 1);
    encode_field_int(&json, "", 2);
    encode_end(&json);
    CHECK_TEXT(out.bytes, "{\"a\\\"b\":1,\"\":2}");
}

static const char *encoded_fixed(struct buf *out, int64_t value, int decimals)
{
    struct encoder json = encoder_of(out);

    buf_release(out);
    encode_fixed(&json, value, decimals);
    return out->bytes;
}

static void test_fixed_numbers_are_exact(void **state)
{
    static const struct {
        int64_t value;
        int decimals;
        const char *text;
    } rows[] = {
        { 0, 0, "0" },
        { 0, 9, "0" },
        { 1500, 3, "1.5" },
        { 2000, 3, "2" },
        { 1, 9, "0.000000001" },
        { -1, 9, "-0.000000001" },
        { 10, 2, "0.1" },
        { 123456789, 5, "1234.56789" },
        { 100, 0, "100" },
        { INT64_MAX, 0, "9223372036854775807" },
        { INT64_MIN, 0, "-9223372036854775808" },
        { INT64_MAX, 9, "9223372036.854775807" },
        { INT64_MIN, 18, "-9.223372036854775808" },
        { 1, 18, "0.000000000000000001" },
    };
    auto_buf struct buf out = buf_of(LENGTH_MAX);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%lld, %d", (long long)rows[i].value, rows[i].decimals);
        CHECK_TEXT(encoded_fixed(&out, rows[i].value, rows[i].decimals), rows[i].text);
    }
}

static void test_integers_of_every_length(void **state)
{
    auto_buf struct buf out = buf_of(LENGTH_MAX);
    char want[32];

    (void)state;
    for (uint64_t power = 1; power < UINT64_MAX / 10; power *= 10) {
        for (int64_t around = -1; around <= 1; around++) {
            uint64_t value = power + (uint64_t)around;
            struct encoder json = encoder_of(&out);

            buf_release(&out);
            encode_uint(&json, value);
            (void)snprintf(want, sizeof want, "%llu", (unsigned long long)value);
            CHECK_TEXT(out.bytes, want);
        }
    }
    struct encoder json = encoder_of(&out);
    buf_release(&out);
    encode_uint(&json, UINT64_MAX);
    CHECK_TEXT(out.bytes, "18446744073709551615");
}

static const char *encoded_real(struct buf *out, double value)
{
    struct encoder json = encoder_of(out);

    buf_release(out);
    encode_real(&json, value);
    return out->bytes;
}

static void test_known_reals(void **state)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        { 0, "0" },
        { -0.0, "0" },
        { 1, "1" },
        { -2.5, "-2.5" },
        { 0.1, "0.1" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 1.0 / 3, "0.3333333333333333" },
        { 0.0009765625, "0.0009765625" }, /* a power of two: steps differ above and below */
        { 0.00001, "0.00001" },
        { 9.313225746154785e-10, "0.0000000009313225746154785" },
        { 0.000012345, "0.000012345" },
        { 1e-11, "0.00000000001" },
        { 9.5e-12, "9.4999999999999995e-12" },
        { 9007199254740991.0, "9007199254740991" },
        { 4503599627370495.5, "4503599627370495.5" },
        { 1e22, "1e+22" },
        { DBL_MAX, "1.7976931348623157e+308" },
        { INFINITY, "null" },
        { -INFINITY, "null" },
        { NAN, "null" },
    };
    auto_buf struct buf out = buf_of(LENGTH_MAX);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK_TEXT(encoded_real(&out, rows[i].value), rows[i].text);
    }
}

/* The digits of a text of either form, without zeros at the ends. */
static void copy_digits(const char *text, char digits[static 32])
{
    size_t count = 0;

    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text >= '0' && *text <= '9' && (count > 0 || *text != '0') && count < 31)
            digits[count++] = *text;
    }
    while (count > 0 && digits[count - 1] == '0')
        count--;
    digits[count] = '\0';
}

/* printf() and strtod() are the judges: it reads back, nothing shorter does, and of its length it
 * is the nearest. Of two as near, printf() takes the even one, which does not read back where the
 * steps below are half as long; the odd one may. */
static void check_shortest(struct buf *out, double value)
{
    const char *text = encoded_real(out, value);
    char other[64], digits[32], want[32];
    int precision = 0;

    check_row("%a, written as %s", value, text);
    CHECK(strtod(text, NULL) == value);
    do
        (void)snprintf(other, sizeof other, "%.*e", precision++, value);
    while (strtod(other, NULL) != value);
    copy_digits(text, digits);
    copy_digits(other, want);
    CHECK(strlen(digits) <= strlen(want));
    if (strlen(digits) == strlen(want))
        CHECK_TEXT(digits, want);
    else
        CHECK(frexp(fabs(value), &precision) == 0.5);
}

static void test_reals_read_back_and_are_the_shortest(void **state)
{
    auto_buf struct buf out = buf_of(LENGTH_MAX);

    (void)state;
    for (int round = 0; round < 100000; round++) {
        double fraction = 1 + (double)check_random(UINT64_C(1) << 52) / 4503599627370496.0;
        double value = ldexp(fraction, (int)check_random(89) - 36);

        check_shortest(&out, round % 2 == 0 ? value : -value);
        check_shortest(&out, (double)check_random(1000000) / (double)(check_random(1000) + 1) + 1);
        check_shortest(&out, (double)(check_random(100000000) + 1) / 1e5);
    }
    for (int exponent = -36; exponent < 53; exponent++) {
        double power = ldexp(1, exponent);

        check_shortest(&out, power);
        check_shortest(&out, nextafter(power, 0));
        check_shortest(&out, nextafter(power, 1e300));
    }
}

static void test_any_double_reads_back(void **state)
{
    auto_buf struct buf out = buf_of(LENGTH_MAX);

    (void)state;
    for (int round = 0; round < 100000; round++) {
        uint64_t bits = check_random(UINT64_MAX);
        double value;

        memcpy(&value, &bits, sizeof value);
        check_row("%a", value);
        const char *text = encoded_real(&out, value);
        CHECK(isfinite(value) ? strtod(text, NULL) == value : strcmp(text, "null") == 0);
    }
}

/* Whatever the limit, the whole document is there or none of it. */
static void test_overflow_is_looked_at_once(void **state)
{
    static const char whole[] = "[\"berth\",-1.5,{\"a\":\"\\n\"}]";

    (void)state;
    for (size_t limit = 0; limit <= sizeof whole; limit++) {
        auto_buf struct buf out = buf_of(limit);
        struct encoder json = encoder_of(&out);

        check_row("limit %zu", limit);
        encode_array(&json);
        encode_text(&json, "berth");
        encode_fixed(&json, -15, 1);
        encode_object(&json);
        encode_field_text(&json, "a", "\n");
        encode_end(&json);
        encode_end(&json);
        CHECK(out.has_overflowed == (limit < sizeof whole - 1));
        if (!out.has_overflowed)
            CHECK_TEXT(out.bytes, whole);
    }
}

static void test_depth_reaches_its_limit(void **state)
{
    auto_buf struct buf out = buf_of(LENGTH_MAX);
    struct encoder json = encoder_of(&out);

    (void)state;
    for (int depth = 1; depth < ENCODE_DEPTH_MAX; depth++)
        encode_array(&json);
    for (int depth = 1; depth < ENCODE_DEPTH_MAX; depth++)
        encode_end(&json);
    CHECK_INT((int64_t)out.length, 2 * (ENCODE_DEPTH_MAX - 1));
}

static void test_members_written_before_stand_among_others(void **state)
{
    auto_buf struct buf out = buf_of(1000);
    struct encoder json = encoder_of(&out);

    (void)state;
    encode_array(&json);
    encode_object(&json);
    encode_members(&json, "\"a\":1,\"b\":[2]", 13);
    encode_field_int(&json, "c", 3);
    encode_members(&json, "\"d\":4", 5);
    encode_end(&json);
    encode_object(&json);
    encode_end(&json);
    encode_end(&json);
    CHECK_TEXT(out.bytes, "[{\"a\":1,\"b\":[2],\"c\":3,\"d\":4},{}]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nesting_and_commas),
        cmocka_unit_test(test_texts_are_escaped_and_always_utf8),
        cmocka_unit_test(test_any_text_parses),
        cmocka_unit_test(test_texts_of_every_length_around_the_short_ones),
        cmocka_unit_test(test_keys_are_texts_too),
        cmocka_unit_test(test_fixed_numbers_are_exact),
        cmocka_unit_test(test_integers_of_every_length),
        cmocka_unit_test(test_known_reals),
        cmocka_unit_test(test_reals_read_back_and_are_the_shortest),
        cmocka_unit_test(test_any_double_reads_back),
        cmocka_unit_test(test_overflow_is_looked_at_once),
        cmocka_unit_test(test_depth_reaches_its_limit),
        cmocka_unit_test(test_members_written_before_stand_among_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
