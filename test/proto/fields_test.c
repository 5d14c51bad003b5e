/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/fields.h"

#include <string.h>

#include "check.h"
#include "support.h"

static const char *const colours[] = { "red", "green" };

struct sample {
    int64_t number;
    bool flag;
    char chars[4];
    const char *text, *line;
    uint8_t bytes[3];
    unsigned colour;
};

static const struct field sample_fields[] = {
    FIELD_INT(struct sample, number, -5, 5),
    FIELD_BOOL(struct sample, flag),
    FIELD_CHARS(struct sample, chars),
    FIELD_TEXT(struct sample, text, 1, 4),
    FIELD_LINE_OPTIONAL(struct sample, line, 0, 4),
    FIELD_BYTES(struct sample, bytes),
    FIELD_NAMES(struct sample, colour, colours),
};
static const struct field_list sample_list = FIELD_LIST(sample_fields);

static const struct sample good = {
    .number = -5,
    .flag = true,
    .chars = "abc",
    .text = "x\ny",
    .line = "l",
    .bytes = { 1, 2, 255 },
    .colour = 1,
};

static void encode(struct buf *out, const struct sample *sample)
{
    struct encoder json = encoder_of(out);

    encode_object(&json);
    fields_encode(&json, &sample_list, sample);
    encode_end(&json);
}

static void test_each_kind_is_written_as_itself(void **state)
{
    auto_buf struct buf text = buf_of(4096);

    (void)state;
    encode(&text, &good);
    CHECK_TEXT(text.bytes, "{\"number\":-5,\"flag\":true,\"chars\":\"abc\",\"text\":\"x\\ny\","
                           "\"line\":\"l\",\"bytes\":\"AQL_\",\"colour\":\"green\"}");
}

static void test_an_optional_text_is_left_out(void **state)
{
    auto_arena struct arena arena = arena_of(4096);
    auto_buf struct buf text = buf_of(4096);
    struct sample sample = good, got = { 0 };
    struct error err;

    (void)state;
    sample.line = NULL;
    encode(&text, &sample);
    CHECK(strstr(text.bytes, "line") == NULL);
    auto_json json_t *root = support_parse(&text);
    CHECK_OK(fields_decode(root, &sample_list, &arena, &got, &err), &err);
    CHECK(got.line == NULL);
    CHECK_TEXT(got.text, "x\ny");
}

static void test_texts_are_copied_or_borrowed(void **state)
{
    auto_arena struct arena arena = arena_of(4096);
    auto_buf struct buf text = buf_of(4096);
    struct sample copied, borrowed;
    struct error err;

    (void)state;
    encode(&text, &good);
    auto_json json_t *root = support_parse(&text);
    CHECK_OK(fields_decode(root, &sample_list, &arena, &copied, &err), &err);
    CHECK_OK(fields_decode(root, &sample_list, NULL, &borrowed, &err), &err);
    CHECK(borrowed.text == json_string_value(json_object_get(root, "text")));
    CHECK(copied.text != borrowed.text);
    CHECK_TEXT(copied.text, borrowed.text);
    CHECK_INT(copied.number, -5);
    CHECK(copied.flag);
    CHECK_TEXT(copied.chars, "abc");
    CHECK_INT(copied.bytes[2], 255);
    CHECK_INT(copied.colour, 1);
}

static void test_a_row_is_enforced(void **state)
{
    static const struct {
        const char *path, *value;
        enum error_code want;
    } rows[] = {
        { "number", "5", ERROR_NONE },           { "number", "6", ERROR_OUT_OF_RANGE },
        { "number", "-6", ERROR_OUT_OF_RANGE },  { "flag", "\"yes\"", ERROR_INVALID },
        { "chars", "\"\"", ERROR_NONE },         { "chars", "\"abcd\"", ERROR_OUT_OF_RANGE },
        { "chars", "\"a\\tb\"", ERROR_INVALID }, { "text", "\"\"", ERROR_OUT_OF_RANGE },
        { "text", "\"abcd\"", ERROR_NONE },      { "text", "\"abcde\"", ERROR_OUT_OF_RANGE },
        { "line", "null", ERROR_NONE },          { "line", "\"a\\nb\"", ERROR_INVALID },
        { "bytes", "\"AQL\"", ERROR_INVALID },   { "bytes", "\"AQL_AA\"", ERROR_INVALID },
        { "bytes", "\"AQL/\"", ERROR_INVALID },  { "colour", "\"blue\"", ERROR_INVALID },
        { "colour", "\"red\"", ERROR_NONE },     { "number", "", ERROR_INVALID },
        { "text", "", ERROR_INVALID },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf text = buf_of(4096);
        struct sample got;
        struct error err;

        check_row("%s = %s", rows[i].path, rows[i].value);
        encode(&text, &good);
        auto_json json_t *root = support_parse(&text);
        support_set(root, rows[i].path, rows[i].value);
        if (rows[i].want == ERROR_NONE)
            CHECK_OK(fields_decode(root, &sample_list, NULL, &got, &err), &err);
        else
            CHECK_FAILS(fields_decode(root, &sample_list, NULL, &got, &err), &err, rows[i].want);
    }
}

static void test_only_an_object_has_members(void **state)
{
    static const char *const texts[] = { "[]", "7", "\"x\"", "true", "null" };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        auto_json json_t *root = json_loads(texts[i], JSON_DECODE_ANY, NULL);
        struct sample got;
        struct error err;

        check_row("%s", texts[i]);
        CHECK_FAILS(fields_decode(root, &sample_list, NULL, &got, &err), &err, ERROR_INVALID);
    }
    struct sample got;
    struct error err;
    CHECK_FAILS(fields_decode(NULL, &sample_list, NULL, &got, &err), &err, ERROR_INVALID);
}

static void test_a_line_has_no_control_characters(void **state)
{
    (void)state;
    CHECK(fields_is_line(""));
    CHECK(fields_is_line(" ~é"));
    CHECK(!fields_is_line("a\x1f"));
    CHECK(!fields_is_line("\x7f"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_is_written_as_itself),
        cmocka_unit_test(test_an_optional_text_is_left_out),
        cmocka_unit_test(test_texts_are_copied_or_borrowed),
        cmocka_unit_test(test_a_row_is_enforced),
        cmocka_unit_test(test_only_an_object_has_members),
        cmocka_unit_test(test_a_line_has_no_control_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
