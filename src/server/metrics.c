/* SPDX-License-Identifier: Apache-2.0 */
#include "server/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Statuses that we send; what is none of them is counted under the last. */
static const int statuses[] = { 200, 204, 400, 401, 403, 404, 405, 408, 409, 410, 411,
                                413, 414, 415, 429, 431, 500, 501, 503, 504, 0 };
enum { STATUS_COUNT = sizeof statuses / sizeof statuses[0] };

/* Upper edges of the latency buckets, in microseconds; one more takes the rest. */
static const int64_t edges_us[] = { 250,   500,    1000,   2500,   5000,    10000,  25000,
                                    50000, 100000, 250000, 500000, 1000000, 5000000 };
enum { BUCKET_COUNT = sizeof edges_us / sizeof edges_us[0] + 1 };

struct route_counters {
    atomic_uint_fast64_t by_status[STATUS_COUNT];
    atomic_uint_fast64_t buckets[BUCKET_COUNT];
    atomic_uint_fast64_t duration_us;
};

struct metrics {
    size_t route_count;
    atomic_uint_fast64_t counters[METRICS_COUNT];
    struct route_counters routes[]; /* route_count + 1: the last is for the unknown */
};

struct metrics *metrics_open(size_t route_count)
{
    struct metrics *metrics =
        calloc(1, sizeof *metrics + (route_count + 1) * sizeof metrics->routes[0]);

    if (metrics == NULL)
        abort();
    metrics->route_count = route_count;
    return metrics;
}

void metrics_close(struct metrics **metrics)
{
    free(*metrics);
    *metrics = NULL;
}

static uint64_t load(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add(atomic_uint_fast64_t *counter, uint64_t count)
{
    atomic_fetch_add_explicit(counter, count, memory_order_relaxed);
}

void metrics_add(struct metrics *metrics, enum metrics_counter counter, uint64_t count)
{
    add(&metrics->counters[counter], count);
}

void metrics_request(struct metrics *metrics, size_t route, int status, int64_t duration_us)
{
    size_t number = route < metrics->route_count ? route : metrics->route_count;
    struct route_counters *counters = &metrics->routes[number];
    size_t column = 0, bucket = 0;

    while (column < STATUS_COUNT - 1 && statuses[column] != status)
        column++;
    while (bucket < BUCKET_COUNT - 1 && duration_us > edges_us[bucket])
        bucket++;
    add(&counters->by_status[column], 1);
    add(&counters->buckets[bucket], 1);
    add(&counters->duration_us, duration_us > 0 ? (uint64_t)duration_us : 0);
}

static void write_heading(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_counters(const struct metrics *metrics, struct buf *out)
{
    static const struct {
        const char *metric, *labels, *help;
    } rows[] = {
#define X(name, metric, labels, help) { metric, labels, help },
        METRICS_COUNTERS(X)
#undef X
    };

    for (size_t i = 0; i < METRICS_COUNT; i++) {
        if (rows[i].help[0] != '\0')
            write_heading(out, rows[i].metric, "counter", rows[i].help);
        buf_printf(out, "%s%s %" PRIu64 "\n", rows[i].metric, rows[i].labels,
                   load(&metrics->counters[i]));
    }
}

/* Routes that nobody has asked for yet are left out. */
static bool was_asked(const struct route_counters *counters)
{
    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        if (load(&counters->buckets[i]) > 0)
            return true;
    }
    return false;
}

static void write_statuses(const struct route_counters *counters, struct metrics_route route,
                           struct buf *out)
{
    for (size_t i = 0; i < STATUS_COUNT; i++) {
        uint64_t count = load(&counters->by_status[i]);
        if (count > 0)
            buf_printf(out,
                       "berth_http_requests_total{method=\"%s\",route=\"%s\",code=\"%d\"} %" PRIu64
                       "\n",
                       route.method, route.path, statuses[i], count);
    }
}

static void write_latencies(const struct route_counters *counters, struct metrics_route route,
                            struct buf *out)
{
    static const char name[] = "berth_http_request_seconds";
    uint64_t total = 0;

    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        total += load(&counters->buckets[i]);
        if (i < BUCKET_COUNT - 1)
            buf_printf(out, "%s_bucket{method=\"%s\",route=\"%s\",le=\"%.5f\"} %" PRIu64 "\n", name,
                       route.method, route.path, (double)edges_us[i] / 1e6, total);
        else
            buf_printf(out, "%s_bucket{method=\"%s\",route=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name,
                       route.method, route.path, total);
    }
    buf_printf(out, "%s_sum{method=\"%s\",route=\"%s\"} %.6f\n", name, route.method, route.path,
               (double)load(&counters->duration_us) / 1e6);
    buf_printf(out, "%s_count{method=\"%s\",route=\"%s\"} %" PRIu64 "\n", name, route.method,
               route.path, total);
}

static void write_routes(const struct metrics *metrics, const struct metrics_route *routes,
                         struct buf *out)
{
    static const struct metrics_route unknown = { "other", "other" };

    write_heading(out, "berth_http_requests_total", "counter",
                  "Answered requests, by route and status.");
    for (size_t i = 0; i <= metrics->route_count; i++)
        write_statuses(&metrics->routes[i], i < metrics->route_count ? routes[i] : unknown, out);
    write_heading(out, "berth_http_request_seconds", "histogram",
                  "From a whole request to the answer's first byte; held answers with their wait.");
    for (size_t i = 0; i <= metrics->route_count; i++) {
        if (was_asked(&metrics->routes[i]))
            write_latencies(&metrics->routes[i], i < metrics->route_count ? routes[i] : unknown,
                            out);
    }
}

void metrics_write_gauges(const struct metrics_gauge *gauges, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct metrics_gauge *gauge = &gauges[i];
        double scale = 1;
        for (int digit = 0; digit < gauge->decimals; digit++)
            scale *= 10;
        write_heading(out, gauge->name, gauge->type, gauge->help);
        buf_printf(out, "%s %.*f\n", gauge->name, gauge->decimals, (double)gauge->value / scale);
    }
}

void metrics_write(const struct metrics *metrics, const struct metrics_page *page, struct buf *out)
{
    metrics_write_gauges(page->gauges, page->gauge_count, out);
    write_counters(metrics, out);
    write_routes(metrics, page->routes, out);
}
