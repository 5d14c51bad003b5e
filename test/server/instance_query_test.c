/* SPDX-License-Identifier: Apache-2.0 */
#include "server/instance_query.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

/* Five instances; the third has no label and no status. */
static const char rows_text[] =
    "[{\"id\":1,\"label\":\"a\",\"actual_status\":\"running\",\"gpu_name\":\"RTX 4090\","
    "\"num_gpus\":1,\"dph_total\":0.35,\"is_bid\":false},"
    "{\"id\":2,\"label\":\"b\",\"actual_status\":\"exited\",\"gpu_name\":\"RTX 3090\","
    "\"num_gpus\":2,\"dph_total\":0.2,\"is_bid\":false},"
    "{\"id\":3,\"label\":null,\"actual_status\":null,\"gpu_name\":\"RTX 4090\","
    "\"num_gpus\":4,\"dph_total\":1.4,\"is_bid\":true},"
    "{\"id\":4,\"label\":\"a\",\"actual_status\":\"running\",\"gpu_name\":null,"
    "\"num_gpus\":0,\"dph_total\":0.05,\"is_bid\":false},"
    "{\"id\":5,\"label\":\"10\",\"actual_status\":\"running\",\"gpu_name\":\"H100 SXM\","
    "\"num_gpus\":8,\"dph_total\":16,\"is_bid\":false}]";

enum { ROW_COUNT = 5 };

static json_t *root;
static const json_t *rows[ROW_COUNT];

static int load_rows(void **state)
{
    struct error err;

    (void)state;
    CHECK_OK(json_parse(rows_text, strlen(rows_text), &root, &err), &err);
    for (size_t i = 0; i < ROW_COUNT; i++)
        rows[i] = json_array_get(root, i);
    return 0;
}

static int drop_rows(void **state)
{
    (void)state;
    json_decref(root);
    return 0;
}

static bool parse(const struct http_pair *pairs, size_t count, struct page_query *ret,
                  bool *ret_is_token, struct error *err)
{
    const struct http_request request = { .query = pairs, .query_count = count };

    return page_query_parse(&request, rows[0], ret, ret_is_token, err);
}

/* The ids of what matches, in order, such as "1 4 ". */
static void list_ids(const struct page_query *query, struct buf *out)
{
    const json_t *matches[ROW_COUNT];
    size_t count = 0;

    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (page_query_matches(query, rows[i]))
            matches[count++] = rows[i];
    }
    page_query_sort(query, matches, count);
    for (size_t i = page_query_start(query, matches, count); i < count; i++)
        buf_printf(out, "%lld ", (long long)json_integer_value(json_object_get(matches[i], "id")));
}

static void test_filters_and_orders(void **state)
{
    (void)state;
    static const struct {
        const char *filters, *order, *ids;
    } cases[] = {
        { NULL, NULL, "1 2 3 4 5 " },
        { "null", "null", "1 2 3 4 5 " },
        { "{\"label\":{\"in\":[\"a\",\"b\"]}}", NULL, "1 2 4 " },
        { "{\"label\":{\"in\":[null]}}", NULL, "3 " },
        { "{\"label\":{\"notin\":[null,\"a\"]}}", NULL, "2 5 " },
        { "{\"label\":{\"eq\":null}}", NULL, "3 " },
        { "{\"label\":{\"neq\":\"a\"}}", NULL, "2 3 5 " },
        { "{\"actual_status\":{\"in\":[\"running\"]},\"label\":{\"eq\":\"a\"}}", NULL, "1 4 " },
        { "{\"num_gpus\":{\"gte\":2,\"lt\":8}}", NULL, "2 3 " },
        { "{\"num_gpus\":{\"gte\":\"2\"}}", NULL, "2 3 5 " },
        { "{\"num_gpus\":{\"eq\":\"two\"}}", NULL, "" },
        { "{\"num_gpus\":{\"gt\":null}}", NULL, "" },
        { "{\"is_bid\":{\"eq\":true}}", NULL, "3 " },
        { "{\"is_bid\":{\"eq\":1}}", NULL, "3 " },
        { "{\"is_bid\":{\"eq\":\"false\"}}", NULL, "1 2 4 5 " },
        { "{\"gpu_name\":{\"eq\":\"rtx_4090\"}}", NULL, "1 3 " },
        { "{\"gpu_name\":{\"gt\":\"A\"}}", NULL, "1 2 3 5 " },
        { NULL, "[{\"col\":\"dph_total\",\"dir\":\"asc\"}]", "4 2 1 3 5 " },
        { NULL, "[{\"col\":\"dph_total\",\"dir\":\"desc\"}]", "5 3 1 2 4 " },
        { NULL, "[{\"col\":\"label\",\"dir\":\"desc\"}]", "2 1 4 5 3 " },
        { NULL, "[{\"col\":\"label\"},{\"col\":\"id\",\"dir\":\"desc\"}]", "5 4 1 2 3 " },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        auto_page_query struct page_query query = { 0 };
        auto_buf struct buf ids = buf_of(256);
        struct http_pair pairs[2];
        size_t count = 0;
        bool is_token;
        struct error err;

        check_row("case %zu: %s", i, cases[i].ids);
        if (cases[i].filters != NULL)
            pairs[count++] = (struct http_pair){ "select_filters", cases[i].filters };
        if (cases[i].order != NULL)
            pairs[count++] = (struct http_pair){ "order_by", cases[i].order };
        CHECK_OK(parse(pairs, count, &query, &is_token, &err), &err);
        list_ids(&query, &ids);
        CHECK_TEXT(ids.length > 0 ? ids.bytes : "", cases[i].ids);
    }
}

static void test_what_makes_no_sense_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *wrong;
        bool is_token;
    } cases[] = {
        { "select_filters", "{", "select_filters", false },
        { "select_filters", "[]", "select_filters must be an object", false },
        { "select_filters", "{\"colour\":{\"eq\":1}}", "'colour'", false },
        { "select_filters", "{\"id\":{\"like\":1}}", "'like'", false },
        { "select_filters", "{\"id\":3}", "must be an object", false },
        { "select_filters", "{\"id\":{\"in\":3}}", "needs an array", false },
        { "order_by", "[{\"col\":\"colour\"}]", "'colour'", false },
        { "order_by", "{}", "order_by must be an array", false },
        { "select_cols", "\"id\"", "select_cols must be an array", false },
        { "select_cols", "[1]", "names", false },
        { "limit", "many", "limit", false },
        { "after_token", "!!", "after_token", true },
        { "after_token", "MS4w", "after_token", true }, /* 1.0: no instance has the id 0 */
        { "after_token", "MQ", "after_token", true },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct page_query query = { .limit = 99 };
        const struct http_pair pair = { cases[i].name, cases[i].value };
        bool is_token = !cases[i].is_token;
        struct error err;

        check_row("%s=%s", cases[i].name, cases[i].value);
        CHECK_FAILS(parse(&pair, 1, &query, &is_token, &err), &err, ERROR_INVALID);
        CHECK(strstr(err.text, cases[i].wrong) != NULL);
        CHECK_INT(is_token, cases[i].is_token);
        CHECK(query.limit == 99);
    }
}

static void test_a_page_has_at_most_25(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t limit;
    } cases[] = { { "1", 1 },  { "25", 25 }, { "26", 25 },  { "0", 5 },
                  { "-3", 5 }, { "", 25 },   { "null", 25 } };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct page_query query = { 0 };
        const struct http_pair pair = { "limit", cases[i].text };
        bool is_token;
        struct error err;
        check_row("limit=%s", cases[i].text);
        CHECK_OK(parse(&pair, 1, &query, &is_token, &err), &err);
        CHECK(query.limit == cases[i].limit);
    }
}

/* From page to page by their tokens, whatever vanishes in between. */
static void test_pages_follow_one_another(void **state)
{
    (void)state;
    char token[PAGE_TOKEN_SIZE];
    struct page_query query = { 0 };
    bool is_token;
    struct error err;

    (void)page_token(rows, 1, token);
    const struct http_pair pair = { "after_token", token };
    CHECK_OK(parse(&pair, 1, &query, &is_token, &err), &err);
    CHECK(page_query_start(&query, rows, ROW_COUNT) == 2);

    /* The row that the page ended with is gone; then all behind it, too. */
    const json_t *left[] = { rows[0], rows[2], rows[3] };
    CHECK(page_query_start(&query, left, 3) == 1);
    CHECK(page_query_start(&query, left, 1) == 1);
    CHECK(page_query_start(&query, left, 0) == 0);
}

static void test_asking_for_all_columns_is_asking_for_none(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t count;
    } cases[] = {
        { "[\"*\"]", 0 }, { "[]", 0 }, { "[\"id\",\"nope\"]", 2 }, { "[\"id\",\"*\"]", 0 }
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        auto_page_query struct page_query query = { 0 };
        const struct http_pair pair = { "select_cols", cases[i].text };
        bool is_token;
        struct error err;
        check_row("%s", cases[i].text);
        CHECK_OK(parse(&pair, 1, &query, &is_token, &err), &err);
        CHECK(json_array_size(query.columns) == cases[i].count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters_and_orders),
        cmocka_unit_test(test_what_makes_no_sense_is_refused_by_name),
        cmocka_unit_test(test_a_page_has_at_most_25),
        cmocka_unit_test(test_pages_follow_one_another),
        cmocka_unit_test(test_asking_for_all_columns_is_asking_for_none),
    };
    return cmocka_run_group_tests(tests, load_rows, drop_rows);
}
