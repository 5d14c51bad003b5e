/* SPDX-License-Identifier: Apache-2.0 */
#include "server/relay_numbers.h"

#include <string.h>

#include "server/metrics_page.h"
#include "server/reply.h"
#include "sys/resident.h"

enum { PAGE_MAX = 64 << 10, CONNECTIONS_MAX = 64 };

void relay_numbers_list(const struct relay *from, struct metrics_gauge ret[static RELAY_GAUGES])
{
    struct relay_counts relay = from != NULL ? relay_counts(from) : (struct relay_counts){ 0 };
    const struct metrics_gauge gauges[RELAY_GAUGES] = {
        { "berth_relay_agents", "gauge", "Hosts that have dialled the relay in this process.",
          relay.agents, 0 },
        { "berth_relay_calls", "gauge", "Connections to instances through it.", relay.calls, 0 },
        { "berth_relay_waiting", "gauge", "Of those, the ones whose host has not answered yet.",
          relay.waiting, 0 },
        { "berth_relay_served_total", "counter", "Connections that went through and have ended.",
          (int64_t)relay.served, 0 },
        { "berth_relay_refused_total", "counter",
          "Connections turned away: no host, no answer, or too many.", (int64_t)relay.refused, 0 },
        { "berth_relay_up_bytes_total", "counter", "Carried from instances.",
          (int64_t)relay.bytes_up, 0 },
        { "berth_relay_down_bytes_total", "counter", "Carried to instances.",
          (int64_t)relay.bytes_down, 0 },
    };

    memcpy(ret, gauges, sizeof gauges);
}

static void serve_page(void *context, struct http_exchange *exchange)
{
    auto_buf struct buf body = buf_of(PAGE_MAX);
    struct metrics_gauge gauges[RELAY_GAUGES + 1] = {
        { "process_resident_memory_bytes", "gauge", "Memory in use.", resident_bytes(), 0 },
    };

    relay_numbers_list(context, gauges + 1);
    metrics_write_gauges(gauges, RELAY_GAUGES + 1, &body);
    http_reply(exchange, 200, METRICS_TYPE, &body);
}

static void answer(void *context, struct http_exchange *exchange)
{
    const struct http_request *request = http_request_of(exchange);

    if (strcmp(request->path, "/metrics") != 0)
        return reply_refuse_exchange(exchange, 404, "not_found", "Here is only /metrics.");
    if (request->method != HTTP_GET && request->method != HTTP_HEAD)
        return reply_refuse_exchange(exchange, 405, "method_not_allowed",
                                     "This address answers GET only.");
    http_work(exchange, serve_page, context);
}

bool relay_numbers_open(struct relay *relay, const struct log *log, const char *listen,
                        struct http **ret_http, struct error *err)
{
    struct http_options options = http_options_default();

    options.listen = listen;
    options.threads = 1;
    options.workers = 1;
    options.connections_max = CONNECTIONS_MAX;
    options.handler = answer;
    options.context = relay;
    return http_open(&options, log, ret_http, err) || error_context(err, "--metrics-listen");
}
