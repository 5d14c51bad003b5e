/* SPDX-License-Identifier: Apache-2.0 */
/* Many agents in one process, for bench/heartbeat.py: each with a connection of its own, from a
 * loopback address of its own, one heartbeat every five seconds.
 *
 *     heartbeat-load ADDRESS:PORT COUNT [FIRST] <commands      tokens, one a line, first
 *
 * Enrols them and opens their sessions, 64 at a time, prints "connected", and then takes one
 * command a line: "run SECONDS" beats at the server, "peer PORT SECONDS" sends requests just like
 * those to another server on the same address, on connections in place of the first ones, "redial"
 * makes all of those anew, "reconnect PORT" those and every session there, with a poll and a
 * heartbeat in it, 64 agents at a time. FIRST numbers the agents, where several processes are on
 * one market. Each prints one line of JSON: how many answers, how many of them wrong, and how long
 * they took. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/parse.h"
#include "fakes/sim_agent.h"

enum { TEXT_MAX = 8192, EVENTS_MAX = 256, SAMPLES_MAX = 1 << 22, PERIOD_US = 5000000 };

/* How many of a process come back at the same time, and when one that was refused asks again. */
enum { COMING_MAX = 64, AGAIN_MAX = 100, AGAIN_US = 500000 };

/* What an agent that joins, or comes back, asks next. */
enum step { STEP_ENROLL, STEP_NONCE, STEP_SESSION, STEP_POLL, STEP_BEAT, STEP_DONE };

struct client {
    struct sim_agent agent;
    size_t number;     /* which it dials as */
    const char *token; /* with which it joins; NULL: it has */
    int fd;
    int64_t due_us, sent_us; /* sent_us 0: no answer is awaited */
    enum step step;
    bool comes_back; /* with a poll and a heartbeat; else it joins */
    char answer[TEXT_MAX];
    size_t length;
};

static struct sockaddr_in server;
static struct client *clients;
static size_t client_count;
static uint32_t *samples;
static size_t sample_count, wrong_count;

static int64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static _Noreturn void die(const char *what)
{
    (void)fprintf(stderr, "heartbeat-load: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* From 127.1.0.1 on: no limit by address ever counts two of them together. */
static int dial(size_t number, in_port_t port)
{
    struct sockaddr_in from = { .sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(0x7f010001u + (uint32_t)number) };
    struct sockaddr_in to = server;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    to.sin_port = port;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof from) != 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        die("connect");
    return fd;
}

static bool send_whole(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

/* The body of a whole answer, or NULL while some of it is missing. */
static const char *body_of(const char *answer, size_t length, size_t *ret_length)
{
    const char *end = memmem(answer, length, "\r\n\r\n", 4);
    const char *field = memmem(answer, length, "Content-Length: ", 16);
    size_t body_length = 0;

    if (end == NULL)
        return NULL;
    if (field != NULL && field < end) {
        for (const char *digit = field + 16; *digit >= '0' && *digit <= '9'; digit++)
            body_length = 10 * body_length + (size_t)(*digit - '0');
    }
    if (length < (size_t)(end + 4 - answer) + body_length)
        return NULL;
    *ret_length = body_length;
    return end + 4;
}

static _Noreturn void give_up(const struct error *err)
{
    (void)fprintf(stderr, "heartbeat-load: %s\n", err->text);
    exit(1);
}

/* The server closes connections that have said nothing for long; sessions outlive them. */
static void redial(in_port_t port)
{
    for (size_t i = 0; i < client_count; i++) {
        (void)close(clients[i].fd);
        clients[i].fd = dial(clients[i].number, port);
    }
}

/* Whether the connection still stands is seen when its answer is read. */
static void send_signed(struct client *client, enum sim_stream stream,
                        const struct http_request *request, const char *path)
{
    auto_buf struct buf text = buf_of(TEXT_MAX);
    struct sim_headers headers;

    client->agent.seq[stream]++;
    sim_agent_sign(&client->agent, stream, request, path, &headers);
    buf_printf(&text, "%s %s HTTP/1.1\r\nHost: berth\r\n", request->method, path);
    if (request->body != NULL)
        buf_printf(&text, "Content-Length: %zu\r\n", request->body_length);
    for (int i = 0; i < SIM_HEADER_COUNT; i++)
        buf_printf(&text, "%s\r\n", headers.lines[i]);
    buf_printf(&text, "\r\n");
    buf_append(&text, request->body, request->body_length);
    client->length = 0;
    client->sent_us = now_us();
    (void)send_whole(client->fd, text.bytes, text.length);
}

static void beat(struct client *client)
{
    auto_buf struct buf body = buf_of(TEXT_MAX);

    struct heartbeat heartbeat = sim_agent_heartbeat(&client->agent);
    heartbeat.seq = client->agent.seq[SIM_HEARTBEAT] + 1;
    heartbeat_encode(&body, &heartbeat);
    const struct http_request request = { .method = "POST",
                                          .body = body.bytes,
                                          .body_length = body.length };
    send_signed(client, SIM_HEARTBEAT, &request, "/agent/v1/heartbeat");
}

static bool is_closed(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void watch(int poller, struct client *client)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };

    if (epoll_ctl(poller, EPOLL_CTL_ADD, client->fd, &event) != 0)
        die("epoll");
}

/* The server closes connections that have said nothing for long; sessions outlive them. What was
 * asked on one that closes has no answer. */
static void dial_anew(int poller, struct client *client)
{
    wrong_count += client->sent_us != 0;
    client->sent_us = 0;
    (void)close(client->fd);
    client->fd = dial(client->number, server.sin_port);
    watch(poller, client);
}

static void take_answer(int poller, struct client *client)
{
    size_t body_length;
    ssize_t got = recv(client->fd, client->answer + client->length,
                       sizeof client->answer - client->length - 1, MSG_DONTWAIT);

    if (got <= 0) {
        dial_anew(poller, client);
        return;
    }
    client->length += (size_t)got;
    client->answer[client->length] = '\0';
    if (client->sent_us == 0 || body_of(client->answer, client->length, &body_length) == NULL)
        return;
    if (strncmp(client->answer, "HTTP/1.1 20", 11) != 0)
        wrong_count++;
    if (sample_count < SAMPLES_MAX)
        samples[sample_count++] = (uint32_t)(now_us() - client->sent_us);
    client->sent_us = 0;
}

static int compare_samples(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static uint32_t quantile(double part)
{
    return sample_count == 0 ? 0 : samples[(size_t)((double)(sample_count - 1) * part)];
}

static void report(void)
{
    qsort(samples, sample_count, sizeof samples[0], compare_samples);
    (void)printf("{\"answers\":%zu,\"wrong\":%zu,\"p50_us\":%u,\"p99_us\":%u,\"max_us\":%u}\n",
                 sample_count, wrong_count, quantile(0.5), quantile(0.99), quantile(1));
    (void)fflush(stdout);
}

/* Beats spread evenly over the period, for that long; what is under way then is waited for. */
static void run(int64_t seconds)
{
    int poller = epoll_create1(EPOLL_CLOEXEC);
    int64_t begin_us = now_us(), end_us = begin_us + seconds * 1000000;
    size_t next = 0, awaited = 0;

    sample_count = wrong_count = 0;
    for (size_t i = 0; i < client_count; i++) {
        clients[i].due_us = begin_us + (int64_t)i * PERIOD_US / (int64_t)client_count;
        clients[i].sent_us = 0;
        /* When many join, those who came first have waited for long. */
        if (is_closed(clients[i].fd))
            dial_anew(poller, &clients[i]);
        else
            watch(poller, &clients[i]);
    }
    /* All beat in turn, so whoever is next is due next. */
    while (now_us() < end_us || awaited > 0) {
        struct epoll_event events[EVENTS_MAX];
        while (now_us() < end_us && clients[next].due_us <= now_us()) {
            if (clients[next].sent_us != 0)
                wrong_count++;
            else
                awaited++;
            beat(&clients[next]);
            clients[next].due_us += PERIOD_US;
            next = (next + 1) % client_count;
        }
        int64_t wait_us = clients[next].due_us - now_us();
        int count = epoll_wait(poller, events, EVENTS_MAX,
                               wait_us <= 0     ? 0
                               : wait_us < 1000 ? 1
                                                : (int)(wait_us / 1000));
        for (int i = 0; i < count; i++) {
            struct client *client = events[i].data.ptr;
            bool was_awaited = client->sent_us != 0;
            take_answer(poller, client);
            awaited -= was_awaited && client->sent_us == 0 ? 1 : 0;
        }
    }
    (void)close(poller);
    report();
}

static void post(struct client *client, const char *path, const struct buf *body)
{
    auto_buf struct buf text = buf_of(TEXT_MAX);

    buf_printf(&text,
               "POST %s HTTP/1.1\r\nHost: berth\r\nContent-Type: application/json\r\n"
               "Content-Length: %zu\r\n\r\n",
               path, body->length);
    buf_append(&text, body->bytes, body->length);
    client->length = 0;
    (void)send_whole(client->fd, text.bytes, text.length);
}

static void ask_step(struct client *client)
{
    auto_buf struct buf body = buf_of(TEXT_MAX);

    switch (client->step) {
    case STEP_ENROLL:
        sim_agent_ask_enroll(&client->agent, client->token, &body);
        return post(client, "/agent/v1/enroll", &body);
    case STEP_NONCE:
        sim_agent_ask_nonce(&client->agent, &body);
        return post(client, "/agent/v1/nonce", &body);
    case STEP_POLL:
        return send_signed(client, SIM_POLL, &(struct http_request){ .method = "GET" },
                           "/agent/v1/desired");
    case STEP_BEAT:
        return beat(client);
    case STEP_SESSION: /* asked with the nonce at hand */
    case STEP_DONE:
        return;
    }
}

static void take_step(struct client *client, const struct buf *reply)
{
    auto_buf struct buf hello = buf_of(TEXT_MAX);
    struct error err;

    switch (client->step) {
    case STEP_ENROLL:
        if (!sim_agent_take_enroll(&client->agent, reply, &err))
            give_up(&err);
        client->token = NULL;
        client->step = STEP_NONCE;
        return ask_step(client);
    case STEP_NONCE:
        if (!sim_agent_ask_session(&client->agent, reply, &hello, &err))
            give_up(&err);
        client->step = STEP_SESSION;
        return post(client, "/agent/v1/session", &hello);
    case STEP_SESSION:
        if (!sim_agent_take_session(&client->agent, reply, &err))
            give_up(&err);
        client->step = client->comes_back ? STEP_POLL : STEP_DONE;
        return ask_step(client);
    case STEP_POLL:
        client->step = STEP_BEAT;
        return ask_step(client);
    case STEP_BEAT:
    case STEP_DONE:
        client->step = STEP_DONE;
        return;
    }
}

/* From its first step, on a connection of its own. */
static void come(int poller, struct client *client, in_port_t port)
{
    if (client->fd >= 0)
        (void)close(client->fd);
    client->fd = dial(client->number, port);
    client->step = client->token != NULL ? STEP_ENROLL : STEP_NONCE;
    watch(poller, client);
    ask_step(client);
}

/* False: it was refused, or cut off, and has to come again. */
static bool hear_step(struct client *client)
{
    auto_buf struct buf reply = buf_of(TEXT_MAX);
    size_t body_length;
    ssize_t got = recv(client->fd, client->answer + client->length,
                       sizeof client->answer - client->length - 1, MSG_DONTWAIT);

    if (got <= 0)
        return false;
    client->length += (size_t)got;
    client->answer[client->length] = '\0';
    const char *text = body_of(client->answer, client->length, &body_length);
    if (text == NULL)
        return true;
    if (strncmp(client->answer, "HTTP/1.1 20", 11) != 0)
        return false;
    buf_append(&reply, text, body_length);
    take_step(client, &reply);
    return true;
}

/* Some at a time, each to its last step; how many answers were refusals. */
static size_t come_all(in_port_t port)
{
    int poller = epoll_create1(EPOLL_CLOEXEC);
    size_t next = 0, coming = 0, done = 0, refused = 0;

    while (done < client_count) {
        struct epoll_event events[EVENTS_MAX];
        for (; next < client_count && coming < COMING_MAX; next++, coming++)
            come(poller, &clients[next], port);
        int count = epoll_wait(poller, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            struct client *client = events[i].data.ptr;
            bool was_coming = client->step != STEP_DONE;
            if (was_coming && !hear_step(client)) {
                if (++refused > AGAIN_MAX * client_count)
                    die("every one is refused");
                (void)usleep(AGAIN_US / COMING_MAX);
                come(poller, client, port);
            } else if (was_coming && client->step == STEP_DONE) {
                (void)epoll_ctl(poller, EPOLL_CTL_DEL, client->fd, NULL);
                done++;
                coming--;
            }
        }
    }
    (void)close(poller);
    return refused;
}

static void join_all(size_t first)
{
    for (size_t i = 0; i < client_count; i++) {
        sim_agent_init(&clients[i].agent, "", (int64_t)(first + i), 0, "");
        clients[i].number = first + i;
        clients[i].fd = -1;
    }
    (void)come_all(server.sin_port);
    (void)printf("connected\n");
    (void)fflush(stdout);
}

/* As after a restart of the server: every agent dials, opens a session, asks what it should run and
 * says what does. */
static void reconnect(in_port_t port)
{
    int64_t begin_us = now_us();

    server.sin_port = port;
    for (size_t i = 0; i < client_count; i++)
        clients[i].comes_back = true;
    size_t refused = come_all(port);
    (void)printf("{\"reconnected\":%zu,\"refused\":%zu,\"us\":%lld}\n", client_count, refused,
                 (long long)(now_us() - begin_us));
    (void)fflush(stdout);
}

static uint64_t number(const char *text)
{
    uint64_t value;

    if (text == NULL || !parse_u64(text, &value)) {
        (void)fprintf(stderr, "heartbeat-load: '%s' is not a number\n", text != NULL ? text : "");
        exit(2);
    }
    return value;
}

static bool read_line(char *line, size_t size)
{
    if (fgets(line, (int)size, stdin) == NULL)
        return false;
    line[strcspn(line, "\n")] = '\0';
    return true;
}

static void raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("limit of descriptors");
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < client_count + 64) {
        (void)fprintf(
            stderr, "heartbeat-load: %zu agents need more than the %llu descriptors of a process\n",
            client_count, (unsigned long long)limit.rlim_max);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    char line[256], *rest;

    if (argc < 3 || argc > 4 || strchr(argv[1], ':') == NULL)
        return 2;
    size_t first = argc == 4 ? number(argv[3]) : 0;
    crypto_start();
    *strchr(argv[1], ':') = '\0';
    server.sin_family = AF_INET;
    server.sin_addr.s_addr = inet_addr(argv[1]);
    server.sin_port = htons((uint16_t)number(argv[1] + strlen(argv[1]) + 1));
    client_count = number(argv[2]);
    raise_limit();
    clients = calloc(client_count, sizeof *clients);
    samples = calloc(SAMPLES_MAX, sizeof *samples);
    for (size_t i = 0; i < client_count; i++) {
        if (!read_line(line, sizeof line))
            return 2;
        clients[i].token = strdup(line);
    }
    join_all(first);
    while (read_line(line, sizeof line)) {
        const char *word = strtok_r(line, " ", &rest);
        if (word != NULL && strcmp(word, "peer") == 0) {
            redial(htons((uint16_t)number(strtok_r(NULL, " ", &rest))));
            run((int64_t)number(strtok_r(NULL, " ", &rest)));
        } else if (word != NULL && strcmp(word, "reconnect") == 0) {
            reconnect(htons((uint16_t)number(strtok_r(NULL, " ", &rest))));
        } else if (word != NULL && strcmp(word, "redial") == 0) {
            redial(server.sin_port);
        } else {
            run((int64_t)number(strtok_r(NULL, " ", &rest)));
        }
    }
    return 0;
}
