/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/parse.h"
#include "server/http_exchange.h"
#include "server/http_reaper.h"
#include "server/http_stream.h"
#include "sys/clock.h"
#include "sys/crypto.h"
#include "sys/fd.h"

enum {
    CLOSE_STEP_MS = 10,
    CLOSE_GRACE_MS = 500,    /* for replies that were forced at the deadline to go out */
    DESCRIPTORS_SPARE = 128, /* beside connections: databases, files, pipes */
    HOST_SIZE = 256,
    THREADS_LEAST = 2,
    THREADS_MOST = 16, /* of which each takes its part of the connections */
};

int64_t http_now_us(void)
{
    return clock_boot_us(&clock_system);
}

/* One for each processor, within reason. */
static unsigned default_threads(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    return processors < THREADS_LEAST  ? THREADS_LEAST
           : processors > THREADS_MOST ? THREADS_MOST
                                       : (unsigned)processors;
}

struct http_options http_options_default(void)
{
    return (struct http_options){
        .listen = "127.0.0.1:8080",
        .threads = default_threads(),
        .workers = 8,
        .queue_max = 512,
        .connections_max = 20000,
        .connections_per_address_max = 1024,
        .request_timeout_ms = 10000,
        .idle_timeout_ms = 75000,
        .reply_timeout_ms = 30000,
        .keepalive_ms = 4000,
    };
}

/* Whether the caller took it from a request's arrival to that phase. */
static bool take_phase(struct http_connection *connection, enum http_phase wanted)
{
    enum http_phase phase = atomic_load(&connection->phase);

    while (phase == PHASE_IDLE || phase == PHASE_ARRIVING) {
        if (atomic_compare_exchange_weak(&connection->phase, &phase, wanted))
            return true;
    }
    return false;
}

bool connection_claim(struct http_connection *connection)
{
    return take_phase(connection, PHASE_ANSWERING);
}

bool connection_cut(struct http_connection *connection)
{
    return take_phase(connection, PHASE_CUT);
}

static enum MHD_Result admit(void *context, const struct sockaddr *address, socklen_t length)
{
    struct http *http = context;
    struct in6_addr peer = peer_address(address);

    (void)length;
    (void)pthread_mutex_lock(&http->lock);
    bool is_admitted = peers_admit(http->peers, &peer);
    (void)pthread_mutex_unlock(&http->lock);
    if (!is_admitted)
        atomic_fetch_add(&http->counters.refused, 1);
    return is_admitted ? MHD_YES : MHD_NO;
}

static void open_connection(struct http *http, struct MHD_Connection *mhd, void **context)
{
    struct http_connection *connection = calloc(1, sizeof *connection);

    if (connection == NULL)
        abort();
    connection->http = http;
    connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    connection->address =
        peer_address(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
    atomic_init(&connection->deadline_us,
                http_now_us() + http->options.request_timeout_ms * US_PER_MS);
    *context = connection;

    (void)pthread_mutex_lock(&http->lock);
    connection->next = http->connections;
    if (connection->next != NULL)
        connection->next->previous = connection;
    http->connections = connection;
    peers_enter(http->peers, &connection->address);
    (void)pthread_mutex_unlock(&http->lock);
    atomic_fetch_add(&http->counters.connections, 1);
    atomic_fetch_add(&http->counters.open_now, 1);
}

/* The library closes the socket after this, so the reaper never shuts down a stranger's. */
static void close_connection(struct http_connection *connection)
{
    struct http *http = connection->http;

    reaper_last_word(connection);
    (void)pthread_mutex_lock(&http->lock);
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        http->connections = connection->next;
    peers_leave(http->peers, &connection->address);
    if (connection->lingers)
        reaper_linger(connection);
    (void)pthread_mutex_unlock(&http->lock);
    atomic_fetch_sub(&http->counters.open_now, 1);
    free(connection);
}

static void notify_connection(void *http, struct MHD_Connection *mhd, void **context,
                              enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        open_connection(http, mhd, context);
    else if (*context != NULL)
        close_connection(*context);
}

/* Leave the query and the path as they are: target.c decodes them, strictly. */
static size_t keep_escapes(void *context, struct MHD_Connection *mhd, char *text)
{
    (void)context;
    (void)mhd;
    return strlen(text);
}

/* As many descriptors as we may have, and no more connections than that allows. */
static void reserve_descriptors(struct http *http)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t wanted = (rlim_t)http->options.connections_max + DESCRIPTORS_SPARE;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur < wanted && limit.rlim_cur > 2 * DESCRIPTORS_SPARE) {
        http->options.connections_max = (unsigned)(limit.rlim_cur - DESCRIPTORS_SPARE);
        log_write(http->log, LOG_WARNING, "few descriptors", "connections are limited to %u",
                  http->options.connections_max);
    }
}

/* "host:port" or "[host]:port". */
static bool split_listen(const char *text, char host[static HOST_SIZE], const char **ret_port,
                         struct error *err)
{
    const char *colon = strrchr(text, ':');
    size_t length = colon != NULL ? (size_t)(colon - text) : 0;
    uint64_t port;

    if (length > 2 && text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    if (length == 0 || length >= HOST_SIZE || !parse_u64(colon + 1, &port) || port > UINT16_MAX)
        return error_set(err, ERROR_INVALID, "'%.64s' is not an address like 127.0.0.1:8080", text);
    memcpy(host, text, length);
    host[length] = '\0';
    *ret_port = colon + 1;
    return true;
}

static bool open_socket(const char *listen_text, int *ret_fd, struct error *err)
{
    struct addrinfo hints = {
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *found;
    char host[HOST_SIZE];
    const char *port;
    int on = 1;

    if (!split_listen(listen_text, host, &port, err))
        return false;
    int failure = getaddrinfo(host, port, &hints, &found);
    if (failure != 0)
        return error_set(err, ERROR_INVALID, "listen on %.64s: %s", listen_text,
                         gai_strerror(failure));
    auto_close int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool is_open = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                   bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0;
    int reason = errno;
    freeaddrinfo(found);
    if (!is_open)
        return error_system(err, reason, "listen on %.64s", listen_text);
    *ret_fd = fd;
    fd = -1;
    return true;
}

static void name_socket(struct http *http, int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char text[HTTP_ADDRESS_SIZE];

    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        return;
    struct in6_addr ip = peer_address((struct sockaddr *)&address);
    bool is_v4 = address.ss_family == AF_INET;
    unsigned port = ntohs(is_v4 ? ((struct sockaddr_in *)&address)->sin_port
                                : ((struct sockaddr_in6 *)&address)->sin6_port);
    (void)snprintf(http->address, sizeof http->address, is_v4 ? "%s:%u" : "[%s]:%u",
                   peer_format(&ip, text), port);
}

/* The library's own strictness answers in HTML, and serves on: door.c is stricter, and closes. */
static bool start_daemon(struct http *http, int fd, struct error *err)
{
    const struct http_options *options = &http->options;

    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_TURBO, 0,
        admit, http, exchange_advance, http, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_THREAD_POOL_SIZE, options->threads, MHD_OPTION_CONNECTION_LIMIT,
        options->connections_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEAD_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_STRICT_FOR_CLIENT, 0,
        MHD_OPTION_NOTIFY_CONNECTION, notify_connection, http, MHD_OPTION_URI_LOG_CALLBACK,
        exchange_begin, http, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_end, http, MHD_OPTION_END);
    if (http->daemon == NULL)
        return error_system(err, errno, "start the HTTP server");
    return true;
}

static void free_http(struct http *http)
{
    reaper_stop(http);
    reaper_free(http);
    workers_close(&http->workers);
    peers_close(&http->peers);
    (void)pthread_mutex_destroy(&http->lock);
    free(http);
}

bool http_open(const struct http_options *options, const struct log *log, struct http **ret_http,
               struct error *err)
{
    struct http *http = calloc(1, sizeof *http);
    auto_close int fd = -1;

    assert(options->handler != NULL && options->threads > 0);
    if (http == NULL)
        abort();
    http->options = *options;
    http->log = log;
    (void)pthread_mutex_init(&http->lock, NULL);
    crypto_random(&http->first_id, sizeof http->first_id);
    reserve_descriptors(http);
    bool is_open = peers_open(options->trusted_proxies, options->connections_per_address_max,
                              &http->peers, err) &&
                   open_socket(options->listen, &fd, err) &&
                   workers_open(options->workers, options->queue_max, &http->workers, err) &&
                   reaper_start(http, err);
    if (is_open) {
        name_socket(http, fd);
        *ret_http = http; /* requests come from the next line on */
        is_open = start_daemon(http, fd, err);
    }
    if (!is_open) {
        *ret_http = NULL;
        free_http(http);
        return false;
    }
    fd = -1; /* the library's now */
    return true;
}

const char *http_address(const struct http *http)
{
    return http->address;
}

static void pause_ms(int64_t ms)
{
    struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

    (void)nanosleep(&pause, NULL);
}

/* Whether everything in flight was answered and sent by then. */
static bool drain(struct http *http, int64_t deadline_ms)
{
    int64_t until_us = http_now_us() + deadline_ms * US_PER_MS;

    while (atomic_load(&http->counters.in_flight_now) > 0) {
        if (http_now_us() >= until_us)
            return false;
        pause_ms(CLOSE_STEP_MS);
    }
    return true;
}

/* Those that are held wait for events, which will not come: they are told so. Those that a worker
 * has in hand go on. */
static void end_waiting(struct http *http, bool includes_workers)
{
    (void)pthread_mutex_lock(&http->lock);
    streams_end_all(http);
    exchanges_refuse(http, includes_workers);
    (void)pthread_mutex_unlock(&http->lock);
}

void http_close(struct http **address, int64_t deadline_ms)
{
    struct http *http = *address;

    if (http == NULL)
        return;
    atomic_store(&http->is_closing, true);
    int fd = MHD_quiesce_daemon(http->daemon);
    if (fd >= 0)
        (void)close(fd);
    end_waiting(http, false);
    bool is_drained = drain(http, deadline_ms);
    workers_close(&http->workers);
    end_waiting(http, true);
    if (!is_drained && !drain(http, CLOSE_GRACE_MS))
        log_write(http->log, LOG_WARNING, "requests cut off", "%llu were still in flight",
                  (unsigned long long)atomic_load(&http->counters.in_flight_now));
    reaper_stop(http);
    MHD_stop_daemon(http->daemon);
    free_http(http);
    *address = NULL;
}

struct http_totals http_totals(struct http *http)
{
    struct http_counters *counters = &http->counters;

    return (struct http_totals){
        .connections = atomic_load(&counters->connections),
        .requests = atomic_load(&counters->requests),
        .replies_2xx = atomic_load(&counters->replies_2xx),
        .replies_4xx = atomic_load(&counters->replies_4xx),
        .replies_5xx = atomic_load(&counters->replies_5xx),
        .refused = atomic_load(&counters->refused),
        .cut_off = atomic_load(&counters->cut_off),
        .lingering_now = atomic_load(&counters->lingering_now),
        .open_now = atomic_load(&counters->open_now),
        .in_flight_now = atomic_load(&counters->in_flight_now),
        .streams_now = atomic_load(&counters->streams_now),
        .queued_now = workers_waiting(http->workers),
    };
}
