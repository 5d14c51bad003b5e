/* SPDX-License-Identifier: Apache-2.0 */
#include "server/columns.h"

#include <string.h>

#include "check.h"

static json_t *parse(const char *text)
{
    json_t *root = NULL;
    struct error err;

    CHECK_OK(json_parse(text, strlen(text), &root, &err), &err);
    return root;
}

static void test_what_may_be_asked_for(void **state)
{
    static const struct {
        const char *columns;
        bool is_good, is_all;
    } rows[] = {
        { "[]", true, true },
        { "[\"*\"]", true, true },
        { "[\"id\",\"*\"]", true, true },
        { "[\"id\"]", true, false },
        { "[\"no such\"]", true, false },
        { "[7]", false, false },
        { "[\"id\",null]", false, false },
        { "{\"id\":1}", false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *columns = parse(rows[i].columns);
        bool is_all = !rows[i].is_all;
        struct error err;

        check_row("%s", rows[i].columns);
        CHECK(columns_check(columns, &is_all, &err) == rows[i].is_good);
        CHECK(is_all == (rows[i].is_good ? rows[i].is_all : !rows[i].is_all));
        if (!rows[i].is_good)
            CHECK_INT(err.code, ERROR_INVALID);
    }
}

static void test_nothing_is_all(void **state)
{
    bool is_all = false;
    struct error err;

    (void)state;
    CHECK_OK(columns_check(NULL, &is_all, &err), &err);
    CHECK(is_all);
}

static void test_so_many_names_and_no_more(void **state)
{
    (void)state;
    for (int count = COLUMNS_MAX; count <= COLUMNS_MAX + 1; count++) {
        auto_json json_t *columns = json_array();
        bool is_all;
        struct error err;

        for (int i = 0; i < count; i++)
            CHECK_INT(json_array_append_new(columns, json_string("id")), 0);
        CHECK(columns_check(columns, &is_all, &err) == (count <= COLUMNS_MAX));
    }
}

static void test_those_that_are_asked_for_come_in_their_order(void **state)
{
    static const struct {
        const char *columns, *shown;
    } rows[] = {
        { "[]", "{}" },
        { "[\"b\",\"a\"]", "{\"b\":[1,{\"c\":null}],\"a\":0.35}" },
        { "[\"none\",\"t\"]", "{\"none\":null,\"t\":\"x\\\"y\"}" },
        { "[\"n\",\"big\"]", "{\"n\":null,\"big\":9007199254740993}" },
        { "[\"a\",\"a\"]", "{\"a\":0.35,\"a\":0.35}" },
    };
    auto_json json_t *row = parse("{\"a\":0.35,\"b\":[1,{\"c\":null}],\"t\":\"x\\\"y\",\"n\":null,"
                                  "\"big\":9007199254740993}");

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf text = buf_of(4096);
        auto_json json_t *columns = parse(rows[i].columns);
        struct encoder json = encoder_of(&text);

        check_row("%s", rows[i].columns);
        columns_encode(&json, row, columns);
        CHECK_TEXT(text.bytes, rows[i].shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_may_be_asked_for),
        cmocka_unit_test(test_nothing_is_all),
        cmocka_unit_test(test_so_many_names_and_no_more),
        cmocka_unit_test(test_those_that_are_asked_for_come_in_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
