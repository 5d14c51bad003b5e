/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sys/clock.h"

static struct log quiet;
struct http *http;
char text[ANSWER_MAX];

/* What the held and streamed exchanges of a test are reached by. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct http_exchange *held;
static struct http_stream *stream;

void pause_ms(long ms)
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

struct http_options options_of_tests(void)
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

void server_open(const struct http_options *options)
{
    struct error err;

    quiet = log_silent();
    CHECK_OK(http_open(options, &quiet, &http, &err), &err);
}

int server_setup(void **state)
{
    struct http_options options = options_of_tests();

    (void)state;
    held = NULL;
    stream = NULL;
    server_open(&options);
    return 0;
}

int server_teardown(void **state)
{
    (void)state;
    http_close(&http, 2000);
    return 0;
}

int ask(const char *request)
{
    return exchange_bytes(http_address(http), request, strlen(request), text, sizeof text);
}

bool says(const char *part)
{
    return strstr(text, part) != NULL;
}

struct http_exchange *take_held(void)
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

struct http_stream *take_stream(void)
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

int socket_to(const char *address)
{
    struct sockaddr_in to = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10));
    CHECK_INT(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

void socket_send(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

        if (sent < 0)
            return; /* closed on us: the reply says why */
        bytes += sent;
        length -= (size_t)sent;
    }
}

bool socket_read(int fd, char *reply, size_t size, int wait_ms)
{
    int64_t until_us = clock_boot_us(&clock_system) + wait_ms * US_PER_MS;
    size_t used = 0;

    reply[0] = '\0';
    while (used + 1 < size) {
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        int64_t left_ms = (until_us - clock_boot_us(&clock_system)) / US_PER_MS;

        if (left_ms <= 0 || poll(&ready, 1, (int)left_ms) != 1)
            return false;
        ssize_t count = recv(fd, reply + used, size - used - 1, 0);
        if (count <= 0)
            return true;
        used += (size_t)count;
        reply[used] = '\0';
    }
    return false;
}

int socket_reply(int fd, char *reply, size_t size)
{
    size_t used = 0, needed = SIZE_MAX;

    reply[0] = '\0';
    while (used < needed && used + 1 < size) {
        struct pollfd ready = { .fd = fd, .events = POLLIN };

        if (poll(&ready, 1, WAIT_MS) != 1)
            return 0;
        ssize_t count = recv(fd, reply + used, needed == SIZE_MAX ? 1 : needed - used, 0);
        if (count <= 0)
            return 0;
        used += (size_t)count;
        reply[used] = '\0';
        if (needed == SIZE_MAX && strstr(reply, "\r\n\r\n") != NULL) {
            const char *length = strstr(reply, "Content-Length: ");

            needed = used + (length != NULL ? strtoul(length + 16, NULL, 10) : 0);
        }
    }
    return (int)strtol(reply + sizeof "HTTP/1.1 " - 1, NULL, 10);
}

int exchange_bytes(const char *address, const char *bytes, size_t length, char *reply, size_t size)
{
    int fd = socket_to(address);

    socket_send(fd, bytes, length);
    bool is_closed = socket_read(fd, reply, size, 700);
    (void)close(fd);
    if (strncmp(reply, "HTTP/1.", 7) == 0)
        return (int)strtol(reply + sizeof "HTTP/1.1 " - 1, NULL, 10);
    return is_closed ? 0 : -1;
}
