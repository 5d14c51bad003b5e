/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server: whole requests in, replies out, from any thread.
 *
 * Only http.c and the http_... beside it know which library parses and polls. A request reaches the
 * handler when all of it is here and the door has let it pass (door.h); the handler runs on a
 * thread that other connections wait for, so it answers at once or passes the exchange on:
 *
 *     http_reply(exchange, 200, "application/json", &body);      at once
 *     http_work(exchange, slow_part, context);                   on the worker pool
 *     http_hold(exchange, 25000);                                until somebody replies
 *     struct http_stream *stream = http_stream(exchange);        and go on sending
 *
 * Whoever holds an exchange ends it with exactly one http_reply() or http_stream(), from
 * whatever thread; after that call the exchange is gone. That holds for an exchange whose
 * client has given up or whose hold has run out as well: the reply then goes nowhere, and
 * http_is_waiting() tells so beforehand. So a hub keeps one exchange a machine, replaces it when
 * the next poll comes, and needs no callback.
 *
 * Limits are in `struct http_options`. Nothing an outsider sends, or fails to send or to read,
 * holds a connection for longer than they say. */

#ifndef BERTH_SERVER_HTTP_H
#define BERTH_SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"
#include "sys/log.h"

enum {
    HTTP_BODY_MAX = 1 << 20,   /* bytes of a request's body */
    HTTP_HEAD_MAX = 8 * 1024,  /* request line and headers, the library's own needs included */
    HTTP_HEADERS_MAX = 64,     /* headers of a request */
    HTTP_QUERY_MAX = 64,       /* parameters in a query */
    HTTP_REPLY_MAX = 32 << 20, /* bytes of a reply's body */
    HTTP_ARENA_MAX = 4 << 20,  /* bytes a handler may take from the request's arena */
    HTTP_STREAM_QUEUE_MAX = 256 << 10, /* bytes that wait for a stream's client */
    HTTP_ADDRESS_SIZE = 46,
};

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_OTHER };

const char *http_method_name(enum http_method method); /* "GET", ... */

/* A header or a decoded query parameter. Both are NUL-terminated, without NUL inside. */
struct http_pair {
    const char *name;
    const char *value;
};

/* One whole request. All of it lives as long as its exchange. */
struct http_request {
    enum http_method method;
    const char *target; /* as sent: path and query, in origin form; what agents sign */
    const char *path;   /* decoded; one slash in front, none behind; "/" for the root */
    size_t query_count;
    const struct http_pair *query;
    size_t header_count;
    const struct http_pair *headers;
    const char *body; /* NUL-terminated behind its last byte; "" if there is none */
    size_t body_length;
    const char *id;      /* what it is called in logs (server/request_id.h) */
    const char *client;  /* numeric address of the peer, or of whom a trusted proxy names */
    struct arena *arena; /* for what the handler needs until it replies */
};

/* The first of that name (headers: in any case of letters); NULL if there is none. */
const char *http_header(const struct http_request *request, const char *name);
const char *http_query(const struct http_request *request, const char *name);

struct http;          /* the server */
struct http_exchange; /* one request, and the duty to answer it */

typedef void http_handler(void *context, struct http_exchange *exchange);

/* Hears of each answer. */
struct http_answered {
    int tag; /* what http_set_tag() said, or -1 */
    int status;
    int64_t duration_us;
    bool was_held; /* http_hold(): it was to take long */
    const char *request_id;
};
typedef void http_observer(void *context, const struct http_answered *answered);

struct http_options {
    const char *listen; /* "127.0.0.1:8080", "[::1]:0", "0.0.0.0:80"; port 0: any free one */
    unsigned threads;   /* that parse and answer; by default one for each processor, 2 to 16 */
    unsigned workers;   /* that may block */
    unsigned queue_max; /* exchanges that wait for a worker; one more is answered 503 */
    unsigned connections_max;
    unsigned connections_per_address_max; /* trusted proxies are exempt */
    int64_t request_timeout_ms;           /* for a whole request, from its first byte */
    int64_t idle_timeout_ms;              /* from a reply to the next request */
    int64_t reply_timeout_ms;             /* for the client to take the whole reply */
    int64_t keepalive_ms;                 /* between signs of life on a silent stream */
    const char *const *trusted_proxies;   /* addresses, NULL-terminated, or NULL: none */
    http_handler *handler;
    void *context;
    http_observer *observer; /* or NULL */
    void *observer_context;
};

/* Every member but the last four has a default here. */
struct http_options http_options_default(void);

/* *ret_http is set before the first request comes, and NULL where it fails. */
NODISCARD bool http_open(const struct http_options *options, const struct log *log,
                         struct http **ret_http, struct error *err);

/* "127.0.0.1:41231": where it listens, with the port that was chosen. */
const char *http_address(const struct http *http);

/* Stop accepting, answer what is held (503), end streams, let what is in flight finish until the
 * deadline, then close everything. The handler is not called after that. Exchanges and streams that
 * somebody still holds stay theirs to end, to no effect. */
void http_close(struct http **http, int64_t deadline_ms);

const struct http_request *http_request_of(const struct http_exchange *exchange);

/* What to call this exchange when it is answered: for metrics. */
void http_set_tag(struct http_exchange *exchange, int tag);

/* One more reply header; before the reply. Both are copied. At most 8. Cache-Control is in place of
 * the no-store that every reply has. */
void http_set_header(struct http_exchange *exchange, const char *name, const char *value);

/* End the exchange. The body is taken over: `*body` is empty afterwards. An overflowed body
 * becomes a 500. `content_type` is a literal; NULL where there is no body. */
void http_reply(struct http_exchange *exchange, int status, const char *content_type,
                struct buf *body);

/* The same with bytes that outlive the server. */
void http_reply_static(struct http_exchange *exchange, int status, const char *content_type,
                       const void *bytes, size_t length);

/* A reply of 200 that is made once and sent to many: the bytes of a page never change. The body is
 * taken over, and must not have overflowed; headers are copied. */
struct http_page;
struct http_page *http_page_of(const char *content_type, const struct http_pair *headers,
                               size_t count, struct buf *body);

/* One holder more, and one less: the last to let go frees it. */
struct http_page *http_page_hold(struct http_page *page);
void http_page_release(struct http_page **page);

/* End the exchange with it, as it is: none of http_set_header(). The page stays the caller's. */
void http_reply_page(struct http_exchange *exchange, struct http_page *page);

/* Have a worker call `work`, which then owns the exchange. A full queue is answered with 503
 * here. */
void http_work(struct http_exchange *exchange, http_handler *work, void *context);

/* Keep the client waiting: if nobody replies within `timeout_ms`, it is told 204. The caller
 * goes on owning the exchange and must still reply, then or later. */
void http_hold(struct http_exchange *exchange, int64_t timeout_ms);

/* Whether a held exchange's client still waits. False is final. */
bool http_is_waiting(struct http_exchange *exchange);

struct http_stream;

/* Answer 200 text/event-stream, and end the exchange: its request is gone. The caller owns the
 * stream and must close it. Silent streams get a comment every `keepalive_ms`. */
struct http_stream *http_stream(struct http_exchange *exchange);

/* Queue bytes. False: the client is gone, or reads too slowly to keep HTTP_STREAM_QUEUE_MAX
 * bytes waiting, and was cut off; nothing more will reach it. */
NODISCARD bool http_stream_send(struct http_stream *stream, const char *bytes, size_t length);
void http_stream_close(struct http_stream **stream);

/* For metrics: totals since the start, and levels as of now. */
struct http_totals {
    uint64_t connections, requests, replies_2xx, replies_4xx, replies_5xx;
    uint64_t refused;       /* connections turned away for the limit of their address */
    uint64_t cut_off;       /* connections closed for being too slow */
    uint64_t lingering_now; /* refused, and left time to read why */
    uint64_t open_now, in_flight_now, streams_now, queued_now;
};
struct http_totals http_totals(struct http *http);

#endif
