/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http_refuse.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "support.h"

enum { LONG_MAX_SIZE = 1100000 };

static void send_text(int fd, const char *bytes)
{
    socket_send(fd, bytes, strlen(bytes));
}

/* Whether the last answer is an object with success false, that code, and a sentence. */
static void check_shape(const char *code)
{
    const char *body = strstr(text, "\r\n\r\n");
    auto_json json_t *json = NULL;
    struct error err;

    CHECK(body != NULL);
    CHECK(says("\r\nContent-Type: application/json\r\n"));
    CHECK_OK(json_parse(body + 4, strlen(body + 4), &json, &err), &err);
    CHECK(json_is_false(json_member(json, "success")));
    CHECK_TEXT(json_string_value(json_member(json, "error")), code);
    CHECK(json_string_length(json_member(json, "msg")) > 10);
}

static int ask_bytes(const char *bytes, size_t length)
{
    return exchange_bytes(http_address(http), bytes, length, text, sizeof text);
}

#define HEAD    "PUT / HTTP/1.1\r\nHost: h\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

static void test_what_the_library_refuses_is_json(void **state)
{
    static const struct {
        const char *name, *request;
        int status;
        const char *code;
    } rows[] = {
        { "no address", "GET\r\nHost: h\r\n\r\n", 400, "bad_request" },
        { "no version", "GET /\r\nHost: h\r\n\r\n", 400, "bad_request" },
        { "words", "hello there, who are you\r\n\r\n", 400, "bad_request" },
        { "a version to come", "GET / HTTP/3.7\r\nHost: h\r\n\r\n", 505, "bad_request" },
        { "no colon", "GET / HTTP/1.1\r\nHost: h\r\nnothing\r\n\r\n", 400, "bad_request" },
        { "no Host", "GET / HTTP/1.1\r\n\r\n", 400, "bad_request" },
        { "a length of words", HEAD "Content-Length: ten\r\n\r\n", 400, "bad_request" },
        { "a length below zero", HEAD "Content-Length: -1\r\n\r\n", 400, "bad_request" },
        { "a huge length", HEAD "Content-Length: 99999999999999999999999\r\n\r\n", 413,
          "too_large" },
        { "a chunk of words", CHUNKED "zz\r\nhello\r\n0\r\n\r\n", 400, "bad_request" },
        { "a huge chunk", CHUNKED "fffffffffffffffffffff\r\nx", 413, "too_large" },
        { "a chunk without end", CHUNKED "3\r\nabcdef\r\n0\r\n\r\n", 400, "bad_request" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].name);
        CHECK_INT(ask_bytes(rows[i].request, strlen(rows[i].request)), rows[i].status);
        check_shape(rows[i].code);
    }
}

/* A request that is whole but for one thing of `length` bytes; its status. */
static int ask_long(const char *before, size_t length, const char *after)
{
    char *request = calloc(1, LONG_MAX_SIZE);

    CHECK(request != NULL && strlen(before) + length + strlen(after) < LONG_MAX_SIZE);
    memcpy(request, before, strlen(before));
    memset(request + strlen(before), 'x', length);
    memcpy(request + strlen(before) + length, after, strlen(after) + 1);
    int status = ask_bytes(request, strlen(before) + length + strlen(after));
    free(request);
    return status;
}

/* However much is sent after the end of our patience, the reply is there to be read. */
static void test_a_head_that_is_too_long_is_told_so(void **state)
{
    static const size_t lengths[] = { 9000, 60000, 400000, 1000000 };

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        check_row("%zu bytes", lengths[i]);
        CHECK_INT(ask_long("GET /", lengths[i], " HTTP/1.1\r\nHost: h\r\n\r\n"), 414);
        check_shape("too_large");
        CHECK_INT(ask_long("GET / HTTP/1.1\r\nHost: h\r\nA: ", lengths[i], "\r\n\r\n"), 431);
        check_shape("too_large");
    }
}

/* A reset would take the reply from a client that is sending still. */
static void test_who_goes_on_sending_is_not_reset(void **state)
{
    int fd = socket_to(http_address(http));

    (void)state;
    send_text(fd, "hello\r\n\r\n");
    CHECK(socket_read(fd, text, sizeof text, WAIT_MS));
    check_shape("bad_request");
    for (int i = 0; i < 5; i++) {
        CHECK_INT(send(fd, "more", 4, MSG_NOSIGNAL), 4);
        pause_ms(20);
    }
    (void)close(fd);
}

/* The same on a connection that was good for a request before. */
static void test_a_connection_in_use_is_told_as_well(void **state)
{
    static const char good[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    int fd = socket_to(http_address(http));

    (void)state;
    send_text(fd, good);
    CHECK_INT(socket_reply(fd, text, sizeof text), 200);
    send_text(fd, "GET / HTTP/1.1\r\nHost: h\r\nnothing\r\n\r\n");
    CHECK_INT(socket_reply(fd, text, sizeof text), 400);
    check_shape("bad_request");
    CHECK(socket_read(fd, text, sizeof text, WAIT_MS));
    (void)close(fd);
}

static void test_who_is_too_slow_is_told_so(void **state)
{
    static const struct {
        const char *name, *first, *second;
        int status; /* 0: closed without a word */
    } rows[] = {
        { "nothing at all", "", "", 0 },
        { "half a line", "GET /aaa", "", 408 },
        { "half a head", "GET / HTTP/1.1\r\nHost: h\r\nA: b", "", 408 },
        { "half a body", HEAD "Content-Length: 10\r\n\r\nabc", "", 408 },
        { "half a chunk", CHUNKED "a\r\nabc", "", 408 },
        { "a size without end", CHUNKED "3;aaaaaaaaaaaaaaaaaaaaaaaa", "", 408 },
        { "nothing more", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "", 0 },
        { "half a second line", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a", 408 },
        { "half a second head", "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: h\r\nA", 408 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int fd = socket_to(http_address(http));

        check_row("%s", rows[i].name);
        send_text(fd, rows[i].first);
        if (i >= 6) {
            CHECK_INT(socket_reply(fd, text, sizeof text), 200);
            pause_ms(100);
            send_text(fd, rows[i].second);
        }
        CHECK(socket_read(fd, text, sizeof text, WAIT_MS));
        (void)close(fd);
        if (rows[i].status == 0) {
            CHECK_TEXT(text, "");
            continue;
        }
        CHECK(says("HTTP/1.1 408 Request Timeout\r\n"));
        check_shape("request_timeout");
    }
}

/* A client that goes away in the midst of its request gets no last word, and is no error. */
static void test_who_leaves_is_told_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        int fd = socket_to(http_address(http));

        send_text(fd, HEAD "Content-Length: 10\r\n\r\nabc");
        pause_ms(20);
        (void)close(fd);
    }
    pause_ms(100);
    CHECK_INT((int64_t)http_totals(http).open_now, 0);
    CHECK_INT((int64_t)http_totals(http).replies_4xx, 0);
}

/* A client that asks, and never reads the answer, does not keep a socket for long. */
static void test_refused_sockets_do_not_stay(void **state)
{
    int fds[40];

    (void)state;
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        fds[i] = socket_to(http_address(http));
        send_text(fds[i], "hello\r\n\r\nmore");
    }
    for (int i = 0; i < 400 && http_totals(http).lingering_now > 0; i++)
        pause_ms(10);
    CHECK_INT((int64_t)http_totals(http).lingering_now, 0);
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        (void)close(fds[i]);
    CHECK_INT(ask("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_what_the_library_refuses_is_json),
        WITH_SERVER(test_a_head_that_is_too_long_is_told_so),
        WITH_SERVER(test_who_goes_on_sending_is_not_reset),
        WITH_SERVER(test_a_connection_in_use_is_told_as_well),
        WITH_SERVER(test_who_is_too_slow_is_told_so),
        WITH_SERVER(test_who_leaves_is_told_nothing),
        WITH_SERVER(test_refused_sockets_do_not_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
