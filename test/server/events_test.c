/* SPDX-License-Identifier: Apache-2.0 */
#include "server/events.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "flow/instance_change.h"
#include "flow/support.h"
#include "server/support.h"

static struct world world;
static struct world_machine machine;
static struct metrics *metrics;
static struct events *events;

static void hear(void *context, enum db_topic topic, int64_t id)
{
    if (topic == TOPIC_CONTRACT || topic == TOPIC_USER)
        events_touch(context, topic, id);
}

static void open_events(struct support *support)
{
    struct http_options options = options_of_tests();
    struct error err;

    world_open(&world, support);
    options.idle_timeout_ms = 60000;
    server_open(&options);
    metrics = metrics_open(0);
    CHECK_OK(events_open(&world.flow, metrics, &events, &err), &err);
    store_subscribe(support->store, hear, events);
}

static void close_events(struct support *support)
{
    struct error err;

    events_stop(events); /* it reads the store */
    store_close(&support->store);
    events_close(&events);
    http_close(&http, 2000);
    metrics_close(&metrics);
    CHECK_OK(store_open(support->location, &support->log, &support->store, &err), &err);
    world.flow.store = support->store;
    world_close(&world);
}

/* A client that listens as that caller. */
static int listen_as(struct caller caller)
{
    static const char get[] = "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n";
    int fd = socket_to(http_address(http));

    socket_send(fd, get, sizeof get - 1);
    events_listen(events, &caller, take_stream());
    return fd;
}

/* What has come, in `text`, once it holds that part; at most five seconds later. */
static bool hears(int fd, const char *part)
{
    static char got[ANSWER_MAX];

    text[0] = '\0';
    for (int i = 0; i < 50; i++) {
        (void)socket_read(fd, got, sizeof got, 100);
        size_t length = strlen(text);
        (void)snprintf(text + length, sizeof text - length, "%s", got);
        if (says(part))
            return true;
    }
    return false;
}

static bool hears_nothing(int fd)
{
    static char got[ANSWER_MAX];

    (void)socket_read(fd, got, sizeof got, 300);
    return strstr(got, "event:") == NULL;
}

static void test_a_listener_begins_with_all_that_is_its_own(void **state)
{
    struct support *support = *state;
    char own[64];

    open_events(support);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    struct caller bob = world_user(&world, "bob@berth.test", 5);
    world_host(&world, &machine, "a", 2);
    int64_t id = world_running(&world, &machine, ada, 1);
    int fd = listen_as(ada), other = listen_as(bob);

    (void)snprintf(own, sizeof own, "\"id\":%lld,", (long long)id);
    CHECK(hears(fd, "event: instance\n"));
    CHECK(says("event: balance\ndata: {"));
    CHECK(says(own));
    CHECK(hears(other, "event: balance\n"));
    CHECK(!says("event: instance"));
    CHECK_INT(events_count(events), 2);
    (void)close(fd);
    (void)close(other);
    close_events(support);
}

static void test_changes_come_to_whose_they_are(void **state)
{
    struct support *support = *state;
    enum change_outcome outcome;
    struct error err;

    open_events(support);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    struct caller bob = world_user(&world, "bob@berth.test", 5);
    world_host(&world, &machine, "a", 2);
    int64_t id = world_running(&world, &machine, ada, 1);
    int fd = listen_as(ada), other = listen_as(bob);
    CHECK(hears(fd, "event: instance\n"));
    CHECK(hears(other, "event: balance\n"));
    (void)hears_nothing(other);

    CHECK_OK(flow_stop(&world.flow, &ada, id, &outcome, &err), &err);
    CHECK(hears(fd, "event: instance\n"));
    CHECK_OK(flow_destroy(&world.flow, &ada, id, &outcome, &err), &err);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK(hears(fd, "event: gone\n"));
    CHECK(hears_nothing(other));
    (void)close(fd);
    (void)close(other);
    close_events(support);
}

/* However many listen for other accounts, and however often it is said. */
static void test_what_happens_costs_the_same_however_many_listen(void **state)
{
    enum { OTHERS = 24, TIMES = 50 };
    struct support *support = *state;
    uint64_t reads[2];
    int fds[OTHERS];

    open_events(support);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    int64_t id = world_running(&world, &machine, ada, 1);
    int fd = listen_as(ada);
    CHECK(hears(fd, "event: instance\n"));
    (void)hears_nothing(fd);
    for (int round = 0; round < 2; round++) {
        reads[round] = store_totals(support->store).reads;
        for (int i = 0; i < TIMES; i++)
            events_touch(events, TOPIC_CONTRACT, id);
        CHECK(hears(fd, "event: instance\n"));
        (void)hears_nothing(fd);
        reads[round] = store_totals(support->store).reads - reads[round];
        for (int i = 0; round == 0 && i < OTHERS; i++) {
            char email[64];
            (void)snprintf(email, sizeof email, "other%d@berth.test", i);
            fds[i] = listen_as(world_user(&world, email, 0));
            CHECK(hears(fds[i], "event: balance\n"));
        }
    }
    /* A batch of changes is two reads; balances may come due meanwhile. */
    CHECK(reads[1] < OTHERS && reads[0] < TIMES);
    for (int i = 0; i < OTHERS; i++)
        (void)close(fds[i]);
    (void)close(fd);
    close_events(support);
}

/* The oldest makes room, and is told by its stream's end. */
static void test_an_account_has_so_many_listeners(void **state)
{
    struct support *support = *state;
    int fds[EVENTS_PER_USER_MAX + 1];

    open_events(support);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    for (size_t i = 0; i <= EVENTS_PER_USER_MAX; i++) {
        fds[i] = listen_as(ada);
        CHECK(hears(fds[i], "event: balance\n"));
    }
    CHECK_INT(events_count(events), EVENTS_PER_USER_MAX);
    CHECK(hears(fds[0], "\r\n0\r\n\r\n"));
    CHECK(hears_nothing(fds[1]));
    for (size_t i = 0; i <= EVENTS_PER_USER_MAX; i++)
        (void)close(fds[i]);
    close_events(support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_listener_begins_with_all_that_is_its_own),
        cmocka_unit_test(test_changes_come_to_whose_they_are),
        cmocka_unit_test(test_what_happens_costs_the_same_however_many_listen),
        cmocka_unit_test(test_an_account_has_so_many_listeners),
    };

    crypto_start();
    return SUPPORT_RUN_ON(SUPPORT_SQLITE, tests);
}
