/* SPDX-License-Identifier: Apache-2.0 */
#include "server/metrics.h"

#include <string.h>

#include "check.h"

static const struct metrics_route routes[] = {
    { "GET", "/api/v0/instances/{id}" },
    { "PUT", "/api/v0/asks/{id}" },
};
static const struct metrics_gauge gauges[] = {
    { "berth_agents_connected", "gauge", "Machines with a lease.", 12, 0 },
    { "berth_start_seconds", "gauge", "How long starting took.", 1500, 6 },
};
static const struct metrics_page page = { routes, gauges, 2 };

static bool has_line(const struct buf *text, const char *line)
{
    const char *found = strstr(text->bytes, line);

    return found != NULL && found[strlen(line)] == '\n' &&
           (found == text->bytes || found[-1] == '\n');
}

static void test_requests_are_counted_by_route_and_status(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_open(2);
    auto_buf struct buf out = buf_of(1 << 16);

    metrics_request(metrics, 0, 200, 250);
    metrics_request(metrics, 0, 200, 251);
    metrics_request(metrics, 0, 404, 9000000);
    metrics_request(metrics, 2, 418, 10);
    metrics_write(metrics, &page, &out);

    CHECK(has_line(&out,
                   "berth_http_requests_total{method=\"GET\",route=\"/api/v0/instances/{id}\","
                   "code=\"200\"} 2"));
    CHECK(has_line(&out,
                   "berth_http_requests_total{method=\"GET\",route=\"/api/v0/instances/{id}\","
                   "code=\"404\"} 1"));
    CHECK(
        has_line(&out, "berth_http_requests_total{method=\"other\",route=\"other\",code=\"0\"} 1"));
    CHECK(has_line(&out, "berth_http_request_seconds_bucket{method=\"GET\","
                         "route=\"/api/v0/instances/{id}\",le=\"0.00025\"} 1"));
    CHECK(has_line(&out, "berth_http_request_seconds_bucket{method=\"GET\","
                         "route=\"/api/v0/instances/{id}\",le=\"0.00050\"} 2"));
    CHECK(has_line(&out, "berth_http_request_seconds_bucket{method=\"GET\","
                         "route=\"/api/v0/instances/{id}\",le=\"+Inf\"} 3"));
    CHECK(has_line(&out, "berth_http_request_seconds_sum{method=\"GET\","
                         "route=\"/api/v0/instances/{id}\"} 9.000501"));
    CHECK(strstr(out.bytes, "route=\"/api/v0/asks/{id}\"") == NULL);
    metrics_close(&metrics);
}

static void test_counters_and_gauges_come_with_their_headings(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_open(0);
    auto_buf struct buf out = buf_of(1 << 16);

    metrics_add(metrics, METRICS_HEARTBEATS_ACCEPTED, 41);
    metrics_add(metrics, METRICS_HEARTBEATS_ACCEPTED, 1);
    metrics_add(metrics, METRICS_POLLS_EMPTY, 3);
    metrics_write(metrics, &page, &out);

    CHECK(has_line(&out, "# TYPE berth_heartbeats_total counter"));
    CHECK(has_line(&out, "berth_heartbeats_total{outcome=\"accepted\"} 42"));
    CHECK(has_line(&out, "berth_heartbeats_total{outcome=\"stale\"} 0"));
    CHECK(has_line(&out, "berth_agent_polls_total{outcome=\"unchanged\"} 3"));
    CHECK(has_line(&out, "berth_agents_connected 12"));
    CHECK(has_line(&out, "berth_start_seconds 0.001500"));

    /* A heading stands once: scrapers refuse a page that repeats one. */
    const char *heading = "# TYPE berth_heartbeats_total";
    const char *first = strstr(out.bytes, heading);
    CHECK(first != NULL && strstr(first + 1, heading) == NULL);
    metrics_close(&metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_are_counted_by_route_and_status),
        cmocka_unit_test(test_counters_and_gauges_come_with_their_headings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
