/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http_exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/door.h"
#include "server/http_answer.h"
#include "server/http_reaper.h"
#include "server/http_refuse.h"
#include "server/target.h"
#include "sys/trace.h"

enum {
    DISCARD_MAX = 16 << 20, /* bytes of a body that is too large: read past, to be told so */
    REPLY_BYTES_PER_SECOND = 64000, /* a slower client is cut off, beyond the reply timeout */
    LINGER_US = 5000000,            /* for a client that is refused */
};

static const char too_long[] = "A request's body has at most 1 MiB.";

const char *http_method_name(enum http_method method)
{
    static const char *const names[] = {
        [HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",
        [HTTP_PUT] = "PUT", [HTTP_DELETE] = "DELETE", [HTTP_OTHER] = "OTHER",
    };

    return names[method];
}

static enum http_method method_of(const char *name)
{
    for (enum http_method method = HTTP_GET; method < HTTP_OTHER; method++) {
        if (strcmp(name, http_method_name(method)) == 0)
            return method;
    }
    return HTTP_OTHER;
}

const char *http_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    }
    return NULL;
}

const char *http_query(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->query_count; i++) {
        if (strcmp(request->query[i].name, name) == 0)
            return request->query[i].value;
    }
    return NULL;
}

void *exchange_begin(void *context, const char *target, struct MHD_Connection *mhd)
{
    struct http *http = context;
    struct http_exchange *exchange = calloc(1, sizeof *exchange);

    if (exchange == NULL)
        abort();
    exchange->http = http;
    exchange->mhd = mhd;
    exchange->connection =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    atomic_init(&exchange->holders, 1);
    (void)pthread_mutex_init(&exchange->lock, NULL);
    exchange->hold_until_us = NEVER;
    exchange->tag = -1;
    exchange->request.id = exchange->id;
    request_id_make(exchange->id, http->first_id + atomic_fetch_add(&http->counters.requests, 1));
    exchange->started_us = http_now_us();
    exchange->arena = arena_of(HTTP_ARENA_MAX);
    exchange->body = buf_of(HTTP_BODY_MAX);
    if (target != NULL) {
        exchange->raw_target = target;
        exchange->raw_target_length = strlen(target);
        exchange->target = arena_copy(&exchange->arena, target, exchange->raw_target_length);
    }
    exchange->connection->deadline_us =
        exchange->started_us + http->options.request_timeout_ms * US_PER_MS;
    enum http_phase idle = PHASE_IDLE;
    (void)atomic_compare_exchange_strong(&exchange->connection->phase, &idle, PHASE_ARRIVING);
    return exchange;
}

void exchange_release(struct http_exchange *exchange)
{
    if (atomic_fetch_sub(&exchange->holders, 1) > 1)
        return;
    exchange_drop_response(exchange);
    (void)pthread_mutex_destroy(&exchange->lock);
    buf_release(&exchange->body);
    arena_release(&exchange->arena);
    free(exchange);
}

/* Hand the decided reply to the library. */
static enum MHD_Result queue(struct http_exchange *exchange)
{
    int64_t seconds = (int64_t)(exchange->reply_length / REPLY_BYTES_PER_SECOND);

    exchange->connection->deadline_us =
        exchange->reply_length == SIZE_MAX
            ? NEVER
            : http_now_us() + exchange->http->options.reply_timeout_ms * US_PER_MS +
                  seconds * US_PER_SECOND;
    enum MHD_Result result =
        refuse_not(exchange->mhd, (unsigned)exchange->status, exchange->response);
    exchange_drop_response(exchange);
    return result;
}

/* Refuse before the body has come, and close. */
static enum MHD_Result turn_away(struct http_exchange *exchange, int status, const char *text)
{
    const char *code = refuse_code(status);

    if (!connection_claim(exchange->connection))
        return MHD_NO;
    exchange->connection->lingers = true;
    http_set_header(exchange, "Connection", "close");
    (void)exchange_refuse(exchange, status, code, text);
    enum MHD_Result result = queue(exchange);
    exchange->connection->deadline_us = http_now_us() + LINGER_US;
    return result;
}

struct lines {
    size_t count;
    struct door_line of[HTTP_HEADERS_MAX + 1];
};

static enum MHD_Result collect_line(void *context, enum MHD_ValueKind kind, const char *name,
                                    size_t name_length, const char *value, size_t value_length)
{
    struct lines *lines = context;

    (void)kind;
    if (lines->count > HTTP_HEADERS_MAX)
        return MHD_NO;
    lines->of[lines->count++] =
        (struct door_line){ name, name_length, value != NULL ? value : "", value_length };
    return MHD_YES;
}

/* Copies, because whoever owes the reply may read them after the library is done. */
static bool copy_headers(struct http_exchange *exchange, const struct lines *lines)
{
    struct arena *arena = &exchange->arena;
    struct http_pair *headers = arena_alloc(arena, lines->count, sizeof *headers);

    for (size_t i = 0; headers != NULL && i < lines->count; i++) {
        const struct door_line *line = &lines->of[i];

        headers[i].name = arena_copy(arena, line->name, line->name_length);
        headers[i].value = arena_copy(arena, line->value, line->value_length);
        if (headers[i].name == NULL || headers[i].value == NULL)
            return false;
    }
    exchange->request.headers = headers;
    exchange->request.header_count = lines->count;
    return headers != NULL;
}

/* The last header of that name is the one that the nearest proxy wrote. */
static const char *forwarded_for(const struct http_request *request)
{
    const char *value = NULL;

    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, "X-Forwarded-For") == 0)
            value = request->headers[i].value;
    }
    return value;
}

static bool read_target(struct http_exchange *exchange, struct error *err)
{
    struct http_request *request = &exchange->request;
    struct target target;

    if (!target_parse(exchange->target, &exchange->arena, &target, err))
        return false;
    request->target = target.origin;
    request->path = target.path;
    request->query = target.query;
    request->query_count = target.query_count;
    return true;
}

/* The head is complete: look at it, before anything is made of it. */
static enum MHD_Result read_head(struct http_exchange *exchange, const char *method,
                                 const char *version)
{
    struct lines lines = { .count = 0 };
    struct door_refusal refusal;
    struct door_body body;
    struct error err;

    exchange->has_head = true;
    if (exchange->target == NULL)
        return turn_away(exchange, 400, "The request line has no address.");
    (void)MHD_get_connection_values_n(exchange->mhd, MHD_HEADER_KIND, collect_line, &lines);
    struct door_head head = {
        .method = method,
        .target = exchange->raw_target,
        .target_length = exchange->raw_target_length,
        .version = version,
        .length = MHD_get_connection_info(exchange->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)
                      ->header_size,
        .line_count = lines.count,
        .lines = lines.of,
    };
#if MHD_VERSION < 0x01000000
    /* From 1.0 on the library itself refuses what this looks for. */
    if (lines.count <= HTTP_HEADERS_MAX && !door_layout(&head, &refusal))
        return turn_away(exchange, refusal.status, refusal.text);
#endif
    head.target = exchange->target;
    if (!door_check(&head, &body, &refusal))
        return turn_away(exchange, refusal.status, refusal.text);
    if (!copy_headers(exchange, &lines) || !read_target(exchange, &err))
        return turn_away(exchange, 400, "The address is malformed or too long.");

    request_id_take(exchange->id, http_header(&exchange->request, "X-Request-Id"));
    exchange->request.method = method_of(method);
    exchange->request.arena = &exchange->arena;
    struct in6_addr client = peers_client(exchange->http->peers, &exchange->connection->address,
                                          forwarded_for(&exchange->request));
    exchange->request.client = peer_format(&client, exchange->client);
    exchange->discards_body = body.has_length && body.length > HTTP_BODY_MAX;
    bool expects = http_header(&exchange->request, "Expect") != NULL;
    if (exchange->discards_body && (expects || body.length > DISCARD_MAX))
        return turn_away(exchange, 413, too_long);
    return MHD_YES;
}

/* The library takes no reply in the midst of a body, so the client gets one past it. */
static enum MHD_Result stop_reading(struct http_exchange *exchange)
{
    if (connection_cut(exchange->connection))
        reaper_say(exchange->connection, 413, refuse_code(413), too_long);
    return MHD_NO;
}

static enum MHD_Result read_body(struct http_exchange *exchange, const char *bytes, size_t *length)
{
    if (!exchange->discards_body) {
        buf_append(&exchange->body, bytes, *length);
        exchange->discards_body = exchange->body.has_overflowed;
    } else {
        exchange->discarded += *length;
        if (exchange->discarded > DISCARD_MAX)
            return stop_reading(exchange);
    }
    *length = 0;
    return MHD_YES;
}

/* Under the server's lock. */
static void list_waiting(struct http *http, struct http_exchange *exchange)
{
    exchange->next = http->waiting;
    exchange->previous = NULL;
    if (http->waiting != NULL)
        http->waiting->previous = exchange;
    http->waiting = exchange;
    exchange->is_waiting_listed = true;
}

static void unlist_waiting(struct http_exchange *exchange)
{
    struct http *http = exchange->http;

    if (!exchange->is_waiting_listed)
        return;
    (void)pthread_mutex_lock(&http->lock);
    if (exchange->next != NULL)
        exchange->next->previous = exchange->previous;
    if (exchange->previous != NULL)
        exchange->previous->next = exchange->next;
    else
        http->waiting = exchange->next;
    (void)pthread_mutex_unlock(&http->lock);
    exchange->is_waiting_listed = false;
}

/* Queue the reply if it is decided, else suspend the connection until it is. */
static enum MHD_Result settle(struct http_exchange *exchange)
{
    struct http *http = exchange->http;

    (void)pthread_mutex_lock(&exchange->lock);
    bool is_answered = exchange->state == EXCHANGE_ANSWERED;
    (void)pthread_mutex_unlock(&exchange->lock);
    if (is_answered) {
        unlist_waiting(exchange);
        return queue(exchange);
    }

    (void)pthread_mutex_lock(&http->lock);
    if (!exchange->is_waiting_listed)
        list_waiting(http, exchange);
    (void)pthread_mutex_lock(&exchange->lock);
    is_answered = exchange->state == EXCHANGE_ANSWERED;
    if (!is_answered) {
        exchange->is_suspended = true;
        MHD_suspend_connection(exchange->mhd);
        if (exchange->hold_until_us != NEVER)
            reaper_watch(exchange->connection);
    }
    (void)pthread_mutex_unlock(&exchange->lock);
    (void)pthread_mutex_unlock(&http->lock);
    if (!is_answered)
        return MHD_YES;
    unlist_waiting(exchange);
    return queue(exchange);
}

static enum MHD_Result dispatch(struct http_exchange *exchange)
{
    struct http *http = exchange->http;
    struct http_request *request = &exchange->request;

    request->body_length = exchange->body.length;
    request->body = exchange->body.length > 0 ? exchange->body.bytes : "";
    if (!connection_claim(exchange->connection))
        return MHD_NO;
    exchange->connection->deadline_us = NEVER;
    atomic_fetch_add(&http->counters.in_flight_now, 1);
    exchange->state = EXCHANGE_OWED;
    if (exchange->discards_body) {
        (void)exchange_refuse(exchange, 413, refuse_code(413), too_long);
    } else if (atomic_load(&http->is_closing)) {
        http_set_header(exchange, "Connection", "close");
        (void)exchange_refuse(exchange, 503, "unavailable", "The server is stopping.");
    } else {
        atomic_fetch_add(&exchange->holders, 1);
        trace_set(exchange->id);
        http->options.handler(http->options.context, exchange);
        trace_set(NULL);
    }
    return settle(exchange);
}

/* Who has answered meanwhile did so on another thread. */
static bool is_arriving(struct http_exchange *exchange)
{
    (void)pthread_mutex_lock(&exchange->lock);
    bool is_arriving = exchange->state == EXCHANGE_ARRIVING;
    (void)pthread_mutex_unlock(&exchange->lock);
    return is_arriving;
}

enum MHD_Result exchange_advance(void *http, struct MHD_Connection *mhd, const char *url,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_length, void **context)
{
    struct http_exchange *exchange = *context;

    (void)http;
    (void)mhd;
    (void)url;
    if (!exchange->has_head)
        return read_head(exchange, method, version);
    if (*upload_length > 0)
        return read_body(exchange, upload, upload_length);
    if (is_arriving(exchange))
        return dispatch(exchange);
    return settle(exchange);
}

/* The connection waits for the next request, unless it is being closed. */
static void end_request(struct http_connection *connection)
{
    int64_t now_us = http_now_us();
    enum http_phase phase = PHASE_ANSWERING;

    connection->idle_since_us = now_us;
    connection->deadline_us = now_us + connection->http->options.idle_timeout_ms * US_PER_MS;
    (void)atomic_compare_exchange_strong(&connection->phase, &phase, PHASE_IDLE);
}

void exchange_end(void *context, struct MHD_Connection *mhd, void **address,
                  enum MHD_RequestTerminationCode reason)
{
    struct http *http = context;
    struct http_exchange *exchange = *address;

    (void)mhd;
    (void)reason;
    if (exchange == NULL)
        return;
    *address = NULL;
    unlist_waiting(exchange);
    end_request(exchange->connection);
    (void)pthread_mutex_lock(&exchange->lock);
    bool was_dispatched = exchange->state != EXCHANGE_ARRIVING && exchange->request.body != NULL;
    exchange->state = EXCHANGE_ANSWERED;
    exchange->is_suspended = false;
    (void)pthread_mutex_unlock(&exchange->lock);
    if (was_dispatched)
        atomic_fetch_sub(&http->counters.in_flight_now, 1);
    exchange_release(exchange);
}

void exchange_let_go(struct http_exchange *exchange)
{
    (void)pthread_mutex_lock(&exchange->lock);
    bool is_held = exchange->hold_until_us != NEVER;
    (void)pthread_mutex_unlock(&exchange->lock);
    if (is_held)
        exchange_answer_nothing(exchange);
}

void exchanges_expire(struct http *http, int64_t now_us)
{
    for (struct http_exchange *at = http->waiting; at != NULL; at = at->next) {
        (void)pthread_mutex_lock(&at->lock);
        bool is_due = at->hold_until_us <= now_us && at->state == EXCHANGE_OWED;
        (void)pthread_mutex_unlock(&at->lock);
        if (is_due)
            exchange_answer_nothing(at);
    }
}

void exchanges_refuse(struct http *http, bool includes_workers)
{
    for (struct http_exchange *at = http->waiting; at != NULL; at = at->next) {
        (void)pthread_mutex_lock(&at->lock);
        bool is_held = at->hold_until_us != NEVER;
        (void)pthread_mutex_unlock(&at->lock);
        if (is_held || includes_workers)
            (void)exchange_refuse(at, 503, "unavailable", "The server is stopping.");
    }
}

const struct http_request *http_request_of(const struct http_exchange *exchange)
{
    return &exchange->request;
}

void http_set_tag(struct http_exchange *exchange, int tag)
{
    exchange->tag = tag;
}

void http_hold(struct http_exchange *exchange, int64_t timeout_ms)
{
    (void)pthread_mutex_lock(&exchange->lock);
    exchange->hold_until_us = http_now_us() + timeout_ms * US_PER_MS;
    if (exchange->is_suspended)
        reaper_watch(exchange->connection);
    (void)pthread_mutex_unlock(&exchange->lock);
}

bool http_is_waiting(struct http_exchange *exchange)
{
    (void)pthread_mutex_lock(&exchange->lock);
    bool is_waiting = exchange->state == EXCHANGE_OWED;
    (void)pthread_mutex_unlock(&exchange->lock);
    return is_waiting;
}

static void run_work(void *context, void *subject)
{
    struct http_exchange *exchange = subject;

    (void)context;
    trace_set(exchange->id);
    exchange->work(exchange->work_context, exchange); /* which may end it */
    trace_set(NULL);
}

void http_work(struct http_exchange *exchange, http_handler *work, void *context)
{
    exchange->work = work;
    exchange->work_context = context;
    if (workers_submit(exchange->http->workers, run_work, NULL, exchange))
        return;
    (void)exchange_refuse(exchange, 503, "unavailable", "The server is too busy; try again.");
    exchange_release(exchange);
}
