/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http_stream.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "support.h"
#include "sys/clock.h"

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

/* Nobody has anything to send, and the next sign of life is far off. */
static void test_a_silent_stream_ends_when_its_client_leaves(void **state)
{
    static const char get[] = "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n";
    struct http_options options = options_of_tests();

    (void)state;
    options.keepalive_ms = 60000;
    http_close(&http, 2000);
    server_open(&options);
    int fd = socket_to(http_address(http));
    socket_send(fd, get, sizeof get - 1);
    struct http_stream *taken = take_stream();
    pause_ms(100);
    CHECK_INT((int64_t)http_totals(http).streams_now, 1);
    (void)close(fd);
    for (int i = 0; http_totals(http).open_now > 0 && i < 100; i++)
        pause_ms(10);
    CHECK_INT((int64_t)http_totals(http).streams_now, 0);
    CHECK_INT((int64_t)http_totals(http).open_now, 0);
    CHECK(!http_stream_send(taken, "late", 4));
    http_stream_close(&taken);
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
    /* What was queued is lost: the stream must break, not end. */
    bool is_closed = false, has_ended = false;
    for (int i = 0; !is_closed && i < 1000; i++) {
        is_closed = socket_read(fd, text, sizeof text, 1000);
        has_ended = has_ended || says("\r\n0\r\n\r\n");
    }
    CHECK(is_closed && !has_ended);
    for (int i = 0; http_totals(http).open_now > 0 && i < 1000; i++)
        pause_ms(20);
    CHECK_INT((int64_t)http_totals(http).open_now, 0);
    (void)close(fd);
}

/* The same where the socket took all it was given so far: the library waits for no event then, and
 * has to come to the end by itself. */
static void test_a_stream_that_breaks_between_two_blocks_is_closed(void **state)
{
    enum { ROUNDS = 40 };
    static const char get[] = "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n";
    static char block[HTTP_STREAM_QUEUE_MAX];

    (void)state;
    memset(block, 'x', sizeof block);
    for (int round = 0; round < ROUNDS; round++) {
        int fd = socket_to(http_address(http));

        check_row("%d", round);
        socket_send(fd, get, sizeof get - 1);
        struct http_stream *taken = take_stream();
        CHECK(!socket_read(fd, text, sizeof text, 20));
        CHECK(http_stream_send(taken, block, sizeof block - sizeof block / 8));
        (void)nanosleep(&(struct timespec){ .tv_nsec = round * 10000 }, NULL);
        while (http_stream_send(taken, block, sizeof block / 2))
            continue;
        http_stream_close(&taken);
        bool is_closed = false, has_ended = false;
        for (int i = 0; !is_closed && i < 100; i++) {
            is_closed = socket_read(fd, text, sizeof text, 1000);
            has_ended = has_ended || says("\r\n0\r\n\r\n");
        }
        CHECK(is_closed && !has_ended);
        for (int i = 0; http_totals(http).open_now > 0 && i < 500; i++)
            pause_ms(10);
        CHECK_INT((int64_t)http_totals(http).open_now, 0);
        (void)close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_a_stream_carries_what_is_sent_and_signs_of_life),
        WITH_SERVER(test_a_stream_learns_that_its_client_left),
        WITH_SERVER(test_a_silent_stream_ends_when_its_client_leaves),
        WITH_SERVER(test_a_stream_does_not_grow_without_end),
        WITH_SERVER(test_a_stream_that_breaks_between_two_blocks_is_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
