/* SPDX-License-Identifier: Apache-2.0 */
#include "server/top.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/instant.h"
#include "base/json.h"
#include "check.h"

static const char first_page[] =
    "# HELP berth_http_requests_total Answered requests, by route and status.\n"
    "# TYPE berth_http_requests_total counter\n"
    "berth_http_requests_total{method=\"GET\",route=\"/a\",code=\"200\"} 100\n"
    "berth_http_requests_total{method=\"GET\",route=\"/a\",code=\"503\"} 4\n"
    "berth_agents_connected 40\n"
    "berth_catalog_offers 9\n"
    "berth_http_request_seconds_bucket{method=\"GET\",route=\"/a\",le=\"0.00100\"} 100\n"
    "berth_http_request_seconds_bucket{method=\"GET\",route=\"/a\",le=\"0.01000\"} 104\n"
    "berth_http_request_seconds_bucket{method=\"GET\",route=\"/a\",le=\"+Inf\"} 104\n";

/* Ten seconds later: 100 more, of which 50 within a millisecond, 45 within ten, and five longer. */
static const char second_page[] =
    "berth_http_requests_total{method=\"GET\",route=\"/a\",code=\"200\"} 180\n"
    "berth_http_requests_total{method=\"GET\",route=\"/a\",code=\"503\"} 14\n"
    "berth_http_requests_total{method=\"GET\",route=\"/b\",code=\"404\"} 10\n"
    "berth_agents_connected 41\n"
    "berth_catalog_offers 9\n"
    "berth_http_request_seconds_bucket{method=\"GET\",route=\"/a\",le=\"0.00100\"} 140\n"
    "berth_http_request_seconds_bucket{method=\"GET\",route=\"/a\",le=\"0.01000\"} 189\n"
    "berth_http_request_seconds_bucket{method=\"GET\",route=\"/a\",le=\"+Inf\"} 194\n"
    "berth_http_request_seconds_bucket{method=\"GET\",route=\"/b\",le=\"0.00100\"} 10\n"
    "berth_http_request_seconds_bucket{method=\"GET\",route=\"/b\",le=\"0.01000\"} 10\n"
    "berth_http_request_seconds_bucket{method=\"GET\",route=\"/b\",le=\"+Inf\"} 10\n"
    "berth_http_request_seconds_bucket{method=\"GET\",route=\"/agent/v1/desired\",le=\"0.00100\"} "
    "0\n"
    "berth_http_request_seconds_bucket{method=\"GET\",route=\"/agent/v1/desired\",le=\"+Inf\"} "
    "9999\n";

static struct top_look look_of(int64_t at_s, const char *page, const char *other)
{
    struct top_look look = { 0 };
    struct error err;

    CHECK_OK(top_take(&look, page, &err), &err);
    if (other != NULL)
        CHECK_OK(top_take(&look, other, &err), &err);
    look.at_us = at_s * US_PER_SECOND;
    return look;
}

static json_t *compare(const struct top_look *before, const struct top_look *after)
{
    auto_buf struct buf text = buf_of(16384);
    json_t *root = NULL;
    struct error err;

    top_write_json(before, after, &text);
    CHECK(!text.has_overflowed);
    CHECK_OK(json_parse(text.bytes, text.length, &root, &err), &err);
    return root;
}

static double get(const json_t *root, const char *key)
{
    const json_t *value = json_object_get(root, key);

    CHECK(json_is_number(value));
    return json_number_value(value);
}

#define CHECK_NUMBER(root, key, want) CHECK(fabs(get(root, key) - (want)) < 1e-9)

static void test_what_grows_is_by_the_second_and_the_rest_as_it_is(void **state)
{
    struct top_look before = look_of(5, first_page, NULL), after = look_of(15, second_page, NULL);

    (void)state;
    auto_json json_t *root = compare(&before, &after);
    CHECK_NUMBER(root, "seconds", 10);
    CHECK_NUMBER(root, "requests_per_s", 10);
    CHECK_NUMBER(root, "errors_per_s", 1);
    CHECK_NUMBER(root, "refused_per_s", 1);
    CHECK_NUMBER(root, "agents", 41);
    CHECK_NUMBER(root, "offers", 9);
    CHECK_NUMBER(root, "heartbeats_per_s", 0);
    /* Polls that are held do not count. */
    CHECK_NUMBER(root, "p50_s", 0.001);
    CHECK_NUMBER(root, "p90_s", 0.01);
    CHECK(json_is_null(json_object_get(root, "p99_s")));
}

static void test_servers_are_one_market(void **state)
{
    struct top_look before = look_of(5, first_page, first_page);
    struct top_look after = look_of(15, second_page, second_page);

    (void)state;
    auto_json json_t *root = compare(&before, &after);
    CHECK_NUMBER(root, "requests_per_s", 20);
    CHECK_NUMBER(root, "agents", 82);
    CHECK_NUMBER(root, "offers", 9); /* each has all of them */
    CHECK_NUMBER(root, "p50_s", 0.001);
}

static void test_a_restart_is_no_negative_number(void **state)
{
    struct top_look before = look_of(5, second_page, NULL), after = look_of(15, first_page, NULL);

    (void)state;
    auto_json json_t *root = compare(&before, &after);
    CHECK_NUMBER(root, "requests_per_s", 10.4);
    auto_json json_t *still = compare(&before, &before);
    CHECK_NUMBER(still, "requests_per_s", 0);
    CHECK(json_is_null(json_object_get(still, "p50_s")));
}

static void test_a_table_has_every_number_once(void **state)
{
    struct top_look before = look_of(5, first_page, NULL), after = look_of(15, second_page, NULL);
    auto_buf struct buf table = buf_of(16384);
    size_t lines = 0;

    (void)state;
    top_write_table(&before, &after, &table);
    CHECK(!table.has_overflowed);
    for (const char *at = table.bytes; *at != '\0'; at++)
        lines += *at == '\n';
    CHECK_INT((int64_t)lines, TOP_NUMBERS + 3 + 4 + 3); /* quantiles, headings, blanks between */
    CHECK(strstr(table.bytes, "\n  a second                      10.0\n") != NULL);
    CHECK(strstr(table.bytes, "\n  half within                 1.0 ms\n") != NULL);
    CHECK(strstr(table.bytes, "\n  99 of 100 within            longer\n") != NULL);
}

static void test_what_is_no_page_is_refused_and_leaves_the_look_alone(void **state)
{
    static const char *const pages[] = { "",
                                         "# HELP x y\n",
                                         "x\n",
                                         "x one\n",
                                         "{a=\"b\"}1\n",
                                         " 7\n",
                                         "berth_agents_connected 1\n<html>\n" };

    (void)state;
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        struct top_look look = look_of(5, first_page, NULL), before = look;
        struct error err;
        check_row("%zu", i);
        CHECK_FAILS(top_take(&look, pages[i], &err), &err, ERROR_INVALID);
        CHECK(memcmp(&look, &before, sizeof look) == 0);
    }
}

/* As many edges as there is room for, and one more. */
static void test_edges_have_a_limit(void **state)
{
    auto_buf struct buf page = buf_of(16384);
    struct top_look look = { 0 };
    struct error err;

    (void)state;
    for (int i = 0; i <= TOP_BUCKETS_MAX; i++)
        buf_printf(&page, "berth_http_request_seconds_bucket{le=\"%d\"} %d\n", i, i);
    CHECK_OK(top_take(&look, page.bytes, &err), &err);
    CHECK_INT((int64_t)look.bucket_count, TOP_BUCKETS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_grows_is_by_the_second_and_the_rest_as_it_is),
        cmocka_unit_test(test_servers_are_one_market),
        cmocka_unit_test(test_a_restart_is_no_negative_number),
        cmocka_unit_test(test_a_table_has_every_number_once),
        cmocka_unit_test(test_what_is_no_page_is_refused_and_leaves_the_look_alone),
        cmocka_unit_test(test_edges_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
