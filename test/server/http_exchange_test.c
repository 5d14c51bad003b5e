/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http_exchange.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"
#include "sys/clock.h"

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
        int status;
    } rows[] = {
        { 0, 200 },    { 1, 200 },    { 1000, 200 },  { 2000, 200 },    { 4000, 200 },
        { 5000, 200 }, { 9000, 431 }, { 60000, 431 }, { 1000000, 431 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int fd = socket_to(http_address(http));

        check_row("%zu bytes", rows[i].padding);
        send_head_of(fd, rows[i].padding);
        CHECK(socket_read(fd, text, sizeof text, WAIT_MS));
        (void)close(fd);
        CHECK(strncmp(text, "HTTP/1.1 ", 9) == 0);
        CHECK_INT(strtol(text + 9, NULL, 10), rows[i].status);
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

/* `count` chunks of 64 KiB, and what came of it. */
static int send_chunks(int count)
{
    static const char first[] = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    enum { CHUNK = 1 << 16 };
    int fd = socket_to(http_address(http));
    char *chunk = calloc(1, CHUNK + 16);

    CHECK(chunk != NULL);
    socket_send(fd, first, sizeof first - 1);
    memcpy(chunk, "10000\r\n", 7);
    memset(chunk + 7, 'x', CHUNK);
    memcpy(chunk + 7 + CHUNK, "\r\n", 2);
    for (int i = 0; i < count; i++)
        socket_send(fd, chunk, CHUNK + 9);
    socket_send(fd, "0\r\n\r\n", 5);
    free(chunk);
    int status = socket_reply(fd, text, sizeof text);
    (void)close(fd);
    return status;
}

static void test_a_chunked_body_has_the_same_limit(void **state)
{
    (void)state;
    CHECK_INT(send_chunks(16), 200);
    CHECK_INT(send_chunks(17), 413);
    /* Past 16 MiB more, nobody waits for the end. */
    CHECK_INT(send_chunks(300), 413);
    CHECK(says("\"error\":\"too_large\""));
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

static void test_an_answer_may_take_longer_than_a_request(void **state)
{
    (void)state;
    int fd = socket_to(http_address(http));
    socket_send(fd, "GET /work?ms=1200 HTTP/1.1\r\nHost: h\r\n\r\n", 40);
    CHECK_INT(socket_reply(fd, text, sizeof text), 200);
    (void)close(fd);
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

/* Whether everything of it is let go within a tenth of what the hold would last. */
static bool is_quiet_soon(void)
{
    for (int i = 0; i < 100; i++) {
        struct http_totals totals = http_totals(http);

        if (totals.open_now == 0 && totals.in_flight_now == 0 && totals.streams_now == 0)
            return true;
        pause_ms(10);
    }
    return false;
}

static void test_a_client_that_hangs_up_frees_its_place_at_once(void **state)
{
    static const char hold[] = "GET /hold?ms=10000 HTTP/1.1\r\nHost: h\r\n\r\n";
    enum { COUNT = 20 };
    struct http_exchange *exchanges[COUNT];
    int fds[COUNT];

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        fds[i] = socket_to(http_address(http));
        socket_send(fds[i], hold, sizeof hold - 1);
        exchanges[i] = take_held();
    }
    pause_ms(150);
    for (int i = 0; i < COUNT; i++)
        CHECK(http_is_waiting(exchanges[i]));
    for (int i = 1; i < COUNT; i++)
        (void)close(fds[i]);
    for (int i = 0; http_totals(http).open_now > 1 && i < 100; i++)
        pause_ms(10);
    CHECK_INT((int64_t)http_totals(http).open_now, 1);
    CHECK_INT((int64_t)http_totals(http).in_flight_now, 1);
    /* Who stays goes on being held. */
    CHECK(http_is_waiting(exchanges[0]));
    for (int i = 1; i < COUNT; i++)
        CHECK(!http_is_waiting(exchanges[i]));
    for (int i = 0; i < COUNT; i++)
        http_reply_static(exchanges[i], 200, "text/plain", "now", 3);
    CHECK_INT(socket_reply(fds[0], text, sizeof text), 200);
    (void)close(fds[0]);
    CHECK(is_quiet_soon());
}

/* A client that has no more to say waits for what a worker has in hand, all the same. */
static void test_a_client_that_only_stops_sending_gets_its_answer(void **state)
{
    static const char slow[] = "GET /work?ms=400 HTTP/1.1\r\nHost: h\r\n\r\n";
    int fd = socket_to(http_address(http));

    (void)state;
    socket_send(fd, slow, sizeof slow - 1);
    (void)shutdown(fd, SHUT_WR);
    CHECK_INT(socket_reply(fd, text, sizeof text), 200);
    CHECK(says("GET /work"));
    (void)close(fd);
    CHECK(is_quiet_soon());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_heads_have_a_limit),
        WITH_SERVER(test_headers_are_counted),
        WITH_SERVER(test_bodies_have_a_limit),
        WITH_SERVER(test_a_chunked_body_has_the_same_limit),
        WITH_SERVER(test_slow_clients_are_cut_off),
        WITH_SERVER(test_an_answer_may_take_longer_than_a_request),
        WITH_SERVER(test_a_held_exchange_is_answered_when_somebody_replies),
        WITH_SERVER(test_a_hold_that_runs_out_is_204_and_still_its_owners),
        WITH_SERVER(test_a_client_that_leaves_while_held_harms_nobody),
        WITH_SERVER(test_a_client_that_hangs_up_frees_its_place_at_once),
        WITH_SERVER(test_a_client_that_only_stops_sending_gets_its_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
