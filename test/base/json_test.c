/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <string.h>

#include "base/buf.h"
#include "check.h"

static json_t *parse(const char *text)
{
    json_t *root = NULL;
    struct error err;

    CHECK_OK(json_parse(text, strlen(text), &root, &err), &err);
    return root;
}

static void test_takes_one_whole_value(void **state)
{
    static const char *const good[] = {
        "{}", "[]", "1", "\"x\"", "null", " {\"a\": [1, 2.5, true, null]} \n", "\"\\u00e9\"",
    };
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "{}{}",
        "{} x",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,}",
        "{a:1}",
        "[1,]",
        "'x'",
        "NaN",
        "Infinity",
        "01",
        "+1",
        "1.",
        ".5",
        "\"\\u0000\"",
        "\"\xff\"",
        "\"\xed\xa0\x80\"",
        "\"\n\"",
        "// x\n1",
        "[1e999]",
        "9223372036854775808",
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        check_row("'%s'", good[i]);
        auto_json json_t *root = parse(good[i]);
        CHECK(root != NULL);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_t *root = NULL;
        struct error err;

        check_row("'%s'", bad[i]);
        CHECK_FAILS(json_parse(bad[i], strlen(bad[i]), &root, &err), &err, ERROR_INVALID);
        CHECK(root == NULL);
        CHECK(strchr(err.text, '\n') == NULL);
    }
}

static void test_a_nul_inside_is_refused(void **state)
{
    json_t *root = NULL;
    struct error err;

    (void)state;
    CHECK_FAILS(json_parse("1\0", 2, &root, &err), &err, ERROR_INVALID);
    CHECK_FAILS(json_parse("\"a\0b\"", 5, &root, &err), &err, ERROR_INVALID);
    CHECK_FAILS(json_parse("{\"a\\u0000b\":1}", 14, &root, &err), &err, ERROR_INVALID);
}

static void test_depth_has_a_limit(void **state)
{
    char text[4 * JSON_DEPTH_MAX];

    (void)state;
    for (int depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        struct error err;
        auto_json json_t *root = NULL;

        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        bool is_ok = json_parse(text, 2 * (size_t)depth, &root, &err);
        CHECK(is_ok == (depth == JSON_DEPTH_MAX));
    }

    /* Brackets in texts and side by side are not depth. */
    for (int offset = 0; offset < 3; offset++) {
        auto_buf struct buf shallow = buf_of(10000);

        buf_printf(&shallow, "[\"%.*s\\\"", offset, "xx");
        for (int i = 0; i < 2 * JSON_DEPTH_MAX; i++)
            buf_printf(&shallow, "[{{");
        buf_printf(&shallow, "\"");
        for (int i = 0; i < 2 * JSON_DEPTH_MAX; i++)
            buf_printf(&shallow, ",[{}]");
        buf_printf(&shallow, "]");
        check_row("offset %d", offset);
        auto_json json_t *root = parse(shallow.bytes);
        CHECK_INT((int64_t)json_array_size(root), 1 + 2 * JSON_DEPTH_MAX);
    }
}

static void test_errors_say_where(void **state)
{
    json_t *root = NULL;
    struct error err;

    (void)state;
    CHECK(!json_parse("{\"a\":\n  zz}", 11, &root, &err));
    CHECK(strstr(err.text, "line 2") != NULL);

    /* And say it in one line, whatever the document holds. */
    static const char *const hostile[] = { "\x01", "[\x1b[2J]", "{\"a\n\":1}", "\"\\\n\"",
                                           "x\x7f" };
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        check_row("row %zu", i);
        CHECK(!json_parse(hostile[i], strlen(hostile[i]), &root, &err));
        for (const char *at = err.text; *at != '\0'; at++)
            CHECK(*at >= ' ' && *at < 0x7f);
    }
}

static void test_texts(void **state)
{
    auto_json json_t *root = parse("{\"t\":\"berth\",\"n\":null,\"i\":5}");
    const char *text = "before";
    struct error err;

    (void)state;
    CHECK_OK(json_need_text(root, "t", 5, &text, &err), &err);
    CHECK_TEXT(text, "berth");
    text = "before";
    CHECK_FAILS(json_need_text(root, "t", 4, &text, &err), &err, ERROR_OUT_OF_RANGE);
    CHECK_FAILS(json_need_text(root, "n", 5, &text, &err), &err, ERROR_INVALID);
    CHECK_TEXT(err.text, "'n' is missing");
    CHECK_FAILS(json_need_text(root, "i", 5, &text, &err), &err, ERROR_INVALID);
    CHECK_TEXT(err.text, "'i' must be a text");
    CHECK_OK(json_opt_text(root, "n", 5, &text, &err), &err);
    CHECK_OK(json_opt_text(root, "absent", 5, &text, &err), &err);
    CHECK_FAILS(json_opt_text(root, "i", 5, &text, &err), &err, ERROR_INVALID);
    CHECK_TEXT(text, "before");
}

static void test_whole_numbers(void **state)
{
    static const struct {
        const char *text;
        enum error_code code;
        int64_t value;
    } rows[] = {
        { "{\"x\":-5}", ERROR_NONE, -5 },
        { "{\"x\":10}", ERROR_NONE, 10 },
        { "{\"x\":10.0}", ERROR_NONE, 10 },
        { "{\"x\":1e1}", ERROR_NONE, 10 },
        { "{\"x\":-6}", ERROR_OUT_OF_RANGE, 0 },
        { "{\"x\":11}", ERROR_OUT_OF_RANGE, 0 },
        { "{\"x\":11.0}", ERROR_OUT_OF_RANGE, 0 },
        { "{\"x\":1e30}", ERROR_INVALID, 0 },
        { "{\"x\":9223372036854775808.0}", ERROR_INVALID, 0 },
        { "{\"x\":0.5}", ERROR_INVALID, 0 },
        { "{\"x\":\"5\"}", ERROR_INVALID, 0 },
        { "{\"x\":true}", ERROR_INVALID, 0 },
        { "{\"x\":null}", ERROR_INVALID, 0 },
        { "{}", ERROR_INVALID, 0 },
        { "[5]", ERROR_INVALID, 0 },
    };
    const struct json_bounds bounds = { -5, 10 };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *root = parse(rows[i].text);
        struct error err = { .code = ERROR_NONE };
        int64_t value = 42;

        check_row("%s", rows[i].text);
        bool is_ok = json_need_int(root, "x", bounds, &value, &err);
        CHECK(is_ok == (rows[i].code == ERROR_NONE));
        CHECK_INT(err.code, rows[i].code);
        CHECK_INT(value, is_ok ? rows[i].value : 42);
    }

    auto_json json_t *edges =
        parse("{\"low\":-9223372036854775808.0,\"high\":9223372036854775807}");
    const struct json_bounds any = { INT64_MIN, INT64_MAX };
    struct error err;
    int64_t value = 0;
    CHECK_OK(json_opt_int(edges, "low", any, &value, &err), &err);
    CHECK(value == INT64_MIN);
    CHECK_OK(json_opt_int(edges, "high", any, &value, &err), &err);
    CHECK(value == INT64_MAX);
    CHECK_OK(json_opt_int(edges, "absent", any, &value, &err), &err);
    CHECK(value == INT64_MAX);
}

static void test_booleans(void **state)
{
    auto_json json_t *root = parse("{\"t\":true,\"f\":false,\"1\":1,\"0\":0,\"2\":2,\"s\":\"true\","
                                   "\"n\":null,\"r\":1.0}");
    static const struct {
        const char *name;
        bool is_ok, value;
    } rows[] = {
        { "t", true, true },   { "f", true, false },  { "1", true, true },   { "0", true, false },
        { "2", false, false }, { "s", false, false }, { "n", false, false }, { "r", false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool value = !rows[i].value;
        struct error err = { .code = ERROR_INVALID };

        check_row("%s", rows[i].name);
        CHECK(json_need_bool(root, rows[i].name, &value, &err) == rows[i].is_ok);
        CHECK(value == (rows[i].is_ok ? rows[i].value : !rows[i].value));
    }
    bool value = true;
    struct error err;
    CHECK_OK(json_opt_bool(root, "n", &value, &err), &err);
    CHECK(value);
}

static void test_money_is_exact_or_nearest(void **state)
{
    static const struct {
        const char *text;
        enum error_code code;
        int64_t nanodollars;
    } rows[] = {
        { "{\"x\":0}", ERROR_NONE, 0 },
        { "{\"x\":12}", ERROR_NONE, 12000000000 },
        { "{\"x\":0.35}", ERROR_NONE, 350000000 },
        { "{\"x\":\"0.35\"}", ERROR_NONE, 350000000 },
        { "{\"x\":\"0.000000001\"}", ERROR_NONE, 1 },
        { "{\"x\":0.0000000014}", ERROR_NONE, 1 },
        { "{\"x\":0.0000000016}", ERROR_NONE, 2 },
        { "{\"x\":0.29}", ERROR_NONE, 290000000 }, /* whose double is below it */
        { "{\"x\":1000000000}", ERROR_NONE, 1000000000000000000 },
        { "{\"x\":1e9}", ERROR_NONE, 1000000000000000000 },
        { "{\"x\":\"1000000000\"}", ERROR_NONE, 1000000000000000000 },
        { "{\"x\":1000000001}", ERROR_OUT_OF_RANGE, 0 },
        { "{\"x\":9223372036854775807}", ERROR_OUT_OF_RANGE, 0 },
        { "{\"x\":1.0000000001e9}", ERROR_OUT_OF_RANGE, 0 },
        { "{\"x\":1e300}", ERROR_OUT_OF_RANGE, 0 },
        { "{\"x\":\"1000000000.000000001\"}", ERROR_OUT_OF_RANGE, 0 },
        { "{\"x\":\"99999999999999\"}", ERROR_OUT_OF_RANGE, 0 },
        { "{\"x\":-1}", ERROR_OUT_OF_RANGE, 0 },
        { "{\"x\":-0.01}", ERROR_OUT_OF_RANGE, 0 },
        { "{\"x\":\"-0.01\"}", ERROR_OUT_OF_RANGE, 0 },
        { "{\"x\":\"$5\"}", ERROR_INVALID, 0 },
        { "{\"x\":true}", ERROR_INVALID, 0 },
        { "{\"x\":[]}", ERROR_INVALID, 0 },
        { "{}", ERROR_INVALID, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *root = parse(rows[i].text);
        struct error err = { .code = ERROR_NONE };
        struct money amount = { 42 };

        check_row("%s", rows[i].text);
        bool is_ok = json_need_money(root, "x", &amount, &err);
        CHECK(is_ok == (rows[i].code == ERROR_NONE));
        CHECK_INT(err.code, rows[i].code);
        CHECK_INT(amount.nanodollars, is_ok ? rows[i].nanodollars : 42);
    }
}

static void test_what_is_optional_may_be_absent(void **state)
{
    auto_json json_t *root = parse("{\"n\":null}");
    static const char *const names[] = { "n", "absent" };
    struct error err;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const char *text = "before";
        int64_t number = 42;
        struct money amount = { 42 };
        const json_t *list = root;
        bool flag = true;

        check_row("%s", names[i]);
        CHECK_OK(json_opt_text(root, names[i], 0, &text, &err), &err);
        CHECK_OK(json_opt_int(root, names[i], (struct json_bounds){ 0, 0 }, &number, &err), &err);
        CHECK_OK(json_opt_bool(root, names[i], &flag, &err), &err);
        CHECK_OK(json_opt_money(root, names[i], &amount, &err), &err);
        CHECK_OK(json_opt_array(root, names[i], 0, &list, &err), &err);
        CHECK(strcmp(text, "before") == 0 && number == 42 && amount.nanodollars == 42);
        CHECK(list == root && flag);
    }
}

static void test_lists_and_objects(void **state)
{
    auto_json json_t *root = parse("{\"a\":[1,2],\"o\":{},\"n\":null}");
    const json_t *got = NULL;
    struct error err;

    (void)state;
    CHECK_FAILS(json_need_array(root, "a", 1, &got, &err), &err, ERROR_OUT_OF_RANGE);
    CHECK_FAILS(json_need_array(root, "o", 9, &got, &err), &err, ERROR_INVALID);
    CHECK_FAILS(json_need_array(root, "n", 9, &got, &err), &err, ERROR_INVALID);
    CHECK_OK(json_opt_array(root, "n", 9, &got, &err), &err);
    CHECK_FAILS(json_need_object(root, "a", &got, &err), &err, ERROR_INVALID);
    CHECK_FAILS(json_need_object(root, "n", &got, &err), &err, ERROR_INVALID);
    CHECK(got == NULL);
    CHECK_OK(json_need_array(root, "a", 2, &got, &err), &err);
    CHECK_INT((int64_t)json_array_size(got), 2);
    CHECK_OK(json_need_object(root, "o", &got, &err), &err);
    CHECK(json_is_object(got));
    CHECK(json_member(root, "n") == NULL && json_member(got, "x") == NULL);
    CHECK(json_member(NULL, "x") == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_one_whole_value),
        cmocka_unit_test(test_a_nul_inside_is_refused),
        cmocka_unit_test(test_depth_has_a_limit),
        cmocka_unit_test(test_errors_say_where),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_money_is_exact_or_nearest),
        cmocka_unit_test(test_what_is_optional_may_be_absent),
        cmocka_unit_test(test_lists_and_objects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
