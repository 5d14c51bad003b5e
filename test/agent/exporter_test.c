/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/exporter.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

enum { STEP_MS = 20, STEPS_MAX = 200 };

static struct clock clock_of_test;
static struct loop *loop;
static struct exporter *exporter;
static size_t page_size;

/* As many bytes as the test wants. */
static void write_page(void *context, struct buf *out)
{
    CHECK_TEXT(context, "the context");
    for (size_t i = 0; i < page_size; i++)
        buf_append(out, "x", 1);
}

static void begin(void)
{
    static char context[] = "the context";
    struct error err;

    clock_of_test = clock_held((struct instant){ 0 });
    loop = loop_open(&clock_of_test);
    page_size = 10;
    CHECK_OK(exporter_open(loop,
                           &(struct exporter_options){
                               .listen = "127.0.0.1:0", .write = write_page, .context = context },
                           &exporter, &err),
             &err);
}

static void end(void)
{
    exporter_close(&exporter);
    CHECK(exporter == NULL);
    loop_close(&loop);
}

static int dial(void)
{
    const char *colon = strrchr(exporter_address(exporter), ':');
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)atoi(colon + 1)) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}

static void say(int fd, const char *text)
{
    CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

/* All that comes until the other end closes, or false: it does not. */
static bool hear(int fd, struct buf *ret)
{
    char part[65536];

    for (int i = 0; i < STEPS_MAX; i++) {
        loop_step(loop, STEP_MS);
        ssize_t count = recv(fd, part, sizeof part, 0);
        if (count == 0)
            return true;
        if (count > 0)
            buf_append(ret, part, (size_t)count);
    }
    return false;
}

static void check_answer(const char *request, const char *status, const char *body)
{
    auto_buf struct buf answer = buf_of(2 * EXPORTER_PAGE_MAX);
    int fd = dial();

    say(fd, request);
    CHECK(hear(fd, &answer));
    CHECK(strncmp(answer.bytes, status, strlen(status)) == 0);
    const char *end_of_head = strstr(answer.bytes, "\r\n\r\n");
    CHECK(end_of_head != NULL && strstr(end_of_head + 4, body) != NULL);
    (void)close(fd);
}

static void test_who_asks_for_metrics_gets_them(void **state)
{
    (void)state;
    begin();
    check_answer("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200", "xxxxxxxxxx");
    check_answer("GET /metrics?a=1 HTTP/1.1\r\n\r\n", "HTTP/1.1 200", "xxxxxxxxxx");
    check_answer("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404", "only");
    check_answer("GET /metricss HTTP/1.1\r\n\r\n", "HTTP/1.1 404", "only");
    check_answer("POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 404", "only");
    end();
}

static void test_a_request_may_come_in_pieces_and_a_page_may_be_large(void **state)
{
    auto_buf struct buf answer = buf_of(2 * EXPORTER_PAGE_MAX);

    (void)state;
    begin();
    page_size = EXPORTER_PAGE_MAX - 1;
    int fd = dial();
    say(fd, "GET /met");
    loop_step(loop, STEP_MS);
    loop_step(loop, STEP_MS);
    say(fd, "rics HTTP/1.1\r\nA: b\r\n\r\n");
    CHECK(hear(fd, &answer));
    CHECK(answer.length > page_size && answer.length < page_size + 512);
    (void)close(fd);
    page_size = EXPORTER_PAGE_MAX + 1;
    check_answer("GET /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 500", "");
    end();
}

static void test_nobody_keeps_it_for_long(void **state)
{
    auto_buf struct buf nothing = buf_of(1024);
    int fds[EXPORTER_CALLS_MAX + 1];

    (void)state;
    begin();
    for (size_t i = 0; i < EXPORTER_CALLS_MAX; i++) {
        fds[i] = dial();
        loop_step(loop, STEP_MS);
    }
    /* One more is closed unheard. */
    fds[EXPORTER_CALLS_MAX] = dial();
    CHECK(hear(fds[EXPORTER_CALLS_MAX], &nothing));
    CHECK_INT((int64_t)nothing.length, 0);
    clock_advance(&clock_of_test, EXPORTER_CALL_MS * US_PER_MS);
    for (size_t i = 0; i < EXPORTER_CALLS_MAX; i++)
        CHECK(hear(fds[i], &nothing));
    CHECK_INT((int64_t)nothing.length, 0);
    check_answer("GET /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 200", "xxxxxxxxxx");
    for (size_t i = 0; i <= EXPORTER_CALLS_MAX; i++)
        (void)close(fds[i]);
    end();
}

static void test_a_request_has_a_limit(void **state)
{
    auto_buf struct buf nothing = buf_of(1024);
    char long_request[EXPORTER_REQUEST_MAX];

    (void)state;
    begin();
    memset(long_request, 'a', sizeof long_request);
    long_request[EXPORTER_REQUEST_MAX - 1] = '\0';
    int fd = dial();
    say(fd, long_request);
    CHECK(hear(fd, &nothing));
    CHECK_INT((int64_t)nothing.length, 0);
    (void)close(fd);
    end();
}

static void test_an_address_is_one(void **state)
{
    static const char *const wrong[] = { "",           "9101",   ":9101",           "127.0.0.1",
                                         "127.0.0.1:", "host:1", "127.0.0.1:65536", "127.0.0.1:-1",
                                         "::1:9101",   "[::1]",  "[127.0.0.1]:1",   "256.0.0.1:1" };
    struct exporter_options options = { .write = write_page };
    struct exporter *none = NULL;
    struct error err;

    (void)state;
    begin();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        check_row("%zu", i);
        options.listen = wrong[i];
        CHECK_FAILS(exporter_open(loop, &options, &none, &err), &err, ERROR_INVALID);
    }
    options.listen = exporter_address(exporter); /* taken */
    CHECK_FAILS(exporter_open(loop, &options, &none, &err), &err, ERROR_IO);
    CHECK(none == NULL);
    options.listen = "[::1]:0";
    if (exporter_open(loop, &options, &none, &err)) {
        CHECK(strncmp(exporter_address(none), "[::1]:", 6) == 0 &&
              strcmp(exporter_address(none), "[::1]:0") != 0);
        exporter_close(&none);
    }
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_asks_for_metrics_gets_them),
        cmocka_unit_test(test_a_request_may_come_in_pieces_and_a_page_may_be_large),
        cmocka_unit_test(test_nobody_keeps_it_for_long),
        cmocka_unit_test(test_a_request_has_a_limit),
        cmocka_unit_test(test_an_address_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
