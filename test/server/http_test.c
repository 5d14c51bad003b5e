/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"
#include "sys/clock.h"
#include "sys/fd.h"

enum { KNOCKS = 1000000 };

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

/* Its sender's, where that is a plain word; else one that nobody else has. */
static void test_a_request_has_a_name_and_the_answer_says_it(void **state)
{
    static const char plain[] = "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    char first[64];

    (void)state;
    CHECK_INT(
        ask("GET /x HTTP/1.1\r\nHost: h\r\nX-Request-Id: mine-7\r\nConnection: close\r\n\r\n"),
        200);
    CHECK(says("\r\nX-Request-Id: mine-7\r\n"));
    CHECK_INT(ask("GET /x HTTP/1.1\r\nHost: h\r\nX-Request-Id: a b\r\nConnection: close\r\n\r\n"),
              200);
    CHECK(!says("X-Request-Id: a b"));
    CHECK_INT(ask(plain), 200);
    const char *id = strstr(text, "\r\nX-Request-Id: ");
    CHECK(id != NULL);
    (void)snprintf(first, sizeof first, "%.34s", id);
    CHECK_INT(ask(plain), 200);
    CHECK(says("\r\nX-Request-Id: ") && !says(first));
    /* What is refused at the door, too. */
    CHECK_INT(
        ask("GET /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n"
            "X-Request-Id: mine-8\r\nConnection: close\r\n\r\n"),
        413);
    CHECK(says("\r\nX-Request-Id: mine-8\r\n"));
    /* Nor does another server begin where this one did. */
    const struct http_options options = options_of_tests();
    http_close(&http, 2000);
    server_open(&options);
    for (int i = 0; i < 6; i++) {
        CHECK_INT(ask(plain), 200);
        CHECK(!says(first));
    }
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

static void test_an_address_that_is_taken_or_none_is_an_error(void **state)
{
    struct http_options options = options_of_tests();
    struct log silent = log_silent();
    struct http *second = NULL;
    char address[64];
    struct error err;

    (void)state;
    (void)snprintf(address, sizeof address, "%s", http_address(http));
    options.listen = address;
    CHECK_FAILS(http_open(&options, &silent, &second, &err), &err, ERROR_IO);
    options.listen = "nonsense";
    CHECK_FAILS(http_open(&options, &silent, &second, &err), &err, ERROR_INVALID);
    options.listen = "127.0.0.1:99999";
    CHECK_FAILS(http_open(&options, &silent, &second, &err), &err, ERROR_INVALID);
    CHECK(second == NULL);
}

static void say_whether_the_server_is_known(void *context, struct http_exchange *exchange)
{
    auto_buf struct buf body = buf_of(16);

    (void)context;
    http_reply(exchange, http != NULL ? 200 : 500, "application/json", &body);
}

struct knock {
    uint16_t port;
    int status; /* 0: nobody answered */
};

/* Ask whoever opens that port, as soon as it is open. */
static void *knock(void *context)
{
    struct knock *knock = context;
    const struct sockaddr_in to = { .sin_family = AF_INET,
                                    .sin_port = htons(knock->port),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    char reply[1024];

    for (int i = 0; i < KNOCKS; i++) {
        auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (connect(fd, (const struct sockaddr *)&to, sizeof to) != 0)
            continue;
        socket_send(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 27);
        knock->status = socket_reply(fd, reply, sizeof reply);
        break;
    }
    return NULL;
}

static void test_the_first_request_finds_the_server_known(void **state)
{
    struct http_options options = options_of_tests();
    char address[64];

    (void)state;
    (void)snprintf(address, sizeof address, "%s", http_address(http));
    options.listen = address;
    options.handler = say_whether_the_server_is_known;
    for (int i = 0; i < 20; i++) {
        struct knock who = { .port = (uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10) };
        pthread_t knocking;

        http_close(&http, 0);
        CHECK_INT(pthread_create(&knocking, NULL, knock, &who), 0);
        server_open(&options);
        (void)pthread_join(knocking, NULL);
        CHECK_INT(who.status, 200);
    }
}

static void test_an_address_has_its_share_of_connections(void **state)
{
    struct http_options options = options_of_tests();
    int fds[4];

    (void)state;
    options.connections_per_address_max = 3;
    server_open(&options);
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
    server_open(&options);
    CHECK_INT(ask(get), 200);
    CHECK(says("from=127.0.0.1"));
    http_close(&http, 1000);
    options.trusted_proxies = trusted;
    server_open(&options);
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
    server_open(&options);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_a_request_arrives_whole),
        WITH_SERVER(test_a_request_has_a_name_and_the_answer_says_it),
        WITH_SERVER(test_requests_on_one_connection_keep_in_step),
        WITH_SERVER(test_slow_work_does_not_stop_the_fast),
        WITH_SERVER(test_a_full_queue_says_so),
        WITH_SERVER(test_an_idle_connection_is_closed_in_time),
        WITH_SERVER(test_who_does_not_read_the_reply_is_cut_off),
        WITH_SERVER(test_an_address_that_is_taken_or_none_is_an_error),
        WITH_SERVER(test_the_first_request_finds_the_server_known),
        cmocka_unit_test(test_an_address_has_its_share_of_connections),
        cmocka_unit_test(test_only_a_trusted_proxy_speaks_for_others),
        cmocka_unit_test(test_closing_lets_work_finish_and_tells_who_is_held),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
