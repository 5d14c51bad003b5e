/* SPDX-License-Identifier: Apache-2.0 */
#include "store/listen.h"

#include <poll.h>
#include <stdio.h>

#include "store/store.h"
#include "store/support.h"
#include "store/support_postgres.h"

struct heard {
    struct db_change changes[64];
    size_t count;
};

static void hear(void *context, struct db_change change)
{
    struct heard *heard = context;

    CHECK(heard->count < 64);
    heard->changes[heard->count++] = change;
}

/* All that comes until `count` have come, or nothing does. */
static void receive(struct listen *listen, struct heard *heard, size_t count)
{
    struct error err;

    CHECK_OK(listen_receive(listen, hear, heard, &err), &err);
    while (heard->count < count) {
        struct pollfd polled = { .fd = listen_descriptor(listen), .events = POLLIN };

        CHECK(poll(&polled, 1, 5000) == 1);
        CHECK_OK(listen_receive(listen, hear, heard, &err), &err);
    }
}

static void test_others_hear_what_one_says(void **state)
{
    static const struct db_change said[] = {
        { TOPIC_MACHINE, 1 },
        { TOPIC_LAST, INT64_MAX },
        { TOPIC_USER, STORE_ID_ANY },
    };
    struct support *support = *state;
    struct listen *speaker, *listener;
    struct heard heard = { .count = 0 }, echo = { .count = 0 };
    struct error err;

    CHECK_OK(listen_open(support->location, &speaker, &err), &err);
    CHECK_OK(listen_open(support->location, &listener, &err), &err);
    CHECK_OK(listen_send(speaker, said, 0, &err), &err);
    CHECK_OK(listen_send(speaker, said, 3, &err), &err);
    receive(listener, &heard, 3);
    CHECK_INT((int64_t)heard.count, 3);
    for (size_t i = 0; i < 3; i++) {
        CHECK_INT(heard.changes[i].topic, said[i].topic);
        CHECK_INT(heard.changes[i].id, said[i].id);
    }
    receive(speaker, &echo, 0);
    CHECK_INT((int64_t)echo.count, 0);
    listen_close(&speaker);
    listen_close(&listener);
    CHECK(speaker == NULL);
}

static void test_what_makes_no_sense_is_not_heard(void **state)
{
    struct support *support = *state;
    struct listen *listener;
    struct heard heard = { .count = 0 };
    struct error err;

    CHECK_OK(listen_open(support->location, &listener, &err), &err);
    postgres_server_script(
        support->location,
        "NOTIFY berth;"
        "NOTIFY berth, '';"
        "NOTIFY berth, 'x';"
        "NOTIFY berth, 'x:1';"
        "NOTIFY berth, 'x:1:';"
        "NOTIFY berth, 'x:-1:2';"
        "NOTIFY berth, 'x:6:2';"
        "NOTIFY berth, 'x:1:9223372036854775808';"
        "NOTIFY berth, 'x:1:2 ';"
        "NOTIFY berth, '0123456789012345678901234567890123456789012345678901234567890:1:2';"
        "NOTIFY berth, 'x:1:2'");
    receive(listener, &heard, 1);
    CHECK_INT((int64_t)heard.count, 1);
    CHECK_INT(heard.changes[0].topic, TOPIC_CONTRACT);
    CHECK_INT(heard.changes[0].id, 2);
    listen_close(&listener);
}

static void test_as_much_as_a_queue_holds_can_be_said_at_once(void **state)
{
    enum { COUNT = 4096 + 4 };
    static struct db_change said[COUNT];
    struct support *support = *state;
    struct listen *speaker;
    struct error err;

    for (int i = 0; i < COUNT; i++)
        said[i] = (struct db_change){ TOPIC_MACHINE, INT64_MAX - i };
    CHECK_OK(listen_open(support->location, &speaker, &err), &err);
    CHECK_OK(listen_send(speaker, said, COUNT, &err), &err);
    listen_close(&speaker);
}

static void test_without_a_server_there_is_nothing_to_hear(void **state)
{
    struct support *support = *state;
    struct listen *listener = NULL;
    struct heard heard = { .count = 0 };
    struct error err;

    CHECK_FAILS(listen_open("postgresql:///none?host=/nowhere", &listener, &err), &err,
                ERROR_UNREACHABLE);
    CHECK(listener == NULL);
    store_close(&support->store);
    CHECK_OK(listen_open(support->location, &listener, &err), &err);
    CHECK(support_kill_postgres());
    CHECK_FAILS(listen_receive(listener, hear, &heard, &err) &&
                    listen_receive(listener, hear, &heard, &err),
                &err, ERROR_UNREACHABLE);
    CHECK_FAILS(listen_send(listener, &(struct db_change){ TOPIC_USER, 1 }, 1, &err), &err,
                ERROR_UNREACHABLE);
    listen_close(&listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_others_hear_what_one_says),
        cmocka_unit_test(test_what_makes_no_sense_is_not_heard),
        cmocka_unit_test(test_as_much_as_a_queue_holds_can_be_said_at_once),
        cmocka_unit_test(test_without_a_server_there_is_nothing_to_hear),
    };
    return SUPPORT_RUN_ON(SUPPORT_POSTGRES, tests);
}
