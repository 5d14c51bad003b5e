/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http_reaper.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/http_exchange.h"
#include "server/http_stream.h"
#include "sys/thread.h"

enum {
    PERIOD_MIN_MS = 100,
    PERIOD_MAX_MS = 1000,
    PERIODS = 10, /* in the time that a request may take */
    EVENTS_MAX = 256,
    LINGER_MAX = 256,            /* sockets that linger; one more is closed at once */
    LINGER_BYTES_MAX = 64 << 20, /* read from one of them */
    LINGER_BLOCK = 64 * 1024,    /* at a time */
    LINGER_TIMEOUT_US = 2000000,
    FRESH_US = 20000, /* what the kernel's milliseconds may be off by */
    HEAD_SIZE = 256,
};

/* A socket whose client was refused and may not have read it yet. The reaper's own. */
struct lingering {
    struct lingering *next;
    int fd;
    int64_t until_us;
    uint64_t count;
};

struct reaper {
    struct http *http;
    pthread_t thread;
    int poller, waker;
    atomic_bool ends;

    struct lingering *lingering; /* guarded by the server's lock */
    char block[LINGER_BLOCK];
};

static bool tcp_info_of(int fd, struct tcp_info *ret)
{
    socklen_t length = sizeof *ret;

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, ret, &length) == 0;
}

/* Whether some of a request has come that the library has not shown yet. On a connection that has
 * had a request before, silence is no request, and 408 would be taken for the next one's answer. */
static bool has_begun(const struct http_connection *connection, int64_t now_us)
{
    struct tcp_info info;

    if (!tcp_info_of(connection->fd, &info))
        return false;
    int64_t heard_us = now_us - (int64_t)info.tcpi_last_data_recv * US_PER_MS;
    return info.tcpi_bytes_received > 0 &&
           (connection->idle_since_us == 0 || heard_us > connection->idle_since_us + FRESH_US);
}

void reaper_say(struct http_connection *connection, int status, const char *code, const char *text)
{
    char body[HEAD_SIZE], head[HEAD_SIZE + sizeof body];
    int length = snprintf(body, sizeof body, "{\"success\":false,\"error\":\"%s\",\"msg\":\"%s\"}",
                          code, text);

    assert(length > 0 && (size_t)length < sizeof body);
    length = snprintf(head, sizeof head,
                      "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: application/json\r\n"
                      "Content-Length: %d\r\nCache-Control: no-store\r\n\r\n%s",
                      status, MHD_get_reason_phrase_for((unsigned)status), length, body);
    assert(length > 0 && (size_t)length < sizeof head);
    /* An empty send buffer takes so little at once; a client that has filled it gets no reply. */
    (void)send(connection->fd, head, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
    connection->lingers = true;
    atomic_fetch_add(&connection->http->counters.replies_4xx, 1);
}

void reaper_last_word(struct http_connection *connection)
{
    enum http_phase phase = atomic_load(&connection->phase);
    char next;

    if (!connection_cut(connection) || atomic_load(&connection->http->is_closing) ||
        recv(connection->fd, &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
        return;
    if (phase == PHASE_ARRIVING || has_begun(connection, http_now_us()))
        reaper_say(connection, 400, "bad_request", "The request breaks the rules of HTTP.");
}

static void cut_off_one(struct http_connection *connection, int64_t now_us)
{
    enum http_phase phase = atomic_load(&connection->phase);
    bool is_cut = connection_cut(connection);

    connection->deadline_us = NEVER;
    atomic_fetch_add(&connection->http->counters.cut_off, 1);
    if (is_cut && (phase == PHASE_ARRIVING || has_begun(connection, now_us)))
        reaper_say(connection, 408, "request_timeout", "The request did not arrive in time.");
    (void)shutdown(connection->fd, SHUT_RDWR);
}

/* Shut down who is too slow. The library then reads an end, and closes. */
static void cut_off(struct http *http, int64_t now_us)
{
    for (struct http_connection *at = http->connections; at != NULL; at = at->next) {
        if (at->deadline_us <= now_us)
            cut_off_one(at, now_us);
    }
}

void reaper_watch(const struct http_connection *connection)
{
    struct epoll_event event = { .events = EPOLLRDHUP | EPOLLONESHOT,
                                 .data.u64 = (uintptr_t)connection };
    int poller = connection->http->reaper->poller;

    if (epoll_ctl(poller, EPOLL_CTL_MOD, connection->fd, &event) != 0 && errno == ENOENT)
        (void)epoll_ctl(poller, EPOLL_CTL_ADD, connection->fd, &event);
}

void reaper_linger(const struct http_connection *connection)
{
    struct reaper *reaper = connection->http->reaper;
    struct http_counters *counters = &connection->http->counters;
    struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP };

    /* The copy would keep the original in the set, and its events coming. */
    (void)epoll_ctl(reaper->poller, EPOLL_CTL_DEL, connection->fd, NULL);
    if (atomic_load(&reaper->ends) || atomic_load(&counters->lingering_now) == LINGER_MAX)
        return;
    int fd = fcntl(connection->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return;
    struct lingering *lingering = calloc(1, sizeof *lingering);
    if (lingering == NULL)
        abort();
    *lingering = (struct lingering){ .next = reaper->lingering,
                                     .fd = fd,
                                     .until_us = http_now_us() + LINGER_TIMEOUT_US };
    reaper->lingering = lingering;
    atomic_fetch_add(&counters->lingering_now, 1);
    (void)shutdown(fd, SHUT_WR);
    (void)epoll_ctl(reaper->poller, EPOLL_CTL_ADD, fd, &event);
}

/* Whether the client may still send: what it does is read and forgotten. */
static bool is_lingering(struct reaper *reaper, struct lingering *lingering, int64_t now_us)
{
    ssize_t count = recv(lingering->fd, reaper->block, sizeof reaper->block, MSG_DONTWAIT);

    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR))
        return false;
    lingering->count += count > 0 ? (uint64_t)count : 0;
    return lingering->count < LINGER_BYTES_MAX && now_us < lingering->until_us;
}

static void read_lingering(struct reaper *reaper, int64_t now_us)
{
    for (struct lingering **at = &reaper->lingering; *at != NULL;) {
        struct lingering *lingering = *at;

        if (is_lingering(reaper, lingering, now_us)) {
            at = &lingering->next;
            continue;
        }
        *at = lingering->next;
        (void)close(lingering->fd);
        free(lingering);
        atomic_fetch_sub(&reaper->http->counters.lingering_now, 1);
    }
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Whether the poller named this connection. By the time it is asked, another may have its address,
 * so the socket is asked as well. */
static bool has_hung_up(const struct http_connection *connection, const uint64_t *named,
                        size_t count)
{
    uint64_t address = (uintptr_t)connection;
    struct pollfd poller = { .fd = connection->fd, .events = POLLRDHUP };

    return bsearch(&address, named, count, sizeof *named, compare_numbers) != NULL &&
           poll(&poller, 1, 0) == 1 && (poller.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/* Let go of what was held for clients that are gone. */
static void notice(struct http *http, uint64_t *named, size_t count)
{
    if (count == 0)
        return;
    qsort(named, count, sizeof *named, compare_numbers);
    for (struct http_exchange *at = http->waiting; at != NULL; at = at->next) {
        if (has_hung_up(at->connection, named, count))
            exchange_let_go(at);
    }
    for (struct http_stream *at = http->streams; at != NULL; at = at->next) {
        if (has_hung_up(at->connection, named, count))
            stream_end(at);
    }
}

/* Every look walks all connections, so there are no more of them than the shortest limit asks for.
 */
static int64_t period_us(const struct http *http)
{
    int64_t ms = http->options.request_timeout_ms / PERIODS;

    ms = ms < PERIOD_MIN_MS ? PERIOD_MIN_MS : ms > PERIOD_MAX_MS ? PERIOD_MAX_MS : ms;
    return ms * US_PER_MS;
}

static void walk(struct reaper *reaper, int64_t now_us)
{
    struct http *http = reaper->http;

    cut_off(http, now_us);
    exchanges_expire(http, now_us);
    streams_keep_alive(http, now_us);
    read_lingering(reaper, now_us);
}

static void *reap(void *context)
{
    struct reaper *reaper = context;
    struct http *http = reaper->http;
    int64_t due_us = 0;

    while (!atomic_load(&reaper->ends)) {
        struct epoll_event events[EVENTS_MAX];
        uint64_t named[EVENTS_MAX];
        size_t count = 0;
        int64_t left_us = due_us - http_now_us();
        int found = epoll_wait(reaper->poller, events, EVENTS_MAX,
                               left_us > 0 ? (int)(left_us / US_PER_MS) + 1 : 0);

        for (int i = 0; i < found; i++) {
            if (events[i].data.u64 != 0)
                named[count++] = events[i].data.u64;
        }
        int64_t now_us = http_now_us();
        (void)pthread_mutex_lock(&http->lock);
        notice(http, named, count);
        if (now_us >= due_us) {
            walk(reaper, now_us);
            due_us = now_us + period_us(http);
        } else if (found > 0) {
            read_lingering(reaper, now_us);
        }
        (void)pthread_mutex_unlock(&http->lock);
    }
    return NULL;
}

void reaper_free(struct http *http)
{
    struct reaper *reaper = http->reaper;

    if (reaper == NULL)
        return;
    if (reaper->poller >= 0)
        (void)close(reaper->poller);
    if (reaper->waker >= 0)
        (void)close(reaper->waker);
    free(reaper);
    http->reaper = NULL;
}

bool reaper_start(struct http *http, struct error *err)
{
    struct reaper *reaper = calloc(1, sizeof *reaper);
    struct epoll_event wake = { .events = EPOLLIN };

    if (reaper == NULL)
        abort();
    reaper->http = http;
    reaper->poller = epoll_create1(EPOLL_CLOEXEC);
    reaper->waker = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    http->reaper = reaper;
    if (reaper->poller < 0 || reaper->waker < 0 ||
        epoll_ctl(reaper->poller, EPOLL_CTL_ADD, reaper->waker, &wake) != 0) {
        int reason = errno;

        reaper_free(http);
        return error_system(err, reason, "watch connections");
    }
    if (!thread_start(&reaper->thread, reap, reaper, err)) {
        reaper_free(http);
        return false;
    }
    return true;
}

void reaper_stop(struct http *http)
{
    struct reaper *reaper = http->reaper;
    uint64_t one = 1;

    if (reaper == NULL || atomic_exchange(&reaper->ends, true))
        return;
    ssize_t written = write(reaper->waker, &one, sizeof one);
    assert(written == (ssize_t)sizeof one);
    (void)pthread_join(reaper->thread, NULL);
    (void)pthread_mutex_lock(&http->lock);
    read_lingering(reaper, NEVER);
    (void)pthread_mutex_unlock(&http->lock);
}
