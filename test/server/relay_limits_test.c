/* SPDX-License-Identifier: Apache-2.0 */
/* What nobody may have more of at a relay: places to wait, connections of a port and of an
 * instance, hellos, memory. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "server/relay_engine.h"
#include "support_relay.h"
#include "sys/pump.h"

static void test_callers_that_wait_are_bounded(void **state)
{
    enum { MORE = 16 };
    struct scene scene;
    int callers[RELAY_WAITING_PER_ADDRESS + MORE], closed = 0;

    (void)state;
    scene_open(&scene);
    int agent = scene_control(&scene);
    for (int i = 0; i < RELAY_WAITING_PER_ADDRESS + MORE; i++)
        callers[i] = scene_dial((uint16_t)scene.routes[0].port);
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

static void pause_ms(long ms)
{
    (void)nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/* Callers of one port who are through: both ends of each. */
struct crowd {
    int callers[RELAY_CALLS_PER_INSTANCE], ends[RELAY_CALLS_PER_INSTANCE];
    size_t count;
};

static void crowd_grow(struct scene *scene, int agent, struct crowd *crowd, int64_t port)
{
    struct relay_frame open;
    char byte = 0;

    crowd->callers[crowd->count] = scene_dial((uint16_t)port);
    int end = crowd->ends[crowd->count] = scene_back(scene, agent, &open);
    CHECK(scene_write(end, "x", 1) && scene_read(crowd->callers[crowd->count], &byte, 1));
    crowd->count++;
}

static bool is_turned_away(int64_t port)
{
    int caller = scene_dial((uint16_t)port);
    bool is_away = scene_is_closed(caller);

    (void)close(caller);
    return is_away;
}

/* Up to each limit they come in, past it they are turned away at once, and whoever leaves makes
 * room for one: of a port, and of all ports of an instance. */
static void test_callers_who_are_through_are_bounded(void **state)
{
    enum { PORTS = 3 };
    struct relay_route routes[PORTS];
    struct crowd *crowd = calloc(1, sizeof *crowd);
    struct scene scene;

    (void)state;
    CHECK(crowd != NULL);
    scene_open(&scene);
    for (int i = 0; i < PORTS; i++) {
        routes[i] = scene.routes[0];
        routes[i].port = scene_free_port();
        routes[i].inside = 80 + i;
    }
    relay_engine_routes(scene.engine, routes, PORTS);
    int agent = scene_control(&scene);
    for (size_t i = 0; i < RELAY_CALLS_PER_PORT; i++)
        crowd_grow(&scene, agent, crowd, routes[0].port);
    CHECK(is_turned_away(routes[0].port));
    while (crowd->count < RELAY_CALLS_PER_INSTANCE - 1)
        crowd_grow(&scene, agent, crowd, routes[1].port);
    crowd_grow(&scene, agent, crowd, routes[2].port);
    CHECK(is_turned_away(routes[2].port));
    CHECK_INT((int64_t)relay_engine_counts(scene.engine).refused, 2);
    crowd->count--;
    (void)close(crowd->callers[crowd->count]);
    CHECK(scene_is_closed(crowd->ends[crowd->count]));
    (void)close(crowd->ends[crowd->count]);
    crowd_grow(&scene, agent, crowd, routes[2].port);
    CHECK(is_turned_away(routes[2].port));
    for (size_t i = 0; i < crowd->count; i++) {
        (void)close(crowd->callers[i]);
        (void)close(crowd->ends[i]);
    }
    (void)close(agent);
    scene_close(&scene);
    free(crowd);
}

/* How much one side may write before it has to wait, if nobody reads. */
static size_t fill(int fd)
{
    char *bytes = calloc(1, CHUNK);
    size_t total = 0;

    CHECK(bytes != NULL);
    for (int idle = 0; idle < 20;) {
        ssize_t put = send(fd, bytes, CHUNK, MSG_NOSIGNAL | MSG_DONTWAIT);

        CHECK(put > 0 || errno == EAGAIN);
        total += put > 0 ? (size_t)put : 0;
        idle = put > 0 ? 0 : idle + 1;
        if (put <= 0)
            pause_ms(10);
    }
    free(bytes);
    return total;
}

/* The most that the kernel keeps for one end of a connection. */
static size_t buffer_max(const char *name)
{
    unsigned long least, usual, most = 0;
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/sys/net/ipv4/%s", name);
    FILE *file = fopen(path, "re");
    CHECK(file != NULL && fscanf(file, "%lu %lu %lu", &least, &usual, &most) == 3);
    (void)fclose(file);
    return most;
}

/* A caller who does not read holds what fits into the kernel's buffers and one pipe, and nobody up.
 */
static void test_a_caller_who_does_not_read_holds_little(void **state)
{
    struct scene scene;
    struct relay_frame open;
    char text[8] = "";

    (void)state;
    scene_open(&scene);
    int agent = scene_control(&scene);
    int stuck = scene_dial((uint16_t)scene.routes[0].port),
        stuck_end = scene_back(&scene, agent, &open);
    int other = scene_dial((uint16_t)scene.routes[1].port),
        other_end = scene_back(&scene, agent, &open);
    size_t written = fill(stuck_end);
    CHECK(written <= 2 * (buffer_max("tcp_rmem") + buffer_max("tcp_wmem")) + 2 * PUMP_PIPE);
    for (int i = 0; i < 20; i++)
        CHECK(scene_write(other, "ping", 4) && scene_read(other_end, text, 4) &&
              scene_write(other_end, "pong", 4) && scene_read(other, text, 4));
    /* It is late, not lost. */
    char *bytes = malloc(CHUNK);
    size_t got = 0;
    while (got < written) {
        ssize_t piece = recv(stuck, bytes, CHUNK, 0);

        CHECK(piece > 0);
        got += (size_t)piece;
    }
    free(bytes);
    CHECK_INT((int64_t)got, (int64_t)written);
    const int fds[] = { stuck, stuck_end, other, other_end, agent };
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        (void)close(fds[i]);
    scene_close(&scene);
}

/* One address cannot keep the door shut for others with hellos that it never says. */
static void test_hellos_of_one_address_are_bounded(void **state)
{
    enum { MORE = 8 };
    struct scene scene;
    int fds[RELAY_HELLOS_PER_ADDRESS + MORE], closed = 0;

    (void)state;
    scene_open(&scene);
    for (int i = 0; i < RELAY_HELLOS_PER_ADDRESS + MORE; i++)
        fds[i] = scene_dial(relay_engine_port(scene.engine));
    for (int tries = 0; tries < 200 && closed < MORE; tries++) {
        closed = 0;
        for (int i = 0; i < RELAY_HELLOS_PER_ADDRESS + MORE; i++)
            closed += poll(&(struct pollfd){ .fd = fds[i], .events = POLLIN }, 1, 0) == 1;
        pause_ms(10);
    }
    pause_ms(100);
    CHECK_INT(closed, MORE);
    for (int i = 0; i < RELAY_HELLOS_PER_ADDRESS + MORE; i++)
        (void)close(fds[i]);
    /* With them gone it is open again. */
    pause_ms(100);
    (void)close(scene_control(&scene));
    scene_close(&scene);
}

/* What the tests hold open at once, on both sides. */
static void allow_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callers_that_wait_are_bounded),
        cmocka_unit_test(test_callers_who_are_through_are_bounded),
        cmocka_unit_test(test_a_caller_who_does_not_read_holds_little),
        cmocka_unit_test(test_hellos_of_one_address_are_bounded),
    };

    allow_descriptors();
    crypto_start();
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
