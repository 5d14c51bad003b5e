/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_http.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/parse.h"

enum { CONNECTIONS_MAX = 16, REQUEST_LENGTH_MAX = 1 << 20, RESPONSE_LENGTH_MAX = 8 << 20 };

struct fake_http {
    fake_answer *answer;
    void *context;
    pthread_t thread;
    pthread_mutex_t lock; /* held while it answers */
    int listen_fd, stop_fd, port;
    atomic_int connection_count;
    int fds[CONNECTIONS_MAX]; /* -1: free */
    struct buf received[CONNECTIONS_MAX];
};

static void send_all(int fd, const struct buf *response)
{
    for (size_t sent = 0; sent < response->length;) {
        ssize_t length = send(fd, response->bytes + sent, response->length - sent, MSG_NOSIGNAL);
        if (length <= 0)
            return;
        sent += (size_t)length;
    }
}

static size_t body_length_of(const char *head)
{
    const char *line = strcasestr(head, "\r\nContent-Length:");
    char digits[21];
    uint64_t length = 0;

    if (line == NULL)
        return 0;
    line += strlen("\r\nContent-Length:");
    line += strspn(line, " ");
    (void)snprintf(digits, sizeof digits, "%.*s", (int)strspn(line, "0123456789"), line);
    return parse_u64(digits, &length) ? (size_t)length : 0;
}

/* Answer the request at the front. Returns its length, or 0 where it has not all come. */
static size_t serve(struct fake_http *server, int fd, char *bytes, size_t length)
{
    char *end = strstr(bytes, "\r\n\r\n");

    if (end == NULL)
        return 0;
    size_t head_length = (size_t)(end - bytes) + 4;
    char *first_line_end = strstr(bytes, "\r\n");
    size_t body_length = body_length_of(first_line_end);
    if (head_length + body_length > length)
        return 0;

    auto_free char *body = strndup(bytes + head_length, body_length);
    auto_free char *head = strndup(first_line_end + 2, (size_t)(end - first_line_end));
    auto_free char *line = strndup(bytes, (size_t)(first_line_end - bytes));
    char *method = line, *target = strchr(line, ' ');
    assert(body != NULL && head != NULL && target != NULL);
    *target++ = '\0';
    target[strcspn(target, " ")] = '\0';

    struct fake_request request = { method, target, head, body, body_length };
    auto_buf struct buf response = buf_of(RESPONSE_LENGTH_MAX);
    (void)pthread_mutex_lock(&server->lock);
    server->answer(server->context, &request, &response);
    (void)pthread_mutex_unlock(&server->lock);
    send_all(fd, &response);
    return head_length + body_length;
}

static void drop(struct fake_http *server, int slot)
{
    (void)close(server->fds[slot]);
    server->fds[slot] = -1;
    buf_release(&server->received[slot]);
}

static void on_readable(struct fake_http *server, int slot)
{
    struct buf *received = &server->received[slot];
    char chunk[16384];
    ssize_t length = recv(server->fds[slot], chunk, sizeof chunk, 0);

    if (length > 0)
        buf_append(received, chunk, (size_t)length);
    if (length <= 0 || received->has_overflowed) {
        drop(server, slot);
        return;
    }
    for (;;) {
        size_t used = serve(server, server->fds[slot], received->bytes, received->length);
        if (used == 0)
            return;
        size_t rest_length = received->length - used;
        auto_free char *rest = strndup(received->bytes + used, rest_length);
        buf_release(received);
        buf_append(received, rest, rest_length);
    }
}

static void on_connection(struct fake_http *server)
{
    int fd = accept(server->listen_fd, NULL, NULL);

    for (int slot = 0; fd >= 0 && slot < CONNECTIONS_MAX; slot++) {
        if (server->fds[slot] < 0) {
            server->fds[slot] = fd;
            atomic_fetch_add(&server->connection_count, 1);
            return;
        }
    }
    if (fd >= 0)
        (void)close(fd);
}

static void *run(void *context)
{
    struct fake_http *server = context;

    for (;;) {
        struct pollfd polls[CONNECTIONS_MAX + 2];

        for (int i = 0; i < CONNECTIONS_MAX; i++)
            polls[i] = (struct pollfd){ .fd = server->fds[i], .events = POLLIN };
        polls[CONNECTIONS_MAX] = (struct pollfd){ .fd = server->listen_fd, .events = POLLIN };
        polls[CONNECTIONS_MAX + 1] = (struct pollfd){ .fd = server->stop_fd, .events = POLLIN };
        if (poll(polls, CONNECTIONS_MAX + 2, -1) < 0)
            continue;
        if (polls[CONNECTIONS_MAX + 1].revents != 0)
            return NULL;
        for (int i = 0; i < CONNECTIONS_MAX; i++) {
            if (polls[i].revents != 0)
                on_readable(server, i);
        }
        if (polls[CONNECTIONS_MAX].revents != 0)
            on_connection(server);
    }
}

static void listen_on(struct fake_http *server, const char *unix_socket)
{
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    struct sockaddr_in internet = { .sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof internet;
    bool is_local = unix_socket != NULL;

    server->listen_fd = socket(is_local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (is_local) {
        int length = snprintf(local.sun_path, sizeof local.sun_path, "%s", unix_socket);
        assert((size_t)length < sizeof local.sun_path);
        (void)unlink(unix_socket);
    }
    int result = is_local ? bind(server->listen_fd, (struct sockaddr *)&local, sizeof local)
                          : bind(server->listen_fd, (struct sockaddr *)&internet, size);
    assert(result == 0);
    result = listen(server->listen_fd, CONNECTIONS_MAX);
    assert(result == 0);
    if (!is_local) {
        result = getsockname(server->listen_fd, (struct sockaddr *)&internet, &size);
        assert(result == 0);
        server->port = ntohs(internet.sin_port);
    }
}

struct fake_http *fake_http_open(const char *unix_socket, fake_answer *answer, void *context)
{
    struct fake_http *server = calloc(1, sizeof *server);

    assert(server != NULL);
    server->answer = answer;
    server->context = context;
    (void)pthread_mutex_init(&server->lock, NULL);
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        server->fds[i] = -1;
        server->received[i] = buf_of(REQUEST_LENGTH_MAX);
    }
    listen_on(server, unix_socket);
    server->stop_fd = eventfd(0, EFD_CLOEXEC);
    int result = pthread_create(&server->thread, NULL, run, server);
    assert(result == 0);
    return server;
}

void fake_http_close(struct fake_http **owner)
{
    struct fake_http *server = *owner;

    if (server == NULL)
        return;
    int result = eventfd_write(server->stop_fd, 1);
    assert(result == 0);
    result = pthread_join(server->thread, NULL);
    assert(result == 0);
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        if (server->fds[i] >= 0)
            drop(server, i);
    }
    (void)close(server->listen_fd);
    (void)close(server->stop_fd);
    (void)pthread_mutex_destroy(&server->lock);
    free(server);
    *owner = NULL;
}

void fake_http_meet(struct fake_http *server)
{
    if (server == NULL)
        return;
    (void)pthread_mutex_lock(&server->lock);
    (void)pthread_mutex_unlock(&server->lock);
}

int fake_http_port(const struct fake_http *server)
{
    return server->port;
}

int fake_http_connection_count(const struct fake_http *server)
{
    return atomic_load(&server->connection_count);
}

void fake_http_reply(struct buf *response, int status, const char *body)
{
    buf_printf(response,
               "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
               status, strlen(body), body);
}
