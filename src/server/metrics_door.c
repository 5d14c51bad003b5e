/* SPDX-License-Identifier: Apache-2.0 */
#include "server/metrics_door.h"

#include <string.h>

#include "server/reply.h"

enum { PAGE_MAX = 4 << 20, CONNECTIONS_MAX = 64, CLOSE_DEADLINE_MS = 1000 };

static void serve_page(void *context, struct http_exchange *exchange)
{
    auto_buf struct buf body = buf_of(PAGE_MAX);
    const struct metrics_door *door = context;

    door->write(door->context, &body);
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

bool metrics_door_open(struct metrics_door *door, const char *listen, const struct log *log,
                       struct error *err)
{
    struct http_options options = http_options_default();

    options.listen = listen;
    options.threads = 1;
    options.workers = 1;
    options.connections_max = CONNECTIONS_MAX;
    options.handler = answer;
    options.context = door;
    return http_open(&options, log, &door->http, err) || error_context(err, "--metrics-listen");
}

void metrics_door_close(struct metrics_door *door)
{
    http_close(&door->http, CLOSE_DEADLINE_MS);
}
