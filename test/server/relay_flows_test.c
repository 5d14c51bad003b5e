/* SPDX-License-Identifier: Apache-2.0 */
/* A relay's ports of UDP: whose datagrams come out where, what forged sources get, and who keeps a
 * place. */
#include "server/relay_flows.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "support_relay.h"
#include "sys/datagrams.h"

/* routes[1] is of UDP; the agent's end of its stream is `stream` once begin() has seen it come. */
struct flows_scene {
    struct scene scene;
    int agent;
    struct datagrams stream;
};

static void begin_at(struct flows_scene *s, const char *address)
{
    *s = (struct flows_scene){ 0 };
    scene_open_at(&s->scene, address);
    s->scene.routes[1].protocol = RELAYING_UDP;
    scene_routes(&s->scene, 2, EPOCH);
    s->agent = scene_control(&s->scene);
}

static void begin(struct flows_scene *s)
{
    begin_at(s, "127.0.0.1");
}

static void finish(struct flows_scene *s)
{
    datagrams_close(&s->stream);
    (void)close(s->agent);
    scene_close(&s->scene);
}

/* A source at 127.0.0.`host` that hears 127.0.0.`at` alone. */
static int source_to(const struct flows_scene *s, int host, int at)
{
    struct sockaddr_in own = { .sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(0x7f000000U + (uint32_t)host) };
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)s->scene.routes[1].port),
                              .sin_addr.s_addr = htonl(0x7f000000U + (uint32_t)at) };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    CHECK(bind(fd, (const struct sockaddr *)&own, sizeof own) == 0);
    CHECK(connect(fd, (const struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

static int source(const struct flows_scene *s, int host)
{
    return source_to(s, host, 1);
}

static void say(int fd, const char *text)
{
    CHECK_INT(send(fd, text, strlen(text), 0), (int64_t)strlen(text));
}

static bool is_silent(int fd, int ms)
{
    return poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, ms) == 0;
}

/* The next datagram at the agent's end, as text. */
static uint32_t hear(struct flows_scene *s, char text[static 64])
{
    const uint8_t *bytes;
    uint32_t flow;
    size_t size;
    enum datagrams_read read;

    while ((read = datagrams_read(&s->stream, &flow, &bytes, &size)) == DATAGRAMS_NONE)
        CHECK(!is_silent(s->stream.fd, PATIENCE_MS));
    CHECK_INT(read, DATAGRAMS_ONE);
    CHECK(size < 64);
    memcpy(text, bytes, size);
    text[size] = '\0';
    return flow;
}

static void answer(struct flows_scene *s, uint32_t flow, const char *text)
{
    CHECK(datagrams_write(&s->stream, flow, (const uint8_t *)text, strlen(text)));
}

static void check_told(int fd, const char *want)
{
    char text[64] = "";

    CHECK(!is_silent(fd, PATIENCE_MS));
    CHECK(recv(fd, text, sizeof text - 1, 0) >= 0);
    CHECK_TEXT(text, want);
}

/* The port is bound on the engine's own thread: until then datagrams are lost, as after it. */
static uint32_t open_stream(struct flows_scene *s, int fd, char text[static 64])
{
    struct relay_frame open;

    for (int tries = 0; is_silent(s->agent, 50); tries++) {
        CHECK(tries < 100);
        (void)send(fd, "hello", 5, 0);
    }
    int back = scene_back(&s->scene, s->agent, &open);
    CHECK_INT(open.type, RELAY_OPEN_FLOWS);
    CHECK_INT(open.instance_id, INSTANCE + 1);
    CHECK_INT(open.port, 80);
    s->stream = (struct datagrams){ .fd = back };
    return hear(s, text);
}

static void test_sources_are_told_apart(void **state)
{
    struct flows_scene s;
    char text[64];

    (void)state;
    begin(&s);
    int one = source(&s, 1), two = source(&s, 1);
    uint32_t first = open_stream(&s, one, text);
    CHECK_TEXT(text, "hello");
    say(two, "from two");
    uint32_t second = hear(&s, text);
    CHECK_TEXT(text, "from two");
    CHECK(first != second);
    answer(&s, second, "to two");
    answer(&s, first, "to one");
    check_told(one, "to one");
    check_told(two, "to two");
    say(one, "again");
    CHECK_INT(hear(&s, text), first);
    /* Numbers that nobody has lead nowhere. */
    answer(&s, first + 1, "x");
    answer(&s, 0, "x");
    answer(&s, first + FLOWS_PER_PORT, "x");
    CHECK(is_silent(one, 100) && is_silent(two, 0));
    (void)close(one);
    (void)close(two);
    finish(&s);
}

/* A machine has several addresses: the one that was spoken to answers. */
static void test_the_address_that_was_asked_answers(void **state)
{
    struct flows_scene s;
    char text[64];

    (void)state;
    begin_at(&s, "0.0.0.0");
    int one = source_to(&s, 1, 9), two = source_to(&s, 1, 1);
    uint32_t first = open_stream(&s, one, text);
    say(two, "from two");
    uint32_t second = hear(&s, text);
    answer(&s, first, "to one");
    answer(&s, second, "to two");
    check_told(one, "to one");
    check_told(two, "to two");
    (void)close(one);
    (void)close(two);
    finish(&s);
}

/* Who sends once is sent no more than three times as much, until it has answered three times. */
static void test_forged_sources_are_sent_little(void **state)
{
    struct flows_scene s;
    char text[64];

    (void)state;
    begin(&s);
    int starter = source(&s, 1), fd = source(&s, 2);
    (void)open_stream(&s, starter, text);
    say(fd, "1234567890");
    uint32_t flow = hear(&s, text);
    answer(&s, flow, "123456789012345678901234567890x"); /* 31 bytes for 10 */
    CHECK(is_silent(fd, 200));
    answer(&s, flow, "123456789012345678901234567890");
    check_told(fd, "123456789012345678901234567890");
    answer(&s, flow, "x");
    CHECK(is_silent(fd, 200));
    for (int turn = 1; turn <= FLOWS_TURNS; turn++) {
        say(fd, "y");
        CHECK_INT(hear(&s, text), flow);
        if (turn == FLOWS_TURNS)
            break;
        answer(&s, flow, "123");
        check_told(fd, "123");
    }
    for (int i = 0; i < 10; i++) {
        answer(&s, flow, "123456789012345678901234567890");
        check_told(fd, "123456789012345678901234567890");
    }
    (void)close(fd);
    (void)close(starter);
    finish(&s);
}

/* One address has 32 places; among others the newest pushes out whoever has not proved itself. */
static void test_places_are_bounded_and_the_proved_keep_theirs(void **state)
{
    enum { HOSTS = FLOWS_PER_PORT / FLOWS_PER_ADDRESS };
    struct flows_scene s;
    int fds[HOSTS][FLOWS_PER_ADDRESS];
    char text[64];

    (void)state;
    begin(&s);
    int kept = source(&s, 100);
    uint32_t flow = open_stream(&s, kept, text);
    for (int turn = 0; turn < FLOWS_TURNS; turn++) {
        answer(&s, flow, "1");
        check_told(kept, "1");
        say(kept, "2");
        CHECK_INT(hear(&s, text), flow);
    }
    /* With the proved one they take all places. */
    for (int host = 0; host < HOSTS; host++)
        for (int i = 0; i < FLOWS_PER_ADDRESS - (host == HOSTS - 1); i++) {
            fds[host][i] = source(&s, 2 + host);
            say(fds[host][i], "in");
            (void)hear(&s, text);
        }
    int more = source(&s, 2);
    say(more, "no place");
    CHECK(is_silent(s.stream.fd, 200));
    (void)close(more);
    /* The first of host 2 goes; the proved one does not. */
    more = source(&s, 50);
    say(more, "late");
    uint32_t late = hear(&s, text);
    CHECK_TEXT(text, "late");
    answer(&s, late, "welcome");
    check_told(more, "welcome");
    answer(&s, flow, "still here");
    check_told(kept, "still here");
    say(fds[0][0], "anew");
    CHECK(hear(&s, text) != late);
    for (int host = 0; host < HOSTS; host++)
        for (int i = 0; i < FLOWS_PER_ADDRESS - (host == HOSTS - 1); i++)
            (void)close(fds[host][i]);
    (void)close(more);
    (void)close(kept);
    finish(&s);
}

/* A stream that ends, or an agent that refuses, costs what was under way and no more. */
static void test_it_begins_anew_when_the_host_is_back(void **state)
{
    struct flows_scene s;
    struct relay_frame open, refuse = { .type = RELAY_REFUSE };
    char text[64];

    (void)state;
    begin(&s);
    int fd = source(&s, 1);
    for (int tries = 0; is_silent(s.agent, 50); tries++) {
        CHECK(tries < 100);
        (void)send(fd, "hello", 5, 0);
    }
    CHECK(scene_hear(s.agent, &open));
    memcpy(refuse.token, open.token, sizeof refuse.token);
    CHECK(scene_say(s.agent, &refuse));
    (void)open_stream(&s, fd, text);
    datagrams_close(&s.stream);
    (void)open_stream(&s, fd, text);
    CHECK_TEXT(text, "hello");
    /* With its route, the port goes. */
    scene_routes(&s.scene, 1, EPOCH);
    CHECK(scene_is_closed(s.stream.fd));
    (void)close(fd);
    finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sources_are_told_apart),
        cmocka_unit_test(test_the_address_that_was_asked_answers),
        cmocka_unit_test(test_forged_sources_are_sent_little),
        cmocka_unit_test(test_places_are_bounded_and_the_proved_keep_theirs),
        cmocka_unit_test(test_it_begins_anew_when_the_host_is_back),
    };

    crypto_start();
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
