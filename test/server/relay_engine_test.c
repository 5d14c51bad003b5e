/* SPDX-License-Identifier: Apache-2.0 */
/* The relay over loopback, with an agent that the tests hold in their hands: proofs, fences, calls,
 * half-closed connections, slow readers, cuts, and many at once. */
#include "server/relay_engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "proto/relay.h"
#include "sys/crypto.h"

enum { MACHINE = 7, EPOCH = 3, INSTANCE = 71, RELAY_ID = 5, PATIENCE_MS = 8000, CHUNK = 1 << 16 };

struct scene {
    struct relay_engine *engine;
    struct key_pair keys;
    struct relay_route routes[2];
    int stale_count;
};

static uint16_t free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(bind(fd, (struct sockaddr *)&at, size) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&at, &size) == 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}

static int dial(uint16_t port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    for (int tries = 0; connect(fd, (struct sockaddr *)&at, sizeof at) != 0; tries++) {
        CHECK(tries < 200); /* routes are taken over on the engine's own thread */
        (void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
        (void)close(fd);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    return fd;
}

static void on_stale(void *context)
{
    ((struct scene *)context)->stale_count++;
}

static void set_routes(struct scene *scene, size_t count, int64_t epoch)
{
    for (size_t i = 0; i < 2; i++) {
        scene->routes[i].epoch = epoch;
        memcpy(scene->routes[i].public_key, scene->keys.public_key, 32);
    }
    relay_engine_routes(scene->engine, scene->routes, count);
}

static void scene_open(struct scene *scene)
{
    struct relay_engine_options options = { .listen = "127.0.0.1:0",
                                            .bind = "127.0.0.1",
                                            .log = log_silent(),
                                            .on_stale = on_stale,
                                            .context = scene };
    struct error err;

    *scene = (struct scene){ .keys = crypto_key_pair() };
    CHECK_OK(relay_engine_open(&options, &scene->engine, &err), &err);
    CHECK_OK(relay_engine_start(scene->engine, RELAY_ID, &err), &err);
    scene->routes[0] = (struct relay_route){
        .port = free_port(), .contract_id = INSTANCE, .inside = 22, .machine_id = MACHINE
    };
    scene->routes[1] = (struct relay_route){
        .port = free_port(), .contract_id = INSTANCE + 1, .inside = 80, .machine_id = MACHINE
    };
    set_routes(scene, 2, EPOCH);
}

static void scene_close(struct scene *scene)
{
    relay_engine_close(&scene->engine);
}

static bool read_all(int fd, void *bytes, size_t count)
{
    size_t done = 0;

    while (done < count) {
        ssize_t got = recv(fd, (char *)bytes + done, count - done, 0);

        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

static bool write_all(int fd, const void *bytes, size_t count)
{
    size_t done = 0;

    while (done < count) {
        ssize_t put = send(fd, (const char *)bytes + done, count - done, MSG_NOSIGNAL);

        if (put <= 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

static bool say(int fd, const struct relay_frame *frame)
{
    uint8_t bytes[RELAY_FRAME_MAX];

    return write_all(fd, bytes, relay_frame_write(frame, bytes));
}

/* The next frame but pings, which are answered. */
static bool hear(int fd, struct relay_frame *ret)
{
    uint8_t bytes[RELAY_FRAME_MAX];
    size_t used;

    do {
        if (!read_all(fd, bytes, RELAY_HEAD))
            return false;
        size_t size = relay_frame_size(bytes);
        if (size == 0 || !read_all(fd, bytes + RELAY_HEAD, size - RELAY_HEAD) ||
            relay_frame_read(bytes, size, ret, &used) != RELAY_READ_FRAME)
            return false;
        if (ret->type == RELAY_PING)
            (void)say(fd, &(struct relay_frame){ .type = RELAY_PONG, .number = ret->number });
    } while (ret->type == RELAY_PING || ret->type == RELAY_PONG);
    return true;
}

static bool is_closed(int fd)
{
    char byte;

    return recv(fd, &byte, 1, 0) <= 0 && errno != EAGAIN;
}

/* A hello up to its proof. */
static int call(struct scene *scene, int64_t epoch, const struct key_pair *keys)
{
    struct relay_frame frame = { .type = RELAY_CALL, .machine_id = MACHINE, .epoch = epoch };
    auto_buf struct buf text = buf_of(256);
    int fd = dial(relay_engine_port(scene->engine));

    CHECK(say(fd, &frame));
    CHECK(hear(fd, &frame));
    CHECK_INT(frame.type, RELAY_NONCE);
    CHECK_INT(frame.relay_id, RELAY_ID);
    const struct relay_claim claim = { RELAY_ID, MACHINE, epoch, frame.nonce };
    relay_signed(&text, &claim);
    struct signature signature = crypto_sign_with(keys, text.bytes, text.length);
    struct relay_frame proof = { .type = RELAY_PROOF };
    memcpy(proof.signature, signature.bytes, sizeof proof.signature);
    CHECK(say(fd, &proof));
    return fd;
}

static int control(struct scene *scene)
{
    struct relay_frame frame;
    int fd = call(scene, EPOCH, &scene->keys);

    CHECK(hear(fd, &frame));
    CHECK_INT(frame.type, RELAY_WELCOME);
    return fd;
}

/* The agent's end for the next caller. */
static int back(struct scene *scene, int agent, struct relay_frame *ret_open)
{
    struct relay_frame answer = { .type = RELAY_BACK };

    CHECK(hear(agent, ret_open));
    CHECK_INT(ret_open->type, RELAY_OPEN);
    memcpy(answer.token, ret_open->token, sizeof answer.token);
    int fd = dial(relay_engine_port(scene->engine));
    CHECK(say(fd, &answer));
    return fd;
}

static void test_bytes_go_both_ways_and_are_counted(void **state)
{
    struct scene scene;
    struct relay_frame open;
    char text[16] = "";
    uint64_t up, down;

    (void)state;
    scene_open(&scene);
    int agent = control(&scene), caller = dial((uint16_t)scene.routes[0].port);
    /* What is said before the connection back is there is not lost. */
    CHECK(write_all(caller, "hello", 5));
    int end = back(&scene, agent, &open);
    CHECK_INT(open.instance_id, INSTANCE);
    CHECK_INT(open.port, 22);
    CHECK(read_all(end, text, 5));
    CHECK_TEXT(text, "hello");
    CHECK(write_all(end, "and back", 8));
    CHECK(read_all(caller, text, 8));
    CHECK_TEXT(text, "and back");
    (void)close(caller);
    CHECK(is_closed(end));
    for (int tries = 0; tries < 100; tries++) {
        CHECK(relay_engine_traffic(scene.engine, INSTANCE, &up, &down));
        if (up == 8 && down == 5)
            break;
        (void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    }
    CHECK_INT((int64_t)up, 8);
    CHECK_INT((int64_t)down, 5);
    CHECK(!relay_engine_traffic(scene.engine, 999, &up, &down));
    (void)close(end);
    (void)close(agent);
    scene_close(&scene);
}

static void test_only_the_machine_s_key_in_its_newest_epoch_is_let_in(void **state)
{
    struct scene scene;
    struct key_pair other;
    struct relay_frame frame;

    (void)state;
    scene_open(&scene);
    other = crypto_key_pair();
    const struct {
        int64_t epoch;
        const struct key_pair *keys;
    } rows[] = { { EPOCH, &other }, { EPOCH - 1, &scene.keys }, { EPOCH + 1, &other } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int fd = call(&scene, rows[i].epoch, rows[i].keys);

        check_row("%zu", i);
        CHECK(is_closed(fd));
        (void)close(fd);
    }
    /* Newer than the routes: they are asked for, and it is let in with the new ones. */
    int early = call(&scene, EPOCH + 1, &scene.keys);
    CHECK(poll(&(struct pollfd){ .fd = early, .events = POLLIN }, 1, 300) == 0);
    CHECK(scene.stale_count > 0);
    int old = control(&scene);
    set_routes(&scene, 2, EPOCH + 1);
    CHECK(hear(early, &frame));
    CHECK_INT(frame.type, RELAY_WELCOME);
    CHECK(is_closed(old));
    (void)close(old);
    (void)close(early);
    scene_close(&scene);
}

static void test_what_is_no_hello_is_hung_up_on(void **state)
{
    static const char *const texts[] = { "GET / HTTP/1.0\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
                                         "\xBE\x01\x05\x08????????" };
    struct relay_frame wrong = { .type = RELAY_BACK, .token = { 1, 2, 3 } };
    struct scene scene;

    (void)state;
    scene_open(&scene);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int fd = dial(relay_engine_port(scene.engine));

        check_row("%zu", i);
        CHECK(write_all(fd, texts[i], strlen(texts[i])));
        CHECK(is_closed(fd));
        (void)close(fd);
    }
    int fd = dial(relay_engine_port(scene.engine));
    CHECK(say(fd, &wrong));
    CHECK(is_closed(fd));
    (void)close(fd);
    scene_close(&scene);
}

/* The end of one way is passed on; the other goes on for as long as it likes. */
static void test_half_a_connection_stays(void **state)
{
    struct scene scene;
    struct relay_frame open;
    char byte, text[8] = "";

    (void)state;
    scene_open(&scene);
    int agent = control(&scene), caller = dial((uint16_t)scene.routes[0].port);
    int end = back(&scene, agent, &open);
    CHECK(write_all(caller, "all", 3));
    CHECK(shutdown(caller, SHUT_WR) == 0);
    CHECK(read_all(end, text, 3));
    CHECK_INT(recv(end, &byte, 1, 0), 0);
    for (int i = 0; i < 20; i++)
        CHECK(write_all(end, "more", 4) && read_all(caller, text, 4));
    (void)close(end);
    CHECK_INT(recv(caller, &byte, 1, 0), 0);
    (void)close(caller);
    (void)close(agent);
    scene_close(&scene);
}

struct flow_of_bytes {
    int fd;
    size_t count;
    uint64_t seed;
    bool is_ok;
};

static uint8_t byte_at(uint64_t seed, size_t i)
{
    return (uint8_t)((i * 2654435761U + seed) >> 7);
}

static void *write_flow(void *context)
{
    struct flow_of_bytes *flow = context;
    uint8_t *bytes = malloc(CHUNK);

    flow->is_ok = bytes != NULL;
    for (size_t at = 0; flow->is_ok && at < flow->count;) {
        size_t count = flow->count - at < CHUNK ? flow->count - at : CHUNK;

        for (size_t i = 0; i < count; i++)
            bytes[i] = byte_at(flow->seed, at + i);
        flow->is_ok = write_all(flow->fd, bytes, count);
        at += count;
    }
    free(bytes);
    (void)shutdown(flow->fd, SHUT_WR);
    return NULL;
}

/* All of it, in order; with a rest now and then where it is slow. */
static bool read_flow(int fd, const struct flow_of_bytes *flow, bool is_slow)
{
    uint8_t *bytes = malloc(CHUNK);
    size_t at = 0;
    bool is_same = true;

    for (ssize_t got; is_same && (got = recv(fd, bytes, CHUNK, 0)) > 0; at += (size_t)got) {
        for (size_t i = 0; i < (size_t)got; i++)
            is_same = is_same && bytes[i] == byte_at(flow->seed, at + i);
        if (is_slow && check_random(8) == 0)
            (void)nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
    }
    free(bytes);
    return is_same && at == flow->count;
}

static void test_much_goes_through_a_slow_reader_unharmed(void **state)
{
    (void)state;
    for (int is_up = 0; is_up < 2; is_up++) {
        struct scene scene;
        struct relay_frame open;
        pthread_t writer;

        scene_open(&scene);
        int agent = control(&scene), caller = dial((uint16_t)scene.routes[0].port);
        int end = back(&scene, agent, &open);
        struct flow_of_bytes flow = { .fd = is_up ? end : caller, .count = 24 << 20, .seed = 17 };
        CHECK(pthread_create(&writer, NULL, write_flow, &flow) == 0);
        CHECK(read_flow(is_up ? caller : end, &flow, true));
        (void)pthread_join(writer, NULL);
        CHECK(flow.is_ok);
        (void)close(caller);
        (void)close(end);
        (void)close(agent);
        scene_close(&scene);
    }
}

/* Losing the control connection costs no caller that is through, and one that comes in the pause
 * waits for its return. */
static void test_a_lost_control_loses_no_byte(void **state)
{
    struct scene scene;
    struct relay_frame open;
    pthread_t writer;
    char text[8] = "";

    (void)state;
    scene_open(&scene);
    int agent = control(&scene), caller = dial((uint16_t)scene.routes[0].port);
    int end = back(&scene, agent, &open);
    struct flow_of_bytes flow = { .fd = end, .count = 16 << 20, .seed = 3 };
    CHECK(pthread_create(&writer, NULL, write_flow, &flow) == 0);
    (void)close(agent);
    (void)nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
    int waiting = dial((uint16_t)scene.routes[1].port);
    agent = control(&scene);
    CHECK(read_flow(caller, &flow, false));
    (void)pthread_join(writer, NULL);
    CHECK(flow.is_ok);
    int other = back(&scene, agent, &open);
    CHECK_INT(open.port, 80);
    CHECK(write_all(other, "late", 4) && read_all(waiting, text, 4));
    (void)close(caller);
    (void)close(end);
    (void)close(waiting);
    (void)close(other);
    (void)close(agent);
    scene_close(&scene);
}

static void test_a_dead_agent_s_ports_close_at_once(void **state)
{
    struct scene scene;
    struct timespec began, ended;
    int agent;

    (void)state;
    scene_open(&scene);
    agent = control(&scene);
    (void)close(agent);
    (void)nanosleep(&(struct timespec){ .tv_sec = RELAY_GRACE_MS / 1000, .tv_nsec = 400000000 },
                    NULL);
    int caller = dial((uint16_t)scene.routes[0].port);
    (void)clock_gettime(CLOCK_MONOTONIC, &began);
    CHECK(is_closed(caller));
    (void)clock_gettime(CLOCK_MONOTONIC, &ended);
    CHECK(ended.tv_sec - began.tv_sec <= 1);
    (void)close(caller);
    scene_close(&scene);
}

static void test_a_refused_caller_is_let_go(void **state)
{
    struct scene scene;
    struct relay_frame open, refuse = { .type = RELAY_REFUSE };

    (void)state;
    scene_open(&scene);
    int agent = control(&scene), caller = dial((uint16_t)scene.routes[1].port);
    CHECK(hear(agent, &open));
    memcpy(refuse.token, open.token, sizeof refuse.token);
    CHECK(say(agent, &refuse));
    CHECK(is_closed(caller));
    (void)close(caller);
    (void)close(agent);
    scene_close(&scene);
}

/* A route that is gone takes its listener and its callers along, and no other's. */
static void test_a_route_that_ends_ends_its_callers(void **state)
{
    struct scene scene;
    struct relay_frame open;
    char text[8] = "";

    (void)state;
    scene_open(&scene);
    int agent = control(&scene);
    int kept = dial((uint16_t)scene.routes[0].port), kept_end = back(&scene, agent, &open);
    int lost = dial((uint16_t)scene.routes[1].port), lost_end = back(&scene, agent, &open);
    set_routes(&scene, 1, EPOCH);
    CHECK(is_closed(lost));
    CHECK(is_closed(lost_end));
    CHECK(write_all(kept, "here", 4) && read_all(kept_end, text, 4));
    (void)close(kept);
    (void)close(kept_end);
    (void)close(lost);
    (void)close(lost_end);
    (void)close(agent);
    scene_close(&scene);
}

static void test_fifty_at_once_do_not_mix(void **state)
{
    enum { CALLERS = 50, SIZE = 200000 };
    struct scene scene;
    struct relay_frame open;
    struct flow_of_bytes flows[CALLERS];
    pthread_t writers[CALLERS];
    int callers[CALLERS], ends[CALLERS];

    (void)state;
    scene_open(&scene);
    int agent = control(&scene);
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = dial((uint16_t)scene.routes[i % 2].port);
        ends[i] = back(&scene, agent, &open);
        CHECK_INT(open.instance_id, INSTANCE + i % 2);
    }
    for (int i = 0; i < CALLERS; i++) {
        flows[i] =
            (struct flow_of_bytes){ .fd = ends[i], .count = SIZE, .seed = (uint64_t)i * 977 };
        CHECK(pthread_create(&writers[i], NULL, write_flow, &flows[i]) == 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        check_row("caller %d", i);
        CHECK(read_flow(callers[i], &flows[i], false));
    }
    for (int i = 0; i < CALLERS; i++) {
        (void)pthread_join(writers[i], NULL);
        (void)close(callers[i]);
        (void)close(ends[i]);
    }
    struct relay_counts counts = relay_engine_counts(scene.engine);
    CHECK((int64_t)counts.bytes_up <= CALLERS * SIZE);
    (void)close(agent);
    scene_close(&scene);
}

/* One address cannot keep all the places of those that wait. */
static void test_callers_that_wait_are_bounded(void **state)
{
    enum { MORE = 16 };
    struct scene scene;
    int callers[RELAY_WAITING_PER_ADDRESS + MORE], closed = 0;

    (void)state;
    scene_open(&scene);
    int agent = control(&scene);
    for (int i = 0; i < RELAY_WAITING_PER_ADDRESS + MORE; i++)
        callers[i] = dial((uint16_t)scene.routes[0].port);
    for (int tries = 0; tries < 100 && closed < MORE; tries++) {
        closed = 0;
        for (int i = 0; i < RELAY_WAITING_PER_ADDRESS + MORE; i++) {
            struct pollfd asked = { .fd = callers[i], .events = POLLIN };
            closed += poll(&asked, 1, 0) == 1;
        }
        (void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    }
    CHECK_INT(closed, MORE);
    for (int i = 0; i < RELAY_WAITING_PER_ADDRESS + MORE; i++)
        (void)close(callers[i]);
    (void)close(agent);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_go_both_ways_and_are_counted),
        cmocka_unit_test(test_only_the_machine_s_key_in_its_newest_epoch_is_let_in),
        cmocka_unit_test(test_what_is_no_hello_is_hung_up_on),
        cmocka_unit_test(test_half_a_connection_stays),
        cmocka_unit_test(test_much_goes_through_a_slow_reader_unharmed),
        cmocka_unit_test(test_a_lost_control_loses_no_byte),
        cmocka_unit_test(test_a_dead_agent_s_ports_close_at_once),
        cmocka_unit_test(test_a_refused_caller_is_let_go),
        cmocka_unit_test(test_a_route_that_ends_ends_its_callers),
        cmocka_unit_test(test_fifty_at_once_do_not_mix),
        cmocka_unit_test(test_callers_that_wait_are_bounded),
    };

    crypto_start();
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
