/* SPDX-License-Identifier: Apache-2.0 */
/* The relay over loopback: proofs, fences, calls, half-closed connections, slow readers, cuts, and
 * many at once. */
#include "server/relay_engine.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "support_relay.h"

static void test_bytes_go_both_ways_and_are_counted(void **state)
{
    struct scene scene;
    struct relay_frame open;
    char text[16] = "";
    uint64_t up, down;

    (void)state;
    scene_open(&scene);
    int agent = scene_control(&scene), caller = scene_dial((uint16_t)scene.routes[0].port);
    /* What is said before the connection back is there is not lost. */
    CHECK(scene_write(caller, "hello", 5));
    int end = scene_back(&scene, agent, &open);
    CHECK_INT(open.instance_id, INSTANCE);
    CHECK_INT(open.port, 22);
    CHECK(scene_read(end, text, 5));
    CHECK_TEXT(text, "hello");
    CHECK(scene_write(end, "and back", 8));
    CHECK(scene_read(caller, text, 8));
    CHECK_TEXT(text, "and back");
    (void)close(caller);
    CHECK(scene_is_closed(end));
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
        int fd = scene_call(&scene, rows[i].epoch, rows[i].keys);

        check_row("%zu", i);
        CHECK(scene_is_closed(fd));
        (void)close(fd);
    }
    /* Newer than the routes: they are asked for, and it is let in with the new ones. */
    int early = scene_call(&scene, EPOCH + 1, &scene.keys);
    CHECK(poll(&(struct pollfd){ .fd = early, .events = POLLIN }, 1, 300) == 0);
    CHECK(scene.stale_count > 0);
    int old = scene_control(&scene);
    scene_routes(&scene, 2, EPOCH + 1);
    CHECK(scene_hear(early, &frame));
    CHECK_INT(frame.type, RELAY_WELCOME);
    CHECK(scene_is_closed(old));
    (void)close(old);
    (void)close(early);
    scene_close(&scene);
}

/* For as long as the routes said that it is good. */
static void test_the_key_before_is_let_in_while_it_is_good(void **state)
{
    static const int64_t left_ms[] = { 0, 1, 60000 };
    struct scene scene;
    struct key_pair before;
    struct relay_frame frame;

    (void)state;
    scene_open(&scene);
    before = crypto_key_pair();
    for (size_t row = 0; row < sizeof left_ms / sizeof left_ms[0]; row++) {
        check_row("%d ms left", (int)left_ms[row]);
        for (size_t i = 0; i < 2; i++) {
            memcpy(scene.routes[i].former_key, before.public_key, 32);
            scene.routes[i].former_left_us = left_ms[row] * US_PER_MS;
        }
        scene_routes(&scene, 2, EPOCH);
        (void)usleep(100000);
        int fd = scene_call(&scene, EPOCH, &before);
        if (left_ms[row] == 60000) {
            CHECK(scene_hear(fd, &frame));
            CHECK_INT(frame.type, RELAY_WELCOME);
        } else {
            CHECK(scene_is_closed(fd));
        }
        (void)close(fd);
    }
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
        int fd = scene_dial(relay_engine_port(scene.engine));

        check_row("%zu", i);
        CHECK(scene_write(fd, texts[i], strlen(texts[i])));
        CHECK(scene_is_closed(fd));
        (void)close(fd);
    }
    int fd = scene_dial(relay_engine_port(scene.engine));
    CHECK(scene_say(fd, &wrong));
    CHECK(scene_is_closed(fd));
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
    int agent = scene_control(&scene), caller = scene_dial((uint16_t)scene.routes[0].port);
    int end = scene_back(&scene, agent, &open);
    CHECK(scene_write(caller, "all", 3));
    CHECK(shutdown(caller, SHUT_WR) == 0);
    CHECK(scene_read(end, text, 3));
    CHECK_INT(recv(end, &byte, 1, 0), 0);
    for (int i = 0; i < 20; i++)
        CHECK(scene_write(end, "more", 4) && scene_read(caller, text, 4));
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
        flow->is_ok = scene_write(flow->fd, bytes, count);
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
        int agent = scene_control(&scene), caller = scene_dial((uint16_t)scene.routes[0].port);
        int end = scene_back(&scene, agent, &open);
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
    int agent = scene_control(&scene), caller = scene_dial((uint16_t)scene.routes[0].port);
    int end = scene_back(&scene, agent, &open);
    struct flow_of_bytes flow = { .fd = end, .count = 16 << 20, .seed = 3 };
    CHECK(pthread_create(&writer, NULL, write_flow, &flow) == 0);
    (void)close(agent);
    (void)nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
    int waiting = scene_dial((uint16_t)scene.routes[1].port);
    agent = scene_control(&scene);
    CHECK(read_flow(caller, &flow, false));
    (void)pthread_join(writer, NULL);
    CHECK(flow.is_ok);
    int other = scene_back(&scene, agent, &open);
    CHECK_INT(open.port, 80);
    CHECK(scene_write(other, "late", 4) && scene_read(waiting, text, 4));
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
    agent = scene_control(&scene);
    (void)close(agent);
    (void)nanosleep(&(struct timespec){ .tv_sec = RELAY_GRACE_MS / 1000, .tv_nsec = 400000000 },
                    NULL);
    int caller = scene_dial((uint16_t)scene.routes[0].port);
    (void)clock_gettime(CLOCK_MONOTONIC, &began);
    CHECK(scene_is_closed(caller));
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
    int agent = scene_control(&scene), caller = scene_dial((uint16_t)scene.routes[1].port);
    CHECK(scene_hear(agent, &open));
    memcpy(refuse.token, open.token, sizeof refuse.token);
    CHECK(scene_say(agent, &refuse));
    CHECK(scene_is_closed(caller));
    (void)close(caller);
    (void)close(agent);
    scene_close(&scene);
}

/* A child that this program starts has all its sockets until it is another program. What the caller
 * still sends to one of them concerns a call that is over and freed. */
static void test_what_a_child_holds_open_is_not_heard(void **state)
{
    struct scene scene;
    struct relay_frame open, refuse = { .type = RELAY_REFUSE };

    (void)state;
    scene_open(&scene);
    int agent = scene_control(&scene), caller = scene_dial((uint16_t)scene.routes[1].port);
    CHECK(scene_hear(agent, &open));
    pid_t child = fork();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            (void)pause();
    }
    CHECK(child > 0);
    memcpy(refuse.token, open.token, sizeof refuse.token);
    CHECK(scene_say(agent, &refuse));
    for (int i = 0; relay_engine_counts(scene.engine).refused == 0 && i < 1000; i++)
        (void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    CHECK_INT((int64_t)relay_engine_counts(scene.engine).refused, 1);
    CHECK(scene_write(caller, "late", 4));
    int next = scene_dial((uint16_t)scene.routes[0].port), back = scene_back(&scene, agent, &open);
    char text[8] = "";
    CHECK(scene_write(next, "here", 4) && scene_read(back, text, 4));
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    (void)close(next);
    (void)close(back);
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
    int agent = scene_control(&scene);
    int kept = scene_dial((uint16_t)scene.routes[0].port),
        kept_end = scene_back(&scene, agent, &open);
    int lost = scene_dial((uint16_t)scene.routes[1].port),
        lost_end = scene_back(&scene, agent, &open);
    scene_routes(&scene, 1, EPOCH);
    CHECK(scene_is_closed(lost));
    CHECK(scene_is_closed(lost_end));
    CHECK(scene_write(kept, "here", 4) && scene_read(kept_end, text, 4));
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
    int agent = scene_control(&scene);
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = scene_dial((uint16_t)scene.routes[i % 2].port);
        ends[i] = scene_back(&scene, agent, &open);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_go_both_ways_and_are_counted),
        cmocka_unit_test(test_only_the_machine_s_key_in_its_newest_epoch_is_let_in),
        cmocka_unit_test(test_the_key_before_is_let_in_while_it_is_good),
        cmocka_unit_test(test_what_is_no_hello_is_hung_up_on),
        cmocka_unit_test(test_half_a_connection_stays),
        cmocka_unit_test(test_much_goes_through_a_slow_reader_unharmed),
        cmocka_unit_test(test_a_lost_control_loses_no_byte),
        cmocka_unit_test(test_a_dead_agent_s_ports_close_at_once),
        cmocka_unit_test(test_a_refused_caller_is_let_go),
        cmocka_unit_test(test_what_a_child_holds_open_is_not_heard),
        cmocka_unit_test(test_a_route_that_ends_ends_its_callers),
        cmocka_unit_test(test_fifty_at_once_do_not_mix),
    };

    crypto_start();
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
