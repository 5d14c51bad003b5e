/* SPDX-License-Identifier: Apache-2.0 */
#include "server/hub.h"

#include <pthread.h>
#include <stdatomic.h>

#include "check.h"
#include "proto/hello.h"

enum { MACHINE = 7, POLL_COUNT = 64 };

/* How often each poll was let go, and why: one for a change, 100 for being dropped. */
static atomic_int polls[POLL_COUNT];

enum { CHANGED = 1, DROPPED = 100 };

static void count_release(void *poll, enum hub_reason reason)
{
    atomic_fetch_add((atomic_int *)poll, reason == HUB_CHANGED ? CHANGED : DROPPED);
}

static struct hub *open_hub(const struct clock *clock)
{
    for (int i = 0; i < POLL_COUNT; i++)
        atomic_store(&polls[i], 0);
    return hub_open(clock, count_release);
}

static struct hub_session session_of(int64_t machine_id, int64_t epoch)
{
    struct hub_session session = { .machine_id = machine_id, .epoch = epoch };

    session.public_key[0] = (uint8_t)epoch;
    return session;
}

static void admit(struct hub *hub, int64_t machine_id, int64_t epoch)
{
    struct hub_session session = session_of(machine_id, epoch);

    hub_admit(hub, &session);
}

static bool park(struct hub *hub, int64_t machine_id, int poll)
{
    return hub_park(hub, machine_id, hub_ticket(hub, machine_id), &polls[poll]);
}

static void test_a_session_is_known_by_its_epoch(void **state)
{
    (void)state;
    struct hub *hub = open_hub(&clock_system);
    struct hub_session session;

    CHECK(!hub_find(hub, MACHINE, 1, &session));
    admit(hub, MACHINE, 41);
    CHECK(hub_find(hub, MACHINE, 41, &session));
    CHECK_INT(session.public_key[0], 41);
    CHECK(!hub_find(hub, MACHINE, 40, &session));
    CHECK(!hub_find(hub, MACHINE, 42, &session));

    /* An older one that was read late does not replace a newer one. */
    admit(hub, MACHINE, 40);
    CHECK(hub_find(hub, MACHINE, 41, &session));
    hub_forget(hub, MACHINE);
    CHECK(!hub_find(hub, MACHINE, 41, &session));
    hub_close(&hub);
}

static void test_a_wake_lets_go_of_the_poll_once(void **state)
{
    (void)state;
    struct hub *hub = open_hub(&clock_system);

    admit(hub, MACHINE, 1);
    CHECK(park(hub, MACHINE, 0));
    hub_wake(hub, MACHINE + 1);
    CHECK_INT(atomic_load(&polls[0]), 0);
    hub_wake(hub, MACHINE);
    hub_wake(hub, MACHINE);
    CHECK_INT(atomic_load(&polls[0]), CHANGED);
    CHECK_INT(hub_totals(hub).wakes, 1);
    CHECK_INT(hub_totals(hub).parked, 0);
    hub_close(&hub);
    CHECK_INT(atomic_load(&polls[0]), CHANGED);
}

static void test_a_change_between_looking_and_parking_is_not_missed(void **state)
{
    (void)state;
    struct hub *hub = open_hub(&clock_system);

    admit(hub, MACHINE, 1);
    uint64_t ticket = hub_ticket(hub, MACHINE);
    hub_wake(hub, MACHINE);
    CHECK(!hub_park(hub, MACHINE, ticket, &polls[0]));
    CHECK_INT(atomic_load(&polls[0]), 0);
    CHECK(park(hub, MACHINE, 0));
    hub_close(&hub);
}

static void test_a_second_poll_takes_the_place_of_the_first(void **state)
{
    (void)state;
    struct hub *hub = open_hub(&clock_system);

    admit(hub, MACHINE, 1);
    CHECK(park(hub, MACHINE, 0));
    CHECK(park(hub, MACHINE, 1));
    CHECK_INT(atomic_load(&polls[0]), DROPPED);
    CHECK_INT(atomic_load(&polls[1]), 0);
    CHECK_INT(hub_totals(hub).parked, 1);
    hub_close(&hub);
    CHECK_INT(atomic_load(&polls[1]), DROPPED);
}

static void test_a_new_epoch_lets_go_of_the_old_ones_poll(void **state)
{
    (void)state;
    struct hub *hub = open_hub(&clock_system);

    CHECK(!park(hub, MACHINE, 0));
    admit(hub, MACHINE, 1);
    CHECK(park(hub, MACHINE, 0));
    admit(hub, MACHINE, 1);
    CHECK_INT(atomic_load(&polls[0]), 0);
    admit(hub, MACHINE, 2);
    CHECK_INT(atomic_load(&polls[0]), DROPPED);
    CHECK(park(hub, MACHINE, 1));
    hub_forget(hub, MACHINE);
    CHECK_INT(atomic_load(&polls[1]), DROPPED);
    CHECK(!park(hub, MACHINE, 2));
    hub_close(&hub);
}

static void test_nothing_parks_once_it_stops(void **state)
{
    (void)state;
    struct hub *hub = open_hub(&clock_system);

    for (int i = 0; i < 3; i++) {
        admit(hub, i, 1);
        CHECK(park(hub, i, i));
    }
    hub_stop(hub);
    for (int i = 0; i < 3; i++)
        CHECK_INT(atomic_load(&polls[i]), DROPPED);
    CHECK(!park(hub, 1, 4));
    hub_close(&hub);
}

static void test_waking_all_reaches_everyone(void **state)
{
    (void)state;
    struct hub *hub = open_hub(&clock_system);

    /* More than the first buckets hold, so that the table grows under way. */
    for (int64_t id = 0; id < 1000; id++)
        admit(hub, id, id + 1);
    for (int i = 0; i < POLL_COUNT; i++)
        CHECK(park(hub, i * 15, i));
    uint64_t ticket = hub_ticket(hub, 1);
    hub_wake_all(hub);
    CHECK(!hub_park(hub, 1, ticket, &polls[0]));
    for (int i = 0; i < POLL_COUNT; i++)
        CHECK_INT(atomic_load(&polls[i]), CHANGED);
    for (int64_t id = 0; id < 1000; id++) {
        struct hub_session session;
        CHECK(hub_find(hub, id, id + 1, &session));
        CHECK_INT(session.public_key[0], (uint8_t)(id + 1));
    }
    hub_close(&hub);
}

static void test_connected_is_who_was_heard_of_within_the_lease(void **state)
{
    (void)state;
    struct clock clock = clock_held((struct instant){ 0 });
    struct hub *hub = open_hub(&clock);

    admit(hub, 1, 1);
    admit(hub, 2, 1);
    CHECK_INT(hub_totals(hub).connected, 0);
    clock_advance(&clock, 1);
    hub_touch(hub, 1);
    hub_touch(hub, 3);
    CHECK_INT(hub_totals(hub).known, 2);
    CHECK_INT(hub_totals(hub).connected, 1);
    clock_advance(&clock, LEASE_MS * US_PER_MS - 1);
    CHECK_INT(hub_totals(hub).connected, 1);
    clock_advance(&clock, 1);
    CHECK_INT(hub_totals(hub).connected, 0);
    hub_close(&hub);
}

static void test_a_heartbeat_is_regular_when_it_is_due(void **state)
{
    (void)state;
    struct clock clock = clock_held((struct instant){ 0 });
    struct hub *hub = open_hub(&clock);

    clock_advance(&clock, 1);
    CHECK(!hub_beat(hub, MACHINE));
    admit(hub, MACHINE, 1);
    CHECK(hub_beat(hub, MACHINE));
    CHECK(!hub_beat(hub, MACHINE));
    clock_advance(&clock, HEARTBEAT_MS * US_PER_MS);
    CHECK(hub_beat(hub, MACHINE));
    clock_advance(&clock, HEARTBEAT_MS * US_PER_MS * 3 / 4 - 1);
    CHECK(!hub_beat(hub, MACHINE));
    clock_advance(&clock, HEARTBEAT_MS * US_PER_MS * 3 / 4);
    CHECK(hub_beat(hub, MACHINE));
    hub_close(&hub);
}

/* Threads that park and wake as they like. */
static atomic_int parked_count, released_count;

static void count_any(void *poll, enum hub_reason reason)
{
    (void)poll;
    (void)reason;
    atomic_fetch_add(&released_count, 1);
}

static void *park_and_wake(void *context)
{
    struct hub *hub = context;

    for (int i = 0; i < 5000; i++) {
        if (hub_park(hub, i % 5, hub_ticket(hub, i % 5), &polls[0]))
            atomic_fetch_add(&parked_count, 1);
        if (i % 3 == 0)
            hub_wake(hub, i % 7);
    }
    return NULL;
}

static void test_every_poll_is_let_go_exactly_once(void **state)
{
    (void)state;
    struct hub *hub = hub_open(&clock_system, count_any);
    pthread_t threads[4];

    for (int i = 0; i < 5; i++)
        admit(hub, i, 1);
    for (int i = 0; i < 4; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, park_and_wake, hub), 0);
    for (int i = 0; i < 4; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    hub_close(&hub);
    CHECK(atomic_load(&parked_count) > 0);
    CHECK_INT(atomic_load(&released_count), atomic_load(&parked_count));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_session_is_known_by_its_epoch),
        cmocka_unit_test(test_a_wake_lets_go_of_the_poll_once),
        cmocka_unit_test(test_a_change_between_looking_and_parking_is_not_missed),
        cmocka_unit_test(test_a_second_poll_takes_the_place_of_the_first),
        cmocka_unit_test(test_a_new_epoch_lets_go_of_the_old_ones_poll),
        cmocka_unit_test(test_nothing_parks_once_it_stops),
        cmocka_unit_test(test_waking_all_reaches_everyone),
        cmocka_unit_test(test_connected_is_who_was_heard_of_within_the_lease),
        cmocka_unit_test(test_a_heartbeat_is_regular_when_it_is_due),
        cmocka_unit_test(test_every_poll_is_let_go_exactly_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
