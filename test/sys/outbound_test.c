/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/outbound.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "fake_http.h"

struct seen {
    char head[4096], body[256];
    int status;
    size_t reply_length;
};

static void answer(void *context, const struct fake_request *request, struct buf *response)
{
    struct seen *seen = context;
    auto_buf struct buf body = buf_of(1 << 20);

    (void)snprintf(seen->head, sizeof seen->head, "%s", request->head);
    (void)snprintf(seen->body, sizeof seen->body, "%s", request->body);
    for (size_t i = 0; i < seen->reply_length; i++)
        buf_append(&body, "x", 1);
    buf_append(&body, "", 1);
    if (seen->status >= 300 && seen->status < 400)
        buf_printf(response,
                   "HTTP/1.1 %d Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
                   seen->status);
    else
        fake_http_reply(response, seen->status, body.bytes);
}

static bool post(struct fake_http *server, const char *url, bool allows_local, int *ret_status,
                 struct buf *response, struct error *err)
{
    static const char *const headers[] = { "Content-Type: application/json", "X-Test: 1", NULL };
    auto_buf struct buf body = buf_of(64);

    buf_printf(&body, "{\"a\":1}");
    fake_http_meet(server);
    bool is_ok = outbound_post(&(struct outbound){ url, headers, &body, allows_local }, ret_status,
                               response, err);
    fake_http_meet(server);
    return is_ok;
}

static void test_a_post_has_its_headers_and_body_and_no_redirect_is_followed(void **state)
{
    struct seen seen = { .status = 200, .reply_length = 5 };
    auto_fake_http struct fake_http *server = fake_http_open(NULL, answer, &seen);
    auto_buf struct buf response = buf_of(4096);
    char url[64];
    struct error err;
    int status = 0;

    (void)state;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/hook", fake_http_port(server));
    CHECK_OK(post(server, url, true, &status, &response, &err), &err);
    CHECK_INT(status, 200);
    CHECK_TEXT(seen.body, "{\"a\":1}");
    CHECK(strstr(seen.head, "X-Test: 1\r\n") != NULL);
    CHECK_INT((int64_t)response.length, 5);
    seen.status = 302;
    CHECK_OK(post(server, url, true, &status, &response, &err), &err);
    CHECK_INT(status, 302);
    CHECK_INT(fake_http_connection_count(server), 2);
    /* What is too long is read no further; what fits is kept. */
    seen.status = 200;
    seen.reply_length = OUTBOUND_READ_MAX + 1;
    CHECK_OK(post(server, url, true, &status, &response, &err), &err);
    CHECK_INT(status, 200);
    CHECK(!response.has_overflowed);
}

static void test_nothing_reaches_what_is_not_public(void **state)
{
    static const char *const urls[] = {
        "https://127.0.0.1:%d/",
        "https://localhost:%d/",
        "https://localhost.:%d/",
        "https://2130706433:%d/",
        "https://0x7f000001:%d/",
        "https://0177.0.0.1:%d/",
        "https://127.1:%d/",
        "https://[::1]:%d/",
        "https://[::ffff:127.0.0.1]:%d/",
        "https://[::ffff:7f00:1]:%d/",
        "https://0.0.0.0:%d/",
        "https://[::]:%d/",
        "https://u:p@127.0.0.1:%d/",
        "http://127.0.0.1:%d/",
        "https://127.0.0.1:%d@x/",
        "https://127.0.0.1%%00:%d/",
        "https://127.0.0.1:%d\\@x/",
        "ftp://127.0.0.1:%d/",
        "file:///etc/passwd?%d",
        "gopher://127.0.0.1:%d/",
        "//127.0.0.1:%d/",
        "127.0.0.1:%d",
    };
    struct seen seen = { .status = 200 };
    auto_fake_http struct fake_http *server = fake_http_open(NULL, answer, &seen);
    auto_buf struct buf response = buf_of(4096);
    char url[96];
    struct error err;
    int status = 0;

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        check_row("%s", urls[i]);
        /* The table holds no more than one %d in each. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(url, sizeof url, urls[i], fake_http_port(server));
#pragma GCC diagnostic pop
        CHECK(!post(server, url, false, &status, &response, &err));
        CHECK(err.code == ERROR_FORBIDDEN || err.code == ERROR_INVALID ||
              err.code == ERROR_UNREACHABLE);
    }
    CHECK_INT(fake_http_connection_count(server), 0);
    CHECK_INT(status, 0);
}

static void test_what_a_url_may_be(void **state)
{
    static const struct {
        const char *url;
        bool is_good, is_good_locally;
    } rows[] = {
        { "https://example.org/x?y=1", true, true },
        { "https://example.org:8443/", true, true },
        { "https://93.184.216.34/", true, true },
        { "http://example.org/", false, true },
        { "https://10.0.0.1/", false, true },
        { "https://[fd00::1]/", false, true },
        { "https://[fe80::1%25eth0]/", false, false },
        { "https://u@example.org/", false, false },
        { "https://example.org/a b", false, false },
        { "https://example.org/\n", false, false },
        { "https://:80/", false, false },
        { "", false, false },
    };
    char url[OUTBOUND_URL_MAX + 2];
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].url);
        CHECK_INT(outbound_check(rows[i].url, false, &err), rows[i].is_good);
        CHECK_INT(outbound_check(rows[i].url, true, &err), rows[i].is_good_locally);
    }
    memset(url, 'a', sizeof url);
    memcpy(url, "https://e.org/", 14);
    url[OUTBOUND_URL_MAX + 1] = '\0';
    CHECK(!outbound_check(url, false, &err));
    url[OUTBOUND_URL_MAX] = '\0';
    CHECK_OK(outbound_check(url, false, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_post_has_its_headers_and_body_and_no_redirect_is_followed),
        cmocka_unit_test(test_nothing_reaches_what_is_not_public),
        cmocka_unit_test(test_what_a_url_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
