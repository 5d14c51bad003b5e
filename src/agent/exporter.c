/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/exporter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/parse.h"
#include "sys/fd.h"

enum { ADDRESS_SIZE = 64, REPLY_HEAD_MAX = 256, BACKLOG = 16 };

struct call {
    struct exporter *exporter;
    int fd; /* -1: free */
    struct loop_watch *watch;
    int64_t due_us;
    size_t length;
    char request[EXPORTER_REQUEST_MAX];
    struct buf reply; /* empty until the request is here */
    size_t sent;
};

struct exporter {
    struct loop *loop;
    struct exporter_options options;
    char address[ADDRESS_SIZE];
    int fd;
    struct loop_watch *watch;
    struct loop_timer *timer; /* of calls that take too long */
    struct call calls[EXPORTER_CALLS_MAX];
};

static void end_call(struct call *call)
{
    if (call->fd < 0)
        return;
    loop_unwatch(&call->watch);
    fd_release(&call->fd);
    buf_release(&call->reply);
}

static void on_time(void *context)
{
    struct exporter *exporter = context;
    int64_t now_us = loop_now_us(exporter->loop);

    for (size_t i = 0; i < EXPORTER_CALLS_MAX; i++) {
        struct call *call = &exporter->calls[i];
        if (call->fd < 0)
            continue;
        if (call->due_us <= now_us)
            end_call(call);
        else
            loop_timer_hurry(exporter->timer, (call->due_us - now_us) / US_PER_MS + 1);
    }
}

static void write_reply(struct call *call, const char *status, const struct buf *page)
{
    call->reply = buf_of(EXPORTER_PAGE_MAX + REPLY_HEAD_MAX);
    buf_printf(&call->reply,
               "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
               "Content-Length: %zu\r\nConnection: close\r\n\r\n",
               status, page->length);
    buf_append(&call->reply, page->bytes, page->length);
}

/* "GET /metrics HTTP/1.1", whatever its query. */
static bool asks_for_metrics(const char *request)
{
    static const char line[] = "GET /metrics";

    return strncmp(request, line, sizeof line - 1) == 0 &&
           strchr(" ?", request[sizeof line - 1]) != NULL;
}

static void answer(struct call *call)
{
    const struct exporter_options *options = &call->exporter->options;
    auto_buf struct buf page = buf_of(EXPORTER_PAGE_MAX);

    if (!asks_for_metrics(call->request)) {
        buf_printf(&page, "Here is only GET /metrics.\n");
        write_reply(call, "404 Not Found", &page);
        return;
    }
    options->write(options->context, &page);
    if (page.has_overflowed) {
        auto_buf struct buf nothing = buf_of(1);
        write_reply(call, "500 Internal Server Error", &nothing);
        return;
    }
    write_reply(call, "200 OK", &page);
}

static void send_reply(struct call *call)
{
    ssize_t count = send(call->fd, call->reply.bytes + call->sent, call->reply.length - call->sent,
                         MSG_NOSIGNAL);

    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    call->sent += count > 0 ? (size_t)count : 0;
    if (count < 0 || call->sent == call->reply.length) {
        (void)shutdown(call->fd, SHUT_WR);
        end_call(call);
    }
}

static void read_request(struct call *call)
{
    ssize_t count =
        read(call->fd, call->request + call->length, sizeof call->request - 1 - call->length);

    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0) {
        end_call(call);
        return;
    }
    call->length += (size_t)count;
    call->request[call->length] = '\0';
    if (strstr(call->request, "\r\n\r\n") != NULL) {
        answer(call);
        loop_watch_events(call->watch, POLLOUT);
    } else if (call->length == sizeof call->request - 1) {
        end_call(call);
    }
}

static void on_call(void *context, short revents)
{
    struct call *call = context;

    (void)revents;
    if (call->reply.length > 0)
        send_reply(call);
    else
        read_request(call);
}

static void on_connection(void *context, short revents)
{
    struct exporter *exporter = context;
    struct call *call = exporter->calls;

    (void)revents;
    int fd = accept4(exporter->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    while (call < exporter->calls + EXPORTER_CALLS_MAX && call->fd >= 0)
        call++;
    if (call == exporter->calls + EXPORTER_CALLS_MAX) {
        fd_release(&fd);
        return;
    }
    *call = (struct call){ .exporter = exporter,
                           .fd = fd,
                           .due_us = loop_now_us(exporter->loop) + EXPORTER_CALL_MS * US_PER_MS };
    call->watch = loop_watch(exporter->loop, fd, POLLIN, on_call, call);
    loop_timer_hurry(exporter->timer, EXPORTER_CALL_MS);
}

/* "203.0.113.9:9101" or "[::1]:9101". */
static bool parse_address(const char *text, struct sockaddr_in6 *ret, socklen_t *ret_length,
                          struct error *err)
{
    const char *colon = strrchr(text, ':');
    size_t length = colon != NULL ? (size_t)(colon - text) : 0;
    bool is_v6 = length > 2 && text[0] == '[' && text[length - 1] == ']';
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
    char host[ADDRESS_SIZE];
    uint64_t port;

    memset(ret, 0, sizeof *ret);
    if (length > 0 && length < sizeof host && parse_u64(colon + 1, &port) && port <= UINT16_MAX) {
        (void)snprintf(host, sizeof host, "%.*s", (int)(length - 2 * is_v6), text + is_v6);
        *ret_length = is_v6 ? sizeof *ret : sizeof *v4;
        if (is_v6 && inet_pton(AF_INET6, host, &ret->sin6_addr) == 1) {
            ret->sin6_family = AF_INET6;
            ret->sin6_port = htons((uint16_t)port);
            return true;
        }
        if (!is_v6 && inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
            v4->sin_family = AF_INET;
            v4->sin_port = htons((uint16_t)port);
            return true;
        }
    }
    return error_set(err, ERROR_INVALID, "'%.64s' is not an address like " EXPORTER_DEFAULT, text);
}

/* With the port that it got, where it asked for any. */
static void name_socket(struct exporter *exporter)
{
    struct sockaddr_in6 bound;
    socklen_t length = sizeof bound;
    int host_length = (int)(strrchr(exporter->options.listen, ':') - exporter->options.listen);

    /* The port stands at the same place for both families. */
    _Static_assert(offsetof(struct sockaddr_in6, sin6_port) ==
                       offsetof(struct sockaddr_in, sin_port),
                   "as in sockets(7)");
    if (getsockname(exporter->fd, (struct sockaddr *)&bound, &length) == 0)
        (void)snprintf(exporter->address, sizeof exporter->address, "%.*s:%d", host_length,
                       exporter->options.listen, ntohs(bound.sin6_port));
}

bool exporter_open(struct loop *loop, const struct exporter_options *options,
                   struct exporter **ret_exporter, struct error *err)
{
    struct sockaddr_in6 address;
    socklen_t length;
    int on = 1;

    if (!parse_address(options->listen, &address, &length, err))
        return false;
    auto_close int fd = socket(address.sin6_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)&address, length) != 0 || listen(fd, BACKLOG) != 0)
        return error_system(err, errno, "listen on %.64s", options->listen);
    struct exporter *exporter = calloc(1, sizeof *exporter);
    if (exporter == NULL)
        abort();
    *exporter = (struct exporter){ .loop = loop, .options = *options, .fd = fd };
    fd = -1;
    for (size_t i = 0; i < EXPORTER_CALLS_MAX; i++)
        exporter->calls[i].fd = -1;
    name_socket(exporter);
    exporter->timer = loop_timer(loop, on_time, exporter);
    exporter->watch = loop_watch(loop, exporter->fd, POLLIN, on_connection, exporter);
    *ret_exporter = exporter;
    return true;
}

void exporter_close(struct exporter **owner)
{
    struct exporter *exporter = *owner;

    if (exporter == NULL)
        return;
    for (size_t i = 0; i < EXPORTER_CALLS_MAX; i++)
        end_call(&exporter->calls[i]);
    loop_unwatch(&exporter->watch);
    loop_timer_close(&exporter->timer);
    fd_release(&exporter->fd);
    free(exporter);
    *owner = NULL;
}

const char *exporter_address(const struct exporter *exporter)
{
    return exporter->address;
}
