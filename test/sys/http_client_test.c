/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "fake_http.h"

enum { TIMEOUT_MS = 20000, REPLY_MAX = 1 << 20 };

/* Answers what it was asked: method, path, the lines of interest and the body. */
static void echo(void *context, const struct fake_request *request, struct buf *response)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    static const char *const lines[] = { "X-Berth:", "Content-Type:", "Content-Length:", "Expect:",
                                         "User-Agent:" };

    (void)context;
    if (strcmp(request->target, "/never") == 0)
        return;
    if (strcmp(request->target, "/large") == 0) {
        for (int i = 0; i < 1000; i++)
            buf_printf(&body, "%0100d", i);
        fake_http_reply(response, 200, body.bytes);
        return;
    }
    if (strcmp(request->target, "/moved") == 0) {
        buf_printf(response, "HTTP/1.1 302 X\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    buf_printf(&body, "%s %s\n", request->method, request->target);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const char *line = strcasestr(request->head, lines[i]);
        if (line != NULL)
            buf_printf(&body, "%.*s\n", (int)strcspn(line, "\r\n"), line);
    }
    buf_printf(&body, "%s", request->body);
    fake_http_reply(response, strcmp(request->target, "/absent") == 0 ? 404 : 200, body.bytes);
}

static const char *url_of(const struct fake_http *server, const char *path, char url[static 100])
{
    (void)snprintf(url, 100, "http://127.0.0.1:%d%s", fake_http_port(server), path);
    return url;
}

static void test_what_is_asked_and_answered(void **state)
{
    static const char *const headers[] = { "X-Berth: 7", "Content-Type: text/plain", NULL };
    static const struct {
        const char *method, *path;
        const char *const *headers;
        const char *body;
        int status;
        const char *reply;
    } rows[] = {
        { "GET", "/a?b=c", NULL, NULL, 200, "GET /a?b=c\nUser-Agent: berth\n" },
        { "GET", "/absent", NULL, NULL, 404, "GET /absent\nUser-Agent: berth\n" },
        { "PUT", "/", NULL, "{}", 200,
          "PUT /\nContent-Type: application/json\nContent-Length: 2\nUser-Agent: berth\n{}" },
        { "POST", "/", headers, "x", 200,
          "POST /\nX-Berth: 7\nContent-Type: text/plain\nContent-Length: 1\nUser-Agent: "
          "berth\nx" },
        { "POST", "/", NULL, NULL, 200, "POST /\nContent-Length: 0\nUser-Agent: berth\n" },
        { "DELETE", "/", NULL, NULL, 200, "DELETE /\nUser-Agent: berth\n" },
        { "DELETE", "/", NULL, "{}", 200,
          "DELETE /\nContent-Type: application/json\nContent-Length: 2\nUser-Agent: berth\n{}" },
        { "GET", "/moved", NULL, NULL, 302, "" },
    };
    auto_fake_http struct fake_http *server = fake_http_open(NULL, echo, NULL);
    auto_http_client struct http_client *client = http_client_open(NULL, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf reply = buf_of(REPLY_MAX);
        char url[100];
        struct http_request request = {
            .method = rows[i].method,
            .url = url_of(server, rows[i].path, url),
            .headers = rows[i].headers,
            .body = rows[i].body,
            .body_length = rows[i].body == NULL ? 0 : strlen(rows[i].body),
            .timeout_ms = TIMEOUT_MS,
        };
        struct error err;
        int status = 0;

        check_row("%s %s", rows[i].method, rows[i].path);
        CHECK_OK(http_client_send(client, &request, &status, &reply, &err), &err);
        CHECK_INT(status, rows[i].status);
        CHECK_TEXT(reply.bytes, rows[i].reply);
    }
    CHECK_INT(fake_http_connection_count(server), 1);
}

static void test_a_large_body_goes_out_at_once(void **state)
{
    auto_fake_http struct fake_http *server = fake_http_open(NULL, echo, NULL);
    auto_http_client struct http_client *client = http_client_open(NULL, NULL);
    auto_buf struct buf reply = buf_of(REPLY_MAX), body = buf_of(REPLY_MAX);
    char url[100];
    struct error err;
    int status;

    (void)state;
    for (int i = 0; i < 2000; i++)
        buf_printf(&body, "%0100d", i);
    struct http_request request = {
        "PUT", url_of(server, "/", url), NULL, body.bytes, body.length, TIMEOUT_MS, 0
    };
    CHECK_OK(http_client_send(client, &request, &status, &reply, &err), &err);
    CHECK(strstr(reply.bytes, "Expect") == NULL);
    CHECK(strcmp(reply.bytes + reply.length - body.length, body.bytes) == 0);
}

static void test_unix_sockets(void **state)
{
    char path[100];

    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/berth-http-%d.sock", (int)getpid());
    auto_fake_http struct fake_http *server = fake_http_open(path, echo, NULL);
    auto_http_client struct http_client *client = http_client_open(path, NULL);
    auto_buf struct buf reply = buf_of(REPLY_MAX);
    struct http_request request = { .method = "GET", .url = "http://engine/v1.41/_ping" };
    struct error err;
    int status;

    /* No proxy stands between a program and a socket on its own machine. */
    CHECK(setenv("http_proxy", "http://127.0.0.1:1", 1) == 0);
    bool is_ok = http_client_send(client, &request, &status, &reply, &err);
    CHECK(unsetenv("http_proxy") == 0);
    CHECK_OK(is_ok, &err);
    CHECK_TEXT(reply.bytes, "GET /v1.41/_ping\nUser-Agent: berth\n");
    CHECK_INT(fake_http_connection_count(server), 1);
    (void)unlink(path);
}

static void test_proxies_are_for_other_machines(void **state)
{
    auto_fake_http struct fake_http *server = fake_http_open(NULL, echo, NULL);
    auto_buf struct buf reply = buf_of(REPLY_MAX);
    char url[100], proxy[100];
    struct error err;
    int status;

    (void)state;
    CHECK(setenv("http_proxy", "http://127.0.0.1:1", 1) == 0);
    CHECK(setenv("no_proxy", "elsewhere.example", 1) == 0);
    auto_http_client struct http_client *client = http_client_open(NULL, NULL);
    struct http_request request = { .method = "GET",
                                    .url = url_of(server, "/", url),
                                    .timeout_ms = TIMEOUT_MS };
    bool is_direct = http_client_send(client, &request, &status, &reply, &err);
    CHECK(setenv("http_proxy", url_of(server, "", proxy), 1) == 0);
    request.url = "http://berth.example/through";
    bool is_proxied = http_client_send(client, &request, &status, &reply, &err);
    CHECK(unsetenv("http_proxy") == 0 && unsetenv("no_proxy") == 0);
    CHECK(is_direct && is_proxied);
    CHECK(strstr(reply.bytes, "GET http://berth.example/through\n") != NULL);
}

static void test_ways_to_get_no_answer(void **state)
{
    auto_fake_http struct fake_http *server = fake_http_open(NULL, echo, NULL);
    auto_http_client struct http_client *client = http_client_open(NULL, NULL);
    auto_buf struct buf reply = buf_of(1000);
    static const char *const forged[] = { "X-A: 1\r\nX-B: 2", NULL };
    static const char *const nameless[] = { "no colon", NULL };
    char never[100], silent[100], large[100], ok[100];
    struct {
        struct http_request request;
        enum error_code code;
    } rows[] = {
        { { "GET", "http://127.0.0.1:1/", NULL, NULL, 0, TIMEOUT_MS, 0 }, ERROR_UNREACHABLE },
        { { "GET", "http://berth.invalid/", NULL, NULL, 0, TIMEOUT_MS, 0 }, ERROR_UNREACHABLE },
        { { "GET", url_of(server, "/never", never), NULL, NULL, 0, 200, 0 }, ERROR_TIMEOUT },
        { { "GET", url_of(server, "/never", silent), NULL, NULL, 0, 0, 1000 }, ERROR_TIMEOUT },
        { { "GET", url_of(server, "/large", large), NULL, NULL, 0, 0, 0 }, ERROR_OUT_OF_RANGE },
        { { "GET", "file:///etc/passwd", NULL, NULL, 0, 0, 0 }, ERROR_INVALID },
        { { "GET", "ftp://127.0.0.1/", NULL, NULL, 0, 0, 0 }, ERROR_INVALID },
        { { "GET", "http://", NULL, NULL, 0, 0, 0 }, ERROR_INVALID },
        { { "GET", url_of(server, "/", ok), forged, NULL, 0, 0, 0 }, ERROR_INVALID },
        { { "GET", url_of(server, "/", ok), nameless, NULL, 0, 0, 0 }, ERROR_INVALID },
    };

    (void)state;
    buf_append(&reply, "kept", 4);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error err;
        int status = 42;

        check_row("%s, row %zu", rows[i].request.url, i);
        CHECK_FAILS(http_client_send(client, &rows[i].request, &status, &reply, &err), &err,
                    rows[i].code);
        CHECK_INT(status, 42);
        CHECK_TEXT(reply.bytes, "kept");
    }

    /* And after all that the client still works. */
    struct http_request request = { .method = "GET", .url = ok };
    struct error err;
    int status;
    CHECK_OK(http_client_send(client, &request, &status, &reply, &err), &err);
    CHECK_INT(status, 200);
}

struct taker {
    size_t length, length_max;
};

static bool take_some(void *context, const char *bytes, size_t length)
{
    struct taker *taker = context;

    (void)bytes;
    taker->length += length;
    return taker->length < taker->length_max;
}

static void test_streams_go_on_until_told_to_stop(void **state)
{
    auto_fake_http struct fake_http *server = fake_http_open(NULL, echo, NULL);
    auto_http_client struct http_client *client = http_client_open(NULL, NULL);
    struct taker all = { 0, SIZE_MAX }, some = { 0, 10 };
    char url[100];
    struct http_request request = { .method = "GET", .url = url_of(server, "/large", url) };
    struct error err;
    int status = 0;

    (void)state;
    CHECK_OK(http_client_stream(client, &request, &status, take_some, &all, &err), &err);
    CHECK_INT((int64_t)all.length, 100000);
    CHECK_INT(status, 200);
    status = 0;
    CHECK_OK(http_client_stream(client, &request, &status, take_some, &some, &err), &err);
    CHECK(some.length >= 10 && some.length < 100000);
    CHECK_INT(status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_asked_and_answered),
        cmocka_unit_test(test_a_large_body_goes_out_at_once),
        cmocka_unit_test(test_unix_sockets),
        cmocka_unit_test(test_proxies_are_for_other_machines),
        cmocka_unit_test(test_ways_to_get_no_answer),
        cmocka_unit_test(test_streams_go_on_until_told_to_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
