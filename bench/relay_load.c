/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of bench/relay.py, each a process of its own so that its CPU time can be read:
 *
 *   relay PORT                    the relay, one route at PORT; says "DOOR KEYS" and waits
 *   agent DOOR KEYS               an agent whose far end is this process: no hop behind the relay
 *   tunnel DOOR KEYS TARGET       the host's own tunnel, to TARGET on this machine
 *   serve PORT                    the far end by itself
 *   down PORT BYTES               take so many bytes; says seconds
 *   ping PORT COUNT               64 bytes to and fro; says the median in microseconds */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent/tunnel.h"
#include "base/hex.h"
#include "base/parse.h"
#include "proto/relay.h"
#include "server/relay_engine.h"
#include "sys/crypto.h"
#include "sys/pump.h"

enum { MACHINE = 7, EPOCH = 1, RELAY_ID = 1, CHUNK = 1 << 20, PING = 64 };

static _Noreturn void die(const char *what)
{
    (void)fprintf(stderr, "relay-load: %s\n", what);
    exit(1);
}

static uint64_t number(const char *text)
{
    uint64_t value;

    if (text == NULL || !parse_u64(text, &value))
        die("a number is wanted");
    return value;
}

static struct sockaddr_in loopback(uint64_t port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int dial(uint64_t port)
{
    struct sockaddr_in at = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
        die("cannot connect");
    pump_set_patience(fd);
    return fd;
}

static bool read_all(int fd, void *bytes, size_t count)
{
    for (size_t done = 0; done < count;) {
        ssize_t got = recv(fd, (char *)bytes + done, count - done, 0);

        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

static bool write_all(int fd, const void *bytes, size_t count)
{
    for (size_t done = 0; done < count;) {
        ssize_t put = send(fd, (const char *)bytes + done, count - done, MSG_NOSIGNAL);

        if (put <= 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

/* The far end: a number of bytes is asked for, or 0: then what comes goes back. */
static void *serve_one(void *context)
{
    int fd = (int)(intptr_t)context;
    uint64_t count;
    char *bytes = calloc(1, CHUNK);
    bool is_ok = bytes != NULL && read_all(fd, &count, sizeof count);

    while (is_ok && count == 0)
        is_ok = read_all(fd, bytes, PING) && write_all(fd, bytes, PING);
    while (is_ok && count > 0) {
        size_t piece = count < CHUNK ? (size_t)count : CHUNK;

        is_ok = write_all(fd, bytes, piece);
        count -= piece;
    }
    free(bytes);
    (void)close(fd);
    return NULL;
}

static void serve(int fd)
{
    pthread_t thread;

    pump_set_patience(fd);
    if (pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd) == 0)
        (void)pthread_detach(thread);
}

static _Noreturn void run_serve(uint64_t port)
{
    struct sockaddr_in at = loopback(port);
    const int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 64) != 0)
        die("cannot listen");
    for (;;) {
        int one = accept(fd, NULL, NULL);

        if (one >= 0)
            serve(one);
    }
}

static void on_stale(void *context)
{
    (void)context;
}

static _Noreturn void run_relay(uint64_t port)
{
    struct relay_engine_options options = {
        .listen = "127.0.0.1:0", .bind = "127.0.0.1", .log = log_silent(), .on_stale = on_stale
    };
    struct key_pair keys = crypto_key_pair();
    struct relay_route route = {
        .port = (int64_t)port, .contract_id = 1, .inside = 80, .machine_id = MACHINE, .epoch = EPOCH
    };
    char hex[HEX_SIZE(sizeof keys)], byte;
    struct relay_engine *engine;
    struct error err;

    memcpy(route.public_key, keys.public_key, sizeof route.public_key);
    if (!relay_engine_open(&options, &engine, &err) || !relay_engine_start(engine, RELAY_ID, &err))
        die(err.text);
    relay_engine_routes(engine, &route, 1);
    (void)printf("%u %s\n", (unsigned)relay_engine_port(engine),
                 hex_format((const uint8_t *)&keys, sizeof keys, hex));
    (void)fflush(stdout);
    (void)!read(STDIN_FILENO, &byte, 1);
    exit(0);
}

static void say(int fd, const struct relay_frame *frame)
{
    uint8_t bytes[RELAY_FRAME_MAX];

    if (!write_all(fd, bytes, relay_frame_write(frame, bytes)))
        die("the relay has gone");
}

static struct relay_frame hear(int fd)
{
    uint8_t bytes[RELAY_FRAME_MAX];
    struct relay_frame frame;
    size_t used;

    if (!read_all(fd, bytes, RELAY_HEAD) || relay_frame_size(bytes) == 0 ||
        !read_all(fd, bytes + RELAY_HEAD, relay_frame_size(bytes) - RELAY_HEAD) ||
        relay_frame_read(bytes, sizeof bytes, &frame, &used) != RELAY_READ_FRAME)
        die("the relay has gone");
    return frame;
}

static _Noreturn void run_agent(uint64_t door, const struct key_pair *keys)
{
    auto_buf struct buf text = buf_of(256);
    struct relay_frame proof = { .type = RELAY_PROOF };
    int fd = dial(door);

    say(fd, &(struct relay_frame){ .type = RELAY_CALL, .machine_id = MACHINE, .epoch = EPOCH });
    struct relay_frame nonce = hear(fd);
    const struct relay_claim claim = { RELAY_ID, MACHINE, EPOCH, nonce.nonce };
    relay_signed(&text, &claim);
    struct signature signature = crypto_sign_with(keys, text.bytes, text.length);
    memcpy(proof.signature, signature.bytes, sizeof proof.signature);
    say(fd, &proof);
    for (;;) {
        struct relay_frame frame = hear(fd);

        if (frame.type == RELAY_PING) {
            say(fd, &(struct relay_frame){ .type = RELAY_PONG, .number = frame.number });
        } else if (frame.type == RELAY_OPEN) {
            struct relay_frame back = { .type = RELAY_BACK };
            int end = dial(door);

            memcpy(back.token, frame.token, sizeof back.token);
            say(end, &back);
            serve(end);
        }
    }
}

static _Noreturn void run_tunnel(uint64_t door, const struct key_pair *keys, uint64_t target)
{
    struct loop *loop = loop_open(&clock_system);
    static struct identity identity;
    const struct tunnel_options options = {
        .loop = loop, .identity = &identity, .uid = 65534, .gid = 65534, .log = log_standard()
    };
    const struct desired_relay relay = { RELAY_ID, "127.0.0.1", (int64_t)door, "" };
    const struct tunnel_port port = { .instance_id = 1,
                                      .address = { htonl(INADDR_LOOPBACK) },
                                      .inside = 80,
                                      .outside = (uint16_t)target };
    const struct tunnel_state state = { EPOCH, &relay, 1, &port, 1 };

    identity.keys = *keys;
    identity.machine_id = MACHINE;
    struct tunnel *tunnel = tunnel_open(&options);
    tunnel_update(tunnel, &state);
    for (;;) {
        loop_step(loop, 1000);
        tunnel_tend(tunnel);
    }
}

static double now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void run_down(uint64_t port, uint64_t count)
{
    char *bytes = malloc(CHUNK);
    int fd = dial(port);
    double began = now_s();

    if (bytes == NULL || !write_all(fd, &count, sizeof count))
        die("cannot ask");
    for (uint64_t done = 0; done < count;) {
        ssize_t got = recv(fd, bytes, CHUNK, 0);

        if (got <= 0)
            die("it ended early");
        done += (uint64_t)got;
    }
    (void)printf("%.6f\n", now_s() - began);
    free(bytes);
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return a < b ? -1 : a > b;
}

static void run_ping(uint64_t port, uint64_t count)
{
    double *us = calloc(count, sizeof *us);
    char bytes[PING] = "";
    uint64_t echo = 0;
    int fd = dial(port);

    if (us == NULL || !write_all(fd, &echo, sizeof echo))
        die("cannot ask");
    for (uint64_t i = 0; i < count; i++) {
        double began = now_s();

        if (!write_all(fd, bytes, PING) || !read_all(fd, bytes, PING))
            die("it ended early");
        us[i] = (now_s() - began) * 1e6;
    }
    qsort(us, count, sizeof *us, compare);
    (void)printf("%.3f\n", us[count / 2]);
    free(us);
}

int main(int count, char **arguments)
{
    struct key_pair keys = { 0 };

    if (count > 1 && strcmp(arguments[1], TUNNEL_VERB) == 0)
        return tunnel_main(count, arguments);
    crypto_start();
    (void)signal(SIGPIPE, SIG_IGN);
    if (count < 3)
        die("see bench/relay.py");
    if (count > 3 && strlen(arguments[3]) == 2 * sizeof keys &&
        !hex_parse(arguments[3], (uint8_t *)&keys, sizeof keys))
        die("no keys");
    uint64_t port = number(arguments[2]);
    if (strcmp(arguments[1], "relay") == 0)
        run_relay(port);
    if (strcmp(arguments[1], "serve") == 0)
        run_serve(port);
    if (strcmp(arguments[1], "agent") == 0)
        run_agent(port, &keys);
    if (strcmp(arguments[1], "tunnel") == 0)
        run_tunnel(port, &keys, number(arguments[4]));
    if (strcmp(arguments[1], "down") == 0)
        run_down(port, number(arguments[3]));
    else if (strcmp(arguments[1], "ping") == 0)
        run_ping(port, number(arguments[3]));
    else
        die("see bench/relay.py");
    return 0;
}
