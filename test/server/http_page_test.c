/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

enum { PAGE_LENGTH = 150000, CLIENTS = 8, TIMES = 30 };

static struct http_page *page;

static void handle_page(void *context, struct http_exchange *exchange)
{
    (void)context;
    if (strcmp(http_request_of(exchange)->path, "/new") == 0) {
        struct buf body = buf_of(64);

        buf_append(&body, "fresh", 5);
        struct http_page *fresh = http_page_of("text/plain", NULL, 0, &body);
        http_reply_page(exchange, fresh);
        http_page_release(&fresh); /* It is on its way. */
        return;
    }
    http_reply_page(exchange, page);
}

static int open_page(void **state)
{
    static const struct http_pair headers[] = { { "Vary", "Accept-Encoding" },
                                                { "Content-Language", "en" } };
    struct http_options options = options_of_tests();
    struct buf body = buf_of(PAGE_LENGTH);

    (void)state;
    for (int i = 0; i < PAGE_LENGTH; i++)
        buf_append(&body, &"0123456789abcdefghi"[i % 19], 1);
    page = http_page_of("application/json", headers, 2, &body);
    CHECK(body.length == 0);
    options.handler = handle_page;
    server_open(&options);
    return 0;
}

static int close_page(void **state)
{
    (void)server_teardown(state);
    http_page_release(&page);
    CHECK(page == NULL);
    return 0;
}

/* Whether what came is the page, to its last byte. */
static bool is_page(const char *reply)
{
    const char *body = strstr(reply, "\r\n\r\n");

    if (body == NULL || strlen(body + 4) != PAGE_LENGTH)
        return false;
    for (int i = 0; i < PAGE_LENGTH; i++) {
        if (body[4 + i] != "0123456789abcdefghi"[i % 19])
            return false;
    }
    return true;
}

static void test_a_page_comes_whole_with_its_headers_each_time(void **state)
{
    static const char request[] = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
    int fd = socket_to(http_address(http));

    (void)state;
    for (int i = 0; i < 3; i++) {
        socket_send(fd, request, sizeof request - 1);
        CHECK_INT(socket_reply(fd, text, sizeof text), 200);
        CHECK(is_page(text));
        CHECK(says("\r\nVary: Accept-Encoding\r\n") && says("\r\nContent-Language: en\r\n"));
        CHECK(says("\r\nContent-Type: application/json\r\n"));
        CHECK(says("\r\nCache-Control: no-store\r\n"));
        CHECK(says("\r\nX-Content-Type-Options: nosniff\r\n"));
    }
    (void)close(fd);
    CHECK_INT(ask("HEAD /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), 200);
    CHECK(says("\r\nContent-Length: 150000\r\n") && says("\r\n\r\n"));
    CHECK(strstr(text, "\r\n\r\n")[4] == '\0');
}

static void test_a_page_may_be_let_go_of_before_it_is_sent(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        CHECK_INT(ask("GET /new HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), 200);
        CHECK(says("\r\n\r\nfresh") && !says("Vary"));
    }
}

static atomic_int whole_count;

static void *read_pages(void *context)
{
    static const char request[] = "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    char *reply = malloc(ANSWER_MAX);

    (void)context;
    for (int i = 0; reply != NULL && i < TIMES; i++) {
        int status =
            exchange_bytes(http_address(http), request, sizeof request - 1, reply, ANSWER_MAX);

        atomic_fetch_add(&whole_count, status == 200 && is_page(reply) ? 1 : 0);
    }
    free(reply);
    return NULL;
}

static void test_many_read_one_page_at_once(void **state)
{
    pthread_t clients[CLIENTS];

    (void)state;
    for (int i = 0; i < CLIENTS; i++)
        CHECK(pthread_create(&clients[i], NULL, read_pages, NULL) == 0);
    for (int i = 0; i < CLIENTS; i++)
        (void)pthread_join(clients[i], NULL);
    CHECK_INT(atomic_load(&whole_count), CLIENTS * TIMES);
}

/* The reply is decided already: the page goes nowhere, and stays whole. */
static void test_a_page_for_somebody_who_is_gone_goes_nowhere(void **state)
{
    struct http_options options = options_of_tests();
    static const char request[] = "GET /hold?ms=50 HTTP/1.1\r\nHost: h\r\n\r\n";

    (void)state;
    http_close(&http, 2000);
    server_open(&options);
    int fd = socket_to(http_address(http));
    socket_send(fd, request, sizeof request - 1);
    struct http_exchange *exchange = take_held();
    CHECK_INT(socket_reply(fd, text, sizeof text), 204);
    http_reply_page(exchange, page);
    socket_send(fd, request, sizeof request - 1);
    exchange = take_held();
    http_reply_page(exchange, page);
    CHECK_INT(socket_reply(fd, text, sizeof text), 200);
    CHECK(is_page(text));
    (void)close(fd);
}

#define WITH_PAGE(test) cmocka_unit_test_setup_teardown(test, open_page, close_page)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PAGE(test_a_page_comes_whole_with_its_headers_each_time),
        WITH_PAGE(test_a_page_may_be_let_go_of_before_it_is_sent),
        WITH_PAGE(test_many_read_one_page_at_once),
        WITH_PAGE(test_a_page_for_somebody_who_is_gone_goes_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
