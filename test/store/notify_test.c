/* SPDX-License-Identifier: Apache-2.0 */
#include "store/notify.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "store/support.h"

struct ear {
    atomic_int calls, any;
    atomic_int_fast64_t sum;
    sem_t may_go_on;
    bool waits;
    atomic_bool is_in;
};

static void hear(void *context, enum db_topic topic, int64_t id)
{
    struct ear *ear = context;

    (void)topic;
    ear->is_in = true;
    if (ear->waits)
        (void)sem_wait(&ear->may_go_on);
    ear->any += id == STORE_ID_ANY;
    ear->sum += id;
    ear->calls++;
}

static bool wait_for_calls(struct ear *ear, int calls)
{
    for (int tries = 0; tries < 10000 && ear->calls < calls; tries++)
        (void)usleep(1000);
    return ear->calls >= calls;
}

static struct notify *start(struct support *support, struct ear *ear)
{
    struct notify *notify;
    struct error err;

    CHECK_OK(
        notify_start(support->is_postgres ? support->location : NULL, &support->log, &notify, &err),
        &err);
    notify_subscribe(notify, hear, ear);
    return notify;
}

/* What a transaction left behind, made by hand. */
static void push(struct notify *notify, enum db_topic topic, int64_t first, size_t count)
{
    static struct db db;

    db.change_count = 0;
    db.changes_lost = 0;
    for (size_t i = 0; i < count; i++) {
        if (db.change_count == DB_CHANGES_MAX) {
            notify_push(notify, &db);
            db.change_count = 0;
        }
        db.changes[db.change_count++] = (struct db_change){ topic, first + (int64_t)i };
    }
    notify_push(notify, &db);
}

static void test_every_listener_hears_every_change(void **state)
{
    static struct ear ears[NOTIFY_LISTENERS_MAX];
    struct notify *notify = start(*state, &ears[0]);

    for (size_t i = 0; i < NOTIFY_LISTENERS_MAX; i++)
        ears[i] = (struct ear){ .waits = false };
    for (size_t i = 1; i < NOTIFY_LISTENERS_MAX; i++)
        notify_subscribe(notify, hear, &ears[i]);
    push(notify, TOPIC_MACHINE, 1, 100);
    for (size_t i = 0; i < NOTIFY_LISTENERS_MAX; i++) {
        CHECK(wait_for_calls(&ears[i], 100));
        CHECK_INT(ears[i].sum, 5050);
        CHECK_INT(ears[i].any, 0);
    }
    notify_stop(&notify);
    CHECK(notify == NULL);
}

/* A listener that is slow holds nobody up; what the queue cannot hold becomes "any". */
static void test_a_full_queue_says_that_anything_changed(void **state)
{
    struct ear ear = { .waits = true };
    struct notify *notify = start(*state, &ear);

    CHECK(sem_init(&ear.may_go_on, 0, 0) == 0);
    push(notify, TOPIC_USER, 1, 1);
    while (!ear.is_in)
        (void)usleep(1000);
    push(notify, TOPIC_USER, 1, NOTIFY_QUEUE_MAX);
    push(notify, TOPIC_USER, 1, 1);
    push(notify, TOPIC_MACHINE, 1, 3);
    for (int i = 0; i < NOTIFY_QUEUE_MAX + 3; i++)
        (void)sem_post(&ear.may_go_on);
    CHECK(wait_for_calls(&ear, NOTIFY_QUEUE_MAX + 3));
    (void)usleep(10000);
    CHECK_INT(ear.calls, NOTIFY_QUEUE_MAX + 3);
    CHECK_INT(ear.any, 2); /* of users, and of machines */
    notify_stop(&notify);
}

static void test_what_a_transaction_lost_is_any(void **state)
{
    struct ear ear = { .waits = false };
    struct notify *notify = start(*state, &ear);
    static struct db db;

    db.changes_lost = 1u << TOPIC_OUTBOX;
    notify_push(notify, &db);
    CHECK(wait_for_calls(&ear, 1));
    CHECK_INT(ear.any, 1);
    notify_stop(&notify);
}

/* Two servers on one PostgreSQL hear of each other, and of themselves once. */
static void test_servers_hear_of_each_other(void **state)
{
    struct support *support = *state;
    struct ear ears[2] = { 0 };
    struct notify *servers[2];

    for (size_t i = 0; i < 2; i++)
        servers[i] = start(support, &ears[i]);
    push(servers[0], TOPIC_CONTRACT, 1, 10);
    push(servers[1], TOPIC_CONTRACT, 101, 10);
    for (size_t i = 0; i < 2; i++) {
        int calls = support->is_postgres ? 20 : 10;

        CHECK(wait_for_calls(&ears[i], calls));
        (void)usleep(20000);
        CHECK_INT(ears[i].calls, calls);
        CHECK_INT(ears[i].any, 0);
    }
    if (support->is_postgres)
        CHECK_INT(ears[0].sum, 55 + 1055);
    for (size_t i = 0; i < 2; i++)
        notify_stop(&servers[i]);
}

/* When the connection has been down, anything may have happened. */
static void test_after_an_outage_anything_may_have_changed(void **state)
{
    struct support *support = *state;
    struct ear ears[2] = { 0 };
    struct notify *servers[2];

    store_close(&support->store);
    for (size_t i = 0; i < 2; i++)
        servers[i] = start(support, &ears[i]);
    if (support_kill_postgres()) {
        for (size_t i = 0; i < 2; i++) {
            for (int tries = 0; tries < 15000 && ears[i].any < TOPIC_LAST + 1; tries++)
                (void)usleep(1000);
            CHECK(ears[i].any >= TOPIC_LAST + 1);
        }
        /* And all is as it was. */
        (void)usleep(100000);
        int calls = ears[1].calls;
        push(servers[0], TOPIC_CONTRACT, 5, 1);
        CHECK(wait_for_calls(&ears[1], calls + 1));
    }
    for (size_t i = 0; i < 2; i++)
        notify_stop(&servers[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_listener_hears_every_change),
        cmocka_unit_test(test_a_full_queue_says_that_anything_changed),
        cmocka_unit_test(test_what_a_transaction_lost_is_any),
        cmocka_unit_test(test_servers_hear_of_each_other),
        cmocka_unit_test(test_after_an_outage_anything_may_have_changed),
    };
    return SUPPORT_RUN(tests);
}
