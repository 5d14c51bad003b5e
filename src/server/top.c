/* SPDX-License-Identifier: Apache-2.0 */
#include "server/top.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/instant.h"
#include "base/parse.h"
#include "sys/file.h"
#include "sys/http_client.h"

enum {
    PAGE_MAX = 4 << 20,
    TABLE_MAX = 16 << 10,
    URLS_MAX = 16,
    URL_SIZE = 512,
    INTERVAL_MAX_S = 3600,
    TIMEOUT_MS = 10000,
    ROW_LABEL = 22,
    NUMBER_SIZE = 40,
};

const struct option_row top_options[] = {
    { "metrics", "URL,URL", "where servers serve their numbers (http://127.0.0.1:9100/metrics)" },
    { "interval", "SECONDS", "between two looks (2)" },
    { "once", NULL, "one table, and that is all" },
    { "raw", NULL, "lines of JSON in place of tables" },
    { NULL, NULL, NULL },
};

enum how {
    HOW_LEVEL,   /* as it is, added up over servers */
    HOW_MARKETS, /* as it is; each server knows all of it: the largest */
    HOW_RATE,    /* by the second */
};

/* `labels` is a part of the line's, or "": all lines of the name are added up. */
static const struct number {
    const char *key, *group, *label;
    const char *metric, *labels;
    enum how how;
} rows[TOP_NUMBERS] = {
    { "requests_per_s", "requests", "a second", "berth_http_requests_total", "", HOW_RATE },
    { "errors_per_s", "requests", "errors a second", "berth_http_requests_total", "code=\"5",
      HOW_RATE },
    { "refused_per_s", "requests", "refused a second", "berth_http_requests_total", "code=\"4",
      HOW_RATE },
    { "slow_requests_per_s", "requests", "slow a second", "berth_slow_requests_total", "",
      HOW_RATE },
    { "searches_per_s", "requests", "searches a second", "berth_searches_total", "", HOW_RATE },
    { "in_flight", "requests", "being answered", "berth_http_in_flight", "", HOW_LEVEL },
    { "queued", "requests", "waiting for a worker", "berth_http_queued", "", HOW_LEVEL },
    { "connections", "requests", "connections", "berth_http_connections", "", HOW_LEVEL },
    { "agents", "agents", "connected", "berth_agents_connected", "", HOW_LEVEL },
    { "heartbeats_per_s", "agents", "heartbeats a second", "berth_heartbeats_total", "", HOW_RATE },
    { "sessions_per_s", "agents", "sessions a second", "berth_agent_sessions_total", "", HOW_RATE },
    { "agent_refusals_per_s", "agents", "refused a second", "berth_agent_refusals_total", "",
      HOW_RATE },
    { "polls_parked", "agents", "polls held", "berth_agent_polls_parked", "", HOW_LEVEL },
    { "machines", "market", "machines with offers", "berth_catalog_machines", "", HOW_MARKETS },
    { "offers", "market", "offers", "berth_catalog_offers", "", HOW_MARKETS },
    { "instances_running", "market", "instances running", "berth_instances_running", "",
      HOW_MARKETS },
    { "newest_journal", "market", "newest journal", "berth_ledger_newest_journal", "",
      HOW_MARKETS },
    { "event_listeners", "market", "event listeners", "berth_event_listeners", "", HOW_LEVEL },
    { "events_per_s", "market", "events a second", "berth_events_total", "", HOW_RATE },
    { "deliveries_per_s", "market", "mails, webhooks a s", "berth_deliveries_total", "", HOW_RATE },
    { "statements_per_s", "database", "statements a second", "berth_store_statements_total", "",
      HOW_RATE },
    { "reads_per_s", "database", "reads a second", "berth_store_reads_total", "", HOW_RATE },
    { "writes_per_s", "database", "writes a second", "berth_store_writes_total", "", HOW_RATE },
    { "commits_per_s", "database", "commits a second", "berth_store_commits_total", "", HOW_RATE },
    { "retries_per_s", "database", "run again a second", "berth_store_retries_total", "",
      HOW_RATE },
    { "slow_statements_per_s", "database", "slow a second", "berth_store_slow_statements_total", "",
      HOW_RATE },
    { "write_queue", "database", "writes waiting", "berth_store_queue_length", "", HOW_LEVEL },
};

/* Held polls and streams take as long as nothing happens. */
static const char *const held[] = { "/agent/v1/desired", "/api/v0/events/" };

static bool is_held(const char *labels)
{
    for (size_t i = 0; i < sizeof held / sizeof held[0]; i++)
        if (strstr(labels, held[i]) != NULL)
            return true;
    return false;
}

/* "12", "-0.250" or "+Inf": as servers write them. */
static bool parse_number(const char *text, double *ret)
{
    bool is_negative = *text == '-';
    char whole[NUMBER_SIZE], *point;
    uint64_t digits, fraction = 0;
    double scale = 1;

    if (strcmp(text, "+Inf") == 0) {
        *ret = INFINITY;
        return true;
    }
    if (strlen(text) >= sizeof whole)
        return false;
    memcpy(whole, text + is_negative, strlen(text + is_negative) + 1);
    point = strchr(whole, '.');
    if (point != NULL)
        *point++ = '\0';
    if (!parse_u64(whole, &digits) || (point != NULL && !parse_u64(point, &fraction)))
        return false;
    for (size_t i = 0; point != NULL && point[i] != '\0'; i++)
        scale *= 10;
    *ret = ((double)digits + (double)fraction / scale) * (is_negative ? -1 : 1);
    return true;
}

static void take_bucket(struct top_look *look, const char *labels, double count)
{
    const char *le = strstr(labels, "le=\"");
    char text[NUMBER_SIZE];
    double edge;
    size_t at = 0;

    if (le == NULL || is_held(labels))
        return;
    (void)snprintf(text, sizeof text, "%.*s", (int)strcspn(le + 4, "\""), le + 4);
    if (!parse_number(text, &edge))
        return;
    while (at < look->bucket_count && look->edges[at] < edge)
        at++;
    if (at == look->bucket_count || look->edges[at] > edge) {
        if (look->bucket_count == TOP_BUCKETS_MAX)
            return;
        memmove(look->edges + at + 1, look->edges + at, (look->bucket_count - at) * sizeof edge);
        memmove(look->within + at + 1, look->within + at, (look->bucket_count - at) * sizeof edge);
        look->bucket_count++;
        look->edges[at] = edge;
        look->within[at] = 0;
    }
    look->within[at] += count;
}

static void take_number(struct top_look *page, const char *name, const char *labels, double value)
{
    for (size_t i = 0; i < TOP_NUMBERS; i++)
        if (strcmp(rows[i].metric, name) == 0 && strstr(labels, rows[i].labels) != NULL)
            page->numbers[i] += value;
    if (strcmp(name, "berth_http_request_seconds_bucket") == 0)
        take_bucket(page, labels, value);
}

/* "name{labels} value" or "name value"; `line` is ours to cut. */
static bool take_line(struct top_look *page, char *line)
{
    char *value = strrchr(line, ' ');
    char *labels = strchr(line, '{');
    double number;

    if (value == NULL || value == line)
        return false;
    *value++ = '\0';
    if (!parse_number(value, &number))
        return false;
    if (labels != NULL)
        *labels++ = '\0';
    take_number(page, line, labels != NULL ? labels : "", number);
    return true;
}

static void add_page(struct top_look *look, const struct top_look *page)
{
    for (size_t i = 0; i < TOP_NUMBERS; i++) {
        double *sum = &look->numbers[i];
        *sum = rows[i].how == HOW_MARKETS ? fmax(*sum, page->numbers[i]) : *sum + page->numbers[i];
    }
    look->bucket_count = page->bucket_count;
    memcpy(look->edges, page->edges, sizeof look->edges);
    memcpy(look->within, page->within, sizeof look->within);
}

bool top_take(struct top_look *look, const char *page, struct error *err)
{
    auto_buf struct buf text = buf_of(PAGE_MAX);
    struct top_look taken = { .bucket_count = look->bucket_count };
    char *rest = NULL;
    size_t count = 0;

    memcpy(taken.edges, look->edges, sizeof taken.edges);
    memcpy(taken.within, look->within, sizeof taken.within);
    buf_printf(&text, "%s", page);
    if (text.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the page is too long");
    for (char *line = strtok_r(text.bytes, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (*line == '#')
            continue;
        if (!take_line(&taken, line))
            return error_set(err, ERROR_INVALID, "'%.64s' is not one of Prometheus's numbers",
                             line);
        count++;
    }
    if (count == 0)
        return error_set(err, ERROR_INVALID, "there are no numbers");
    add_page(look, &taken);
    return true;
}

/* A server that was restarted between the looks begins at zero: then what it has counted since. */
static double grown(double before, double after)
{
    return after < before ? after : after - before;
}

static double value_of(const struct top_look *before, const struct top_look *after, size_t number)
{
    double seconds = (double)(after->at_us - before->at_us) / 1e6;

    if (rows[number].how != HOW_RATE)
        return after->numbers[number];
    return seconds > 0 ? grown(before->numbers[number], after->numbers[number]) / seconds : 0;
}

/* Seconds within which that part of the requests was answered, as far as buckets tell; below zero:
 * there were none. */
static double quantile(const struct top_look *before, const struct top_look *after, double part)
{
    double all = 0, counts[TOP_BUCKETS_MAX];

    for (size_t i = 0; i < after->bucket_count; i++) {
        bool has_before = i < before->bucket_count && before->edges[i] == after->edges[i];
        counts[i] = grown(has_before ? before->within[i] : 0, after->within[i]);
        all = fmax(all, counts[i]);
    }
    for (size_t i = 0; i < after->bucket_count && all > 0; i++)
        if (counts[i] >= part * all)
            return after->edges[i];
    return -1;
}

static const struct {
    const char *key, *label;
    double part;
} quantiles[] = {
    { "p50_s", "half within", 0.5 },
    { "p90_s", "90 of 100 within", 0.9 },
    { "p99_s", "99 of 100 within", 0.99 },
};
enum { QUANTILES = sizeof quantiles / sizeof quantiles[0] };

static void write_quantile(double seconds, struct buf *out)
{
    if (seconds < 0)
        buf_printf(out, "%12s", "-");
    else if (isinf(seconds))
        buf_printf(out, "%12s", "longer");
    else
        buf_printf(out, "%9.1f ms", seconds * 1000);
}

void top_write_table(const struct top_look *before, const struct top_look *after, struct buf *out)
{
    const char *group = "";

    for (size_t i = 0; i < TOP_NUMBERS; i++) {
        if (strcmp(group, rows[i].group) != 0)
            buf_printf(out, "%s%s\n", i > 0 ? "\n" : "", rows[i].group);
        group = rows[i].group;
        buf_printf(out, "  %-*s%12.*f\n", ROW_LABEL, rows[i].label, rows[i].how == HOW_RATE,
                   value_of(before, after, i));
        bool is_last_request = strcmp(group, "requests") == 0 && i + 1 < TOP_NUMBERS &&
                               strcmp(rows[i + 1].group, "requests") != 0;
        for (size_t q = 0; q < QUANTILES && is_last_request; q++) {
            buf_printf(out, "  %-*s", ROW_LABEL, quantiles[q].label);
            write_quantile(quantile(before, after, quantiles[q].part), out);
            buf_printf(out, "\n");
        }
    }
}

void top_write_json(const struct top_look *before, const struct top_look *after, struct buf *out)
{
    buf_printf(out, "{\"seconds\":%.3f", (double)(after->at_us - before->at_us) / 1e6);
    for (size_t i = 0; i < TOP_NUMBERS; i++)
        buf_printf(out, ",\"%s\":%.*f", rows[i].key, rows[i].how == HOW_RATE ? 3 : 0,
                   value_of(before, after, i));
    for (size_t q = 0; q < QUANTILES; q++) {
        double seconds = quantile(before, after, quantiles[q].part);
        if (seconds >= 0 && !isinf(seconds))
            buf_printf(out, ",\"%s\":%.5f", quantiles[q].key, seconds);
        else
            buf_printf(out, ",\"%s\":null", quantiles[q].key);
    }
    buf_printf(out, "}\n");
}

struct top {
    char urls[URLS_MAX][URL_SIZE];
    size_t url_count;
    int64_t interval_s;
    bool is_once, is_raw;
};

static bool read_urls(const char *text, struct top *top, struct error *err)
{
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        if (length == 0 || length >= URL_SIZE || top->url_count == URLS_MAX)
            return error_set(err, ERROR_INVALID, "--metrics takes up to %d URLs", URLS_MAX);
        (void)snprintf(top->urls[top->url_count++], URL_SIZE, "%.*s", (int)length, text);
        text += length + (text[length] == ',' ? 1 : 0);
    }
    return top->url_count > 0 || error_set(err, ERROR_INVALID, "--metrics needs a URL");
}

static bool read_options(const struct options *options, struct top *top, struct error *err)
{
    const char *urls = options_get(options, "metrics"), *text = options_get(options, "interval");
    uint64_t seconds = 2;

    *top = (struct top){ .is_once = options_has(options, "once"),
                         .is_raw = options_has(options, "raw") };
    if (text != NULL && (!parse_u64(text, &seconds) || seconds < 1 || seconds > INTERVAL_MAX_S))
        return error_set(err, ERROR_INVALID, "--interval takes 1 to %d seconds", INTERVAL_MAX_S);
    top->interval_s = (int64_t)seconds;
    return read_urls(urls != NULL ? urls : "http://127.0.0.1:9100/metrics", top, err);
}

static bool look(const struct top *top, struct http_client *client, struct top_look *ret,
                 struct error *err)
{
    struct timespec now;

    *ret = (struct top_look){ 0 };
    for (size_t i = 0; i < top->url_count; i++) {
        auto_buf struct buf page = buf_of(PAGE_MAX);
        const struct http_request request = { .method = "GET",
                                              .url = top->urls[i],
                                              .timeout_ms = TIMEOUT_MS };
        int status;

        if (!http_client_send(client, &request, &status, &page, err))
            return error_context(err, "%.128s (serve --metrics-listen)", top->urls[i]);
        if (status != 200)
            return error_set(err, ERROR_UNAVAILABLE, "%.128s answers %d", top->urls[i], status);
        if (!top_take(ret, page.bytes, err))
            return error_context(err, "%.128s", top->urls[i]);
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    ret->at_us = now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
    return true;
}

static bool show(const struct top *top, const struct top_look *before, const struct top_look *after,
                 struct error *err)
{
    static const char clear[] = "\033[H\033[2J";
    auto_buf struct buf text = buf_of(TABLE_MAX);

    if (top->is_raw) {
        top_write_json(before, after, &text);
    } else {
        if (!top->is_once && isatty(STDOUT_FILENO) == 1)
            buf_append(&text, clear, sizeof clear - 1);
        top_write_table(before, after, &text);
    }
    return file_write_all(STDOUT_FILENO, text.bytes, text.length, err);
}

bool top_run(const struct options *options, struct buf *out, struct error *err)
{
    struct top top;
    struct top_look before, after;

    (void)out;
    if (!read_options(options, &top, err))
        return false;
    auto_http_client struct http_client *client = http_client_open(NULL, NULL);
    if (!look(&top, client, &before, err))
        return false;
    do {
        (void)sleep((unsigned)top.interval_s);
        if (!look(&top, client, &after, err)) {
            if (top.is_once)
                return false;
            /* Servers are restarted under its eyes: it says so, and waits. */
            (void)fprintf(stderr, "berthd top: %s\n", err->text);
            continue;
        }
        if (!show(&top, &before, &after, err))
            return false;
        before = after;
    } while (!top.is_once);
    return true;
}
