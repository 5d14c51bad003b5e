/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "support.h"
#include "sys/clock.h"

static struct log quiet;
static struct http *http;
static char text[ANSWER_MAX];

/* What the held and streamed exchanges of a test are reached by. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct http_exchange *held;
static struct http_stream *stream;

static void pause_ms(long ms)
{
    struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

    (void)nanosleep(&pause, NULL);
}

/* Method, path, query, body length and client, as they arrived. */
static void echo(struct http_exchange *exchange)
{
    const struct http_request *request = http_request_of(exchange);
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);

    buf_printf(&body, "%s %s", http_method_name(request->method), request->path);
    for (size_t i = 0; i < request->query_count; i++)
        buf_printf(&body, " %s=%s", request->query[i].name, request->query[i].value);
    buf_printf(&body, " body=%zu from=%s", request->body_length, request->client);
    http_reply(exchange, 200, "application/json", &body);
}

static void work(void *context, struct http_exchange *exchange)
{
    const char *ms = http_query(http_request_of(exchange), "ms");

    (void)context;
    pause_ms(ms != NULL ? strtol(ms, NULL, 10) : 0);
    echo(exchange);
}

static void handle(void *context, struct http_exchange *exchange)
{
    const struct http_request *request = http_request_of(exchange);

    if (strcmp(request->path, "/work") == 0) {
        http_work(exchange, work, context);
    } else if (strcmp(request->path, "/hold") == 0) {
        const char *ms = http_query(request, "ms");

        http_hold(exchange, ms != NULL ? strtol(ms, NULL, 10) : 10000);
        (void)pthread_mutex_lock(&lock);
        held = exchange;
        (void)pthread_mutex_unlock(&lock);
    } else if (strcmp(request->path, "/stream") == 0) {
        (void)pthread_mutex_lock(&lock);
        stream = http_stream(exchange);
        (void)pthread_mutex_unlock(&lock);
    } else if (strcmp(request->path, "/big") == 0) {
        auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);

        for (int i = 0; i < 4096; i++)
            buf_printf(&body, "%04096d", i);
        http_reply(exchange, 200, "text/plain", &body);
    } else {
        echo(exchange);
    }
}

static struct http_options options_of_tests(void)
{
    struct http_options options = http_options_default();

    options.listen = "127.0.0.1:0";
    options.workers = 2;
    options.queue_max = 2;
    options.request_timeout_ms = 700;
    options.idle_timeout_ms = 1500;
    options.reply_timeout_ms = 1500;
    options.keepalive_ms = 300;
    options.handler = handle;
    return options;
}

static void open_with(const struct http_options *options)
{
    struct error err;

    quiet = log_silent();
    CHECK_OK(http_open(options, &quiet, &http, &err), &err);
}

static int setup(void **state)
{
    struct http_options options = options_of_tests();

    (void)state;
    held = NULL;
    stream = NULL;
    open_with(&options);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    http_close(&http, 2000);
    return 0;
}

static int ask(const char *request)
{
    return exchange_bytes(http_address(http), request, strlen(request), text, sizeof text);
}

static bool says(const char *part)
{
    return strstr(text, part) != NULL;
}

static struct http_exchange *take_held(void)
{
    struct http_exchange *exchange = NULL;

    for (int i = 0; exchange == NULL && i < 500; i++) {
        (void)pthread_mutex_lock(&lock);
        exchange = held;
        held = NULL;
        (void)pthread_mutex_unlock(&lock);
        if (exchange == NULL)
            pause_ms(10);
    }
    CHECK(exchange != NULL);
    return exchange;
}

static struct http_stream *take_stream(void)
{
    struct http_stream *taken = NULL;

    for (int i = 0; taken == NULL && i < 500; i++) {
        (void)pthread_mutex_lock(&lock);
        taken = stream;
        stream = NULL;
        (void)pthread_mutex_unlock(&lock);
        if (taken == NULL)
            pause_ms(10);
    }
    CHECK(taken != NULL);
    return taken;
}

static void test_a_request_arrives_whole(void **state)
{
    (void)state;
    CHECK_INT(ask("GET //api/v0/x/?a=1&b=%5B77%2C+78%5D&c HTTP/1.1\r\nHost: h\r\n"
                  "Connection: close\r\n\r\n"),
              200);
    CHECK(says("GET /api/v0/x a=1 b=[77, 78] c= body=0 from=127.0.0.1"));
    CHECK(says("\r\nContent-Type: application/json\r\n"));
    CHECK_INT(ask("DELETE /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nConnection: close\r\n"
                  "\r\n{}"),
              200);
    CHECK(says("DELETE /x body=2"));
    CHECK_INT(ask("GET /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
                  "12345"),
              200);
    CHECK(says("GET /x body=5"));
    CHECK_INT(ask("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
                  "Connection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
              200);
    CHECK(says("POST /x body=5"));
    CHECK_INT(ask("GET http://other/y?q=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), 200);
    CHECK(says("GET /y q=1"));
    CHECK_INT(ask("GET /x HTTP/1.0\r\n\r\n"), 200);
    CHECK_INT(ask("HEAD /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), 200);
    CHECK(!says("HEAD /x"));
}

static void test_requests_on_one_connection_keep_in_step(void **state)
{
    static const char two[] = "GET /one HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                              "PUT /two HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n";
    int fd = socket_to(http_address(http));

    (void)state;
    for (int i = 0; i < 3; i++) {
        socket_send(fd, two, sizeof two - 1);
        CHECK_INT(socket_reply(fd, text, sizeof text), 200);
        CHECK(says("GET /one body=3"));
        CHECK_INT(socket_reply(fd, text, sizeof text), 200);
        CHECK(says("PUT /two body=0"));
    }
    (void)close(fd);
}

/* As raw bytes, since some of them have NULs. A status of 0: closed without a word. Whatever the
 * row, the connection must be closed and the handler not called. */
static void test_what_two_readers_could_read_in_two_ways_is_refused(void **state)
{
#define ROW(name, bytes, status)                                                                   \
    {                                                                                              \
        name, bytes, sizeof(bytes) - 1, status                                                     \
    }
#define HOST "Host: h\r\n"
    static const struct {
        const char *name, *bytes;
        size_t length;
        int status;
    } rows[] = {
        ROW("length and chunked",
            "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
            "0\r\n\r\n",
            400),
        ROW("chunked and length",
            "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
            "0\r\n\r\n",
            400),
        ROW("two lengths",
            "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
        ROW("a length twice",
            "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\ncontent-length: 3\r\n\r\nabc", 400),
        ROW("list of lengths", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc", 400),
        ROW("signed length", "POST / HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc", 400),
        ROW("negative length", "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\nabc", 400),
        ROW("hexadecimal length", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\nabc", 400),
        ROW("length with words", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3 x\r\n\r\nabc", 400),
        ROW("empty length", "POST / HTTP/1.1\r\n" HOST "Content-Length: \r\n\r\nabc", 400),
        ROW("length past 64 bits",
            "POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551619\r\n\r\nabc", 413),
        ROW("other coding", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\nabc",
            501),
        ROW("identity", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\nabc", 501),
        ROW("two codings",
            "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            501),
        ROW("chunked twice",
            "POST / HTTP/1.1\r\n" HOST
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400),
        ROW("chunked in 1.0",
            "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ROW("space before the colon",
            "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        ROW("folded name", "GET / HTTP/1.1\r\n" HOST " Content-Length: 3\r\n\r\nabc", 400),
        ROW("folded value", "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 400),
        ROW("folded by a tab", "GET / HTTP/1.1\r\n" HOST "A: b\r\n\tc\r\nD: e\r\n\r\n", 400),
        ROW("folded, with slack", "GET / HTTP/1.1\r\nHost:h\r\nA:b\r\n c\r\nD:e\r\nF:g\r\n\r\n",
            400),
        ROW("NUL in a value", "GET / HTTP/1.1\r\n" HOST "A: b\0c\r\n\r\n", 400),
        ROW("NUL in a value, with slack", "GET / HTTP/1.1\r\nHost:h\r\nA:b\0\r\nC:d\r\n\r\n", 400),
        ROW("NUL made up for by a bare LF", "GET / HTTP/1.1\r\n" HOST "A: b\0\r\nC: d\n\r\n", 400),
        ROW("NUL in a name", "GET / HTTP/1.1\r\n" HOST "A\0B: c\r\n\r\n", 400),
        ROW("NUL in the path", "GET /a\0b HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("bare CR in a value", "GET / HTTP/1.1\r\n" HOST "A: b\rC: d\r\n\r\n", 400),
        ROW("bare CR before the end", "GET / HTTP/1.1\r\n" HOST "A: b\r\r\n\r\n", 400),
        ROW("bare LF line ends", "GET / HTTP/1.1\nHost: h\n\n", 400),
        ROW("one bare LF", "GET / HTTP/1.1\r\n" HOST "A: b\nC: d\r\n\r\n", 400),
        ROW("bare LF at the end", "GET / HTTP/1.1\r\n" HOST "\n", 400),
        ROW("control in a value", "GET / HTTP/1.1\r\n" HOST "A: b\x01\r\n\r\n", 400),
        ROW("control in the path", "GET /a\x01 HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("high byte in the path", "GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("fragment", "GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("no colon", "GET / HTTP/1.1\r\n" HOST "hello\r\n\r\n", 400),
        ROW("empty name", "GET / HTTP/1.1\r\n" HOST ": x\r\n\r\n", 400),
        ROW("name with a space", "GET / HTTP/1.1\r\n" HOST "A b: x\r\n\r\n", 400),
        ROW("name with a bracket", "GET / HTTP/1.1\r\n" HOST "A(b): x\r\n\r\n", 400),
        ROW("no host", "GET / HTTP/1.1\r\n\r\n", 400),
        ROW("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ROW("host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        ROW("host with a user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
        ROW("HTTP/1.10", "GET / HTTP/1.10\r\n" HOST "\r\n", 400),
        ROW("HTTP/2.0", "GET / HTTP/2.0\r\n" HOST "\r\n", 505),
        ROW("HTTP/9.9", "GET / HTTP/9.9\r\n" HOST "\r\n", 505),
        ROW("no version", "GET /\r\n\r\n", 400),
        ROW("no address", "GET\r\n\r\n", 400),
        ROW("two spaces", "GET  / HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("two spaces behind", "GET /  HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("space at the end", "GET / HTTP/1.1 \r\n" HOST "\r\n", 400),
        ROW("tab in the line", "GET\t/\tHTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("method with a NUL", "GE\0T / HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("bad escape", "GET /%zz HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("escaped NUL", "GET /%00 HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("escaped NUL in the query", "GET /?a=%00 HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("escaped slash", "GET /a%2fb HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("not UTF-8", "GET /?a=%ff HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("other form", "GET a/b HTTP/1.1\r\n" HOST "\r\n", 400),
        ROW("other expectation", "PUT / HTTP/1.1\r\n" HOST "Expect: gold\r\n\r\n", 417),
        ROW("TLS hello", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n", 400),
    };
#undef HOST
#undef ROW

    (void)state;
    uint64_t served = http_totals(http).replies_2xx;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].name);
        int status =
            exchange_bytes(http_address(http), rows[i].bytes, rows[i].length, text, sizeof text);
        if (status != 0)
            CHECK_INT(status, rows[i].status);
    }
    CHECK_INT((int64_t)(http_totals(http).replies_2xx - served), 0);
}

static void send_head_of(int fd, size_t padding)
{
    char *head = calloc(1, padding + 128);

    CHECK(head != NULL);
    int used = snprintf(head, padding + 128, "GET / HTTP/1.1\r\nHost: h\r\nA: ");
    memset(head + used, 'x', padding);
    memcpy(head + used + padding, "\r\nB: c\r\nConnection: close\r\n\r\n", 29);
    socket_send(fd, head, (size_t)used + padding + 29);
    free(head);
}

static void test_heads_have_a_limit(void **state)
{
    static const struct {
        size_t padding;
        int status; /* 0: refused, 431 where the library still has room to say so */
    } rows[] = {
        { 0, 200 },    { 1, 200 },  { 1000, 200 }, { 2000, 200 },  { 4000, 200 },
        { 5000, 200 }, { 9000, 0 }, { 60000, 0 },  { 1000000, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int fd = socket_to(http_address(http));

        check_row("%zu bytes", rows[i].padding);
        send_head_of(fd, rows[i].padding);
        CHECK(socket_read(fd, text, sizeof text, WAIT_MS));
        (void)close(fd);
        int status = text[0] != '\0' ? (int)strtol(text + 9, NULL, 10) : 0;
        if (rows[i].status == 200)
            CHECK_INT(status, 200);
        else
            CHECK(status == 0 || status == 431);
    }
}

static void test_headers_are_counted(void **state)
{
    (void)state;
    for (int count = HTTP_HEADERS_MAX - 1; count <= HTTP_HEADERS_MAX + 1; count++) {
        auto_buf struct buf request = buf_of(1 << 16);

        buf_printf(&request, "GET / HTTP/1.1\r\nHost: h\r\n");
        for (int i = 2; i < count; i++)
            buf_printf(&request, "A%d: b\r\n", i);
        buf_printf(&request, "Connection: close\r\n\r\n");
        check_row("%d headers", count);
        CHECK_INT(ask(request.bytes), count <= HTTP_HEADERS_MAX ? 200 : 431);
    }
}

/* One request with a body of `length` bytes; the reply's status. */
static int post(size_t length, const char *headers)
{
    int fd = socket_to(http_address(http));
    auto_buf struct buf head = buf_of(1024);
    char *body = calloc(1, length + 1);

    CHECK(body != NULL);
    memset(body, 'x', length);
    buf_printf(&head, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n%s\r\n", length,
               headers);
    socket_send(fd, head.bytes, head.length);
    socket_send(fd, body, length);
    free(body);
    int status = socket_reply(fd, text, sizeof text);
    (void)close(fd);
    return status;
}

static void test_bodies_have_a_limit(void **state)
{
    (void)state;
    CHECK_INT(post(0, ""), 200);
    CHECK_INT(post(HTTP_BODY_MAX, ""), 200);
    CHECK(says("body=1048576"));
    CHECK_INT(post(HTTP_BODY_MAX + 1, ""), 413);
    CHECK(says("\"error\":\"too_large\""));
    CHECK_INT(post(2 * HTTP_BODY_MAX, ""), 413);
    CHECK_INT(post(2 * HTTP_BODY_MAX, "Expect: 100-continue\r\n"), 413);
}

static void test_a_chunked_body_has_the_same_limit(void **state)
{
    enum { CHUNK = 1 << 16 };
    int fd = socket_to(http_address(http));
    char *chunk = calloc(1, CHUNK + 16);

    (void)state;
    CHECK(chunk != NULL);
    socket_send(fd, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 56);
    memcpy(chunk, "10000\r\n", 7);
    memset(chunk + 7, 'x', CHUNK);
    memcpy(chunk + 7 + CHUNK, "\r\n", 2);
    for (int i = 0; i < 17; i++)
        socket_send(fd, chunk, CHUNK + 9);
    socket_send(fd, "0\r\n\r\n", 5);
    free(chunk);
    CHECK_INT(socket_reply(fd, text, sizeof text), 413);
    (void)close(fd);
}

static void test_slow_work_does_not_stop_the_fast(void **state)
{
    static const char slow[] = "GET /work?ms=400 HTTP/1.1\r\nHost: h\r\n\r\n";
    int64_t start_us = clock_boot_us(&clock_system);
    int fds[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        fds[i] = socket_to(http_address(http));
        socket_send(fds[i], slow, sizeof slow - 1);
    }
    CHECK_INT(ask("GET /fast HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), 200);
    CHECK(clock_boot_us(&clock_system) - start_us < 350000);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(socket_reply(fds[i], text, sizeof text), 200);
        (void)close(fds[i]);
    }
}

/* Two run, two wait, the fifth is told so at once. */
static void test_a_full_queue_says_so(void **state)
{
    static const char slow[] = "GET /work?ms=300 HTTP/1.1\r\nHost: h\r\n\r\n";
    int fds[4];

    (void)state;
    for (int i = 0; i < 4; i++) {
        fds[i] = socket_to(http_address(http));
        socket_send(fds[i], slow, sizeof slow - 1);
        pause_ms(30);
    }
    CHECK_INT(ask("GET /work HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), 503);
    CHECK(says("\"error\":\"unavailable\""));
    for (int i = 0; i < 4; i++) {
        CHECK_INT(socket_reply(fds[i], text, sizeof text), 200);
        (void)close(fds[i]);
    }
}

static void test_a_held_exchange_is_answered_when_somebody_replies(void **state)
{
    static const char hold[] = "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n";
    int fd = socket_to(http_address(http));

    (void)state;
    for (int i = 0; i < 3; i++) {
        socket_send(fd, hold, sizeof hold - 1);
        struct http_exchange *exchange = take_held();

        pause_ms(50);
        CHECK(http_is_waiting(exchange));
        http_reply_static(exchange, 200, "text/plain", "now", 3);
        CHECK_INT(socket_reply(fd, text, sizeof text), 200);
        CHECK(says("\r\n\r\nnow"));
    }
    (void)close(fd);
}

static void test_a_hold_that_runs_out_is_204_and_still_its_owners(void **state)
{
    static const char hold[] = "GET /hold?ms=200 HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n";
    int fd = socket_to(http_address(http));

    (void)state;
    socket_send(fd, hold, sizeof hold - 1);
    struct http_exchange *exchange = take_held();
    CHECK_INT(socket_reply(fd, text, sizeof text), 204);
    CHECK(!http_is_waiting(exchange));
    (void)close(fd);
    pause_ms(50);
    CHECK_TEXT(http_header(http_request_of(exchange), "a"), "b");
    http_reply_static(exchange, 200, "text/plain", "late", 4);
}

static void test_a_client_that_leaves_while_held_harms_nobody(void **state)
{
    static const char hold[] = "GET /hold?ms=300 HTTP/1.1\r\nHost: h\r\n\r\n";
    int fd = socket_to(http_address(http));

    (void)state;
    socket_send(fd, hold, sizeof hold - 1);
    struct http_exchange *exchange = take_held();
    (void)close(fd);
    pause_ms(500);
    http_reply_static(exchange, 200, "text/plain", "late", 4);
    CHECK_INT(ask("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), 200);
}

static void test_a_stream_carries_what_is_sent_and_signs_of_life(void **state)
{
    static const char get[] = "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n";
    int fd = socket_to(http_address(http));

    (void)state;
    socket_send(fd, get, sizeof get - 1);
    struct http_stream *taken = take_stream();
    CHECK(http_stream_send(taken, "data: 1\n\n", 9));
    CHECK(!socket_read(fd, text, sizeof text, 150));
    CHECK(says("\r\nContent-Type: text/event-stream\r\n"));
    CHECK(says("data: 1\n\n"));
    CHECK(!socket_read(fd, text, sizeof text, 450));
    CHECK(says(": \n\n"));
    /* A silent stream outlives every timeout of a request. */
    pause_ms(2000);
    CHECK(http_stream_send(taken, "data: 2\n\n", 9));
    http_stream_close(&taken);
    (void)socket_read(fd, text, sizeof text, 500);
    CHECK(says("data: 2\n\n"));
    CHECK(says("\r\n0\r\n\r\n"));
    (void)close(fd);
}

static void test_a_stream_learns_that_its_client_left(void **state)
{
    static const char get[] = "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n";
    int fd = socket_to(http_address(http));
    bool is_open = true;

    (void)state;
    socket_send(fd, get, sizeof get - 1);
    struct http_stream *taken = take_stream();
    (void)close(fd);
    for (int i = 0; is_open && i < 100; i++) {
        is_open = http_stream_send(taken, "data: 1\n\n", 9);
        pause_ms(20);
    }
    CHECK(!is_open);
    http_stream_close(&taken);
    CHECK_INT((int64_t)http_totals(http).streams_now, 0);
}

/* A client that does not read is cut off once HTTP_STREAM_QUEUE_MAX bytes wait for it. */
static void test_a_stream_does_not_grow_without_end(void **state)
{
    static const char get[] = "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n";
    int fd = socket_to(http_address(http));
    char block[8192];
    size_t sent = 0;

    (void)state;
    memset(block, 'x', sizeof block);
    socket_send(fd, get, sizeof get - 1);
    struct http_stream *taken = take_stream();
    while (http_stream_send(taken, block, sizeof block) && sent < (64u << 20))
        sent += sizeof block;
    CHECK(sent < (64u << 20));
    http_stream_close(&taken);
    for (int i = 0; http_totals(http).open_now > 0 && i < 100; i++)
        pause_ms(20);
    CHECK_INT((int64_t)http_totals(http).open_now, 0);
    (void)close(fd);
}

/* Bytes, one every 100 ms, and how long the server bore it. */
static int64_t drip(const char *first, const char *rest)
{
    int64_t start_us = clock_boot_us(&clock_system);
    int fd = socket_to(http_address(http));
    bool is_closed = false;

    socket_send(fd, first, strlen(first));
    for (size_t i = 0; !is_closed && i < 50; i++) {
        if (rest[0] != '\0')
            socket_send(fd, &rest[i % strlen(rest)], 1);
        is_closed = socket_read(fd, text, sizeof text, 100);
    }
    (void)close(fd);
    CHECK(is_closed);
    return (clock_boot_us(&clock_system) - start_us) / 1000;
}

static void test_slow_clients_are_cut_off(void **state)
{
    static const struct {
        const char *name, *first, *rest;
    } rows[] = {
        { "silent", "", "" },
        { "line by bytes", "", "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
        { "head by bytes", "GET / HTTP/1.1\r\nHost: h\r\n",
          "A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" },
        { "body by bytes", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n", "x" },
        { "body never sent", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n", "" },
        { "chunks by bytes", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
          "1\r\nx\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].name);
        int64_t ms = drip(rows[i].first, rows[i].rest);
        CHECK(ms >= 600 && ms < 1500);
        CHECK_INT((int64_t)http_totals(http).cut_off, (int64_t)i + 1);
    }
}

static void test_an_idle_connection_is_closed_in_time(void **state)
{
    static const char get[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    int64_t start_us = clock_boot_us(&clock_system);
    int fd = socket_to(http_address(http));

    (void)state;
    socket_send(fd, get, sizeof get - 1);
    CHECK_INT(socket_reply(fd, text, sizeof text), 200);
    CHECK(socket_read(fd, text, sizeof text, 4000));
    (void)close(fd);
    int64_t ms = (clock_boot_us(&clock_system) - start_us) / 1000;
    CHECK(ms >= 1400 && ms < 3000);
}

static void test_who_does_not_read_the_reply_is_cut_off(void **state)
{
    static const char get[] = "GET /big HTTP/1.1\r\nHost: h\r\n\r\n";
    int fd = socket_to(http_address(http));
    int small = 4096;

    (void)state;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int i = 0; i < 4; i++)
        socket_send(fd, get, sizeof get - 1);
    /* 16 MiB may take 262 s by the least rate; so long nobody waits here. A reply that is small is
     * given the timeout alone. */
    pause_ms(300);
    CHECK_INT((int64_t)http_totals(http).open_now, 1);
    (void)close(fd);
    for (int i = 0; http_totals(http).open_now > 0 && i < 100; i++)
        pause_ms(20);
    CHECK_INT((int64_t)http_totals(http).open_now, 0);
}

static void test_an_address_has_its_share_of_connections(void **state)
{
    struct http_options options = options_of_tests();
    int fds[4];

    (void)state;
    options.connections_per_address_max = 3;
    open_with(&options);
    for (int i = 0; i < 3; i++) {
        fds[i] = socket_to(http_address(http));
        socket_send(fds[i], "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 27);
        CHECK_INT(socket_reply(fds[i], text, sizeof text), 200);
    }
    fds[3] = socket_to(http_address(http));
    CHECK(socket_read(fds[3], text, sizeof text, 500));
    CHECK_TEXT(text, "");
    CHECK_INT((int64_t)http_totals(http).refused, 1);
    for (int i = 0; i < 4; i++)
        (void)close(fds[i]);
    for (int i = 0; http_totals(http).open_now > 0 && i < 100; i++)
        pause_ms(20);
    CHECK_INT(ask("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), 200);
    http_close(&http, 1000);
}

static void test_only_a_trusted_proxy_speaks_for_others(void **state)
{
    static const char *const trusted[] = { "127.0.0.1", "192.0.2.9", NULL };
    static const char get[] = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                              "X-Forwarded-For: 203.0.113.5, 198.51.100.7, 192.0.2.9\r\n\r\n";
    struct http_options options = options_of_tests();

    (void)state;
    open_with(&options);
    CHECK_INT(ask(get), 200);
    CHECK(says("from=127.0.0.1"));
    http_close(&http, 1000);
    options.trusted_proxies = trusted;
    open_with(&options);
    CHECK_INT(ask(get), 200);
    CHECK(says("from=198.51.100.7"));
    http_close(&http, 1000);
}

static void *close_later(void *argument)
{
    (void)argument;
    pause_ms(100);
    http_close(&http, 2000);
    return NULL;
}

static void test_closing_lets_work_finish_and_tells_who_is_held(void **state)
{
    struct http_options options = options_of_tests();
    pthread_t closer;
    int working, waiting, streaming, idle;

    (void)state;
    open_with(&options);
    working = socket_to(http_address(http));
    waiting = socket_to(http_address(http));
    streaming = socket_to(http_address(http));
    idle = socket_to(http_address(http));
    socket_send(working, "GET /work?ms=400 HTTP/1.1\r\nHost: h\r\n\r\n", 39);
    socket_send(waiting, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n", 31);
    socket_send(streaming, "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n", 33);
    struct http_exchange *exchange = take_held();
    struct http_stream *taken = take_stream();
    CHECK_INT(pthread_create(&closer, NULL, close_later, NULL), 0);
    CHECK_INT(socket_reply(waiting, text, sizeof text), 503);
    CHECK_INT(socket_reply(working, text, sizeof text), 200);
    CHECK(socket_read(streaming, text, sizeof text, WAIT_MS));
    CHECK(socket_read(idle, text, sizeof text, WAIT_MS));
    (void)pthread_join(closer, NULL);
    CHECK(http == NULL);
    /* What is held stays its owner's, to no effect. */
    CHECK(!http_is_waiting(exchange));
    http_reply_static(exchange, 200, "text/plain", "", 0);
    CHECK(!http_stream_send(taken, "x", 1));
    http_stream_close(&taken);
    (void)close(working);
    (void)close(waiting);
    (void)close(streaming);
    (void)close(idle);
}

static void test_an_address_that_is_taken_or_none_is_an_error(void **state)
{
    struct http_options options = options_of_tests();
    struct http *second = NULL;
    char address[64];
    struct error err;

    (void)state;
    (void)snprintf(address, sizeof address, "%s", http_address(http));
    options.listen = address;
    CHECK_FAILS(http_open(&options, &quiet, &second, &err), &err, ERROR_IO);
    options.listen = "nonsense";
    CHECK_FAILS(http_open(&options, &quiet, &second, &err), &err, ERROR_INVALID);
    options.listen = "127.0.0.1:99999";
    CHECK_FAILS(http_open(&options, &quiet, &second, &err), &err, ERROR_INVALID);
    CHECK(second == NULL);
}

int main(void)
{
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_a_request_arrives_whole),
        WITH_SERVER(test_requests_on_one_connection_keep_in_step),
        WITH_SERVER(test_what_two_readers_could_read_in_two_ways_is_refused),
        WITH_SERVER(test_heads_have_a_limit),
        WITH_SERVER(test_headers_are_counted),
        WITH_SERVER(test_bodies_have_a_limit),
        WITH_SERVER(test_a_chunked_body_has_the_same_limit),
        WITH_SERVER(test_slow_work_does_not_stop_the_fast),
        WITH_SERVER(test_a_full_queue_says_so),
        WITH_SERVER(test_a_held_exchange_is_answered_when_somebody_replies),
        WITH_SERVER(test_a_hold_that_runs_out_is_204_and_still_its_owners),
        WITH_SERVER(test_a_client_that_leaves_while_held_harms_nobody),
        WITH_SERVER(test_a_stream_carries_what_is_sent_and_signs_of_life),
        WITH_SERVER(test_a_stream_learns_that_its_client_left),
        WITH_SERVER(test_a_stream_does_not_grow_without_end),
        WITH_SERVER(test_slow_clients_are_cut_off),
        WITH_SERVER(test_an_idle_connection_is_closed_in_time),
        WITH_SERVER(test_who_does_not_read_the_reply_is_cut_off),
        WITH_SERVER(test_an_address_that_is_taken_or_none_is_an_error),
        cmocka_unit_test(test_an_address_has_its_share_of_connections),
        cmocka_unit_test(test_only_a_trusted_proxy_speaks_for_others),
        cmocka_unit_test(test_closing_lets_work_finish_and_tells_who_is_held),
    };
#undef WITH_SERVER

    return cmocka_run_group_tests(tests, NULL, NULL);
}
