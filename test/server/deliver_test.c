/* SPDX-License-Identifier: Apache-2.0 */
#include "server/deliver.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "store/support.h"

enum { ANSWER_NONE = -1 };

/* A provider that answers what the test says, and counts. */
struct provider {
    atomic_int calls;
    atomic_int status; /* ANSWER_NONE: there is no answer */
    char last_key[64];
};

static bool answer(void *context, const struct outbox_item *item, int64_t *ret_status,
                   struct buf *response, struct error *err)
{
    struct provider *provider = context;
    int status = atomic_load(&provider->status);

    memccpy(provider->last_key, item->key, '\0', sizeof provider->last_key - 1);
    atomic_fetch_add(&provider->calls, 1);
    if (status == ANSWER_NONE)
        return error_set(err, ERROR_UNREACHABLE, "nobody is there");
    buf_printf(response, "said %d", status);
    *ret_status = status;
    return true;
}

struct fixture {
    struct clock clock;
    struct log log;
    struct flow flow;
    struct metrics *metrics;
    struct provider mail;
    struct deliver_provider providers[1];
    struct deliver *deliver;
};

static struct fixture fixture;

static void open_deliver(struct support *support)
{
    struct error err;

    memset(&fixture, 0, sizeof fixture);
    fixture.clock = clock_held((struct instant){ US_PER_HOUR });
    fixture.log = log_silent();
    fixture.flow =
        (struct flow){ .store = support->store, .clock = &fixture.clock, .log = &fixture.log };
    fixture.metrics = metrics_open(0);
    fixture.providers[0] = (struct deliver_provider){ "mail", answer, &fixture.mail };
    const struct deliver_options options = { .flow = &fixture.flow,
                                             .metrics = fixture.metrics,
                                             .server_proc = "test",
                                             .providers = fixture.providers,
                                             .provider_count = 1 };
    CHECK_OK(deliver_open(&options, &fixture.deliver, &err), &err);
}

static void close_deliver(void)
{
    deliver_close(&fixture.deliver);
    metrics_close(&fixture.metrics);
}

static bool append(struct db *db, void *context, struct error *err)
{
    const struct outbox_item *item = context;

    return outbox_append(db, item, clock_now(&fixture.clock), err);
}

static void post(struct support *support, const char *key, const char *provider)
{
    struct outbox_item item = {
        .key = key, .provider = provider, .method = "POST", .path = "/", .body = "hello"
    };

    support_write(support, append, &item);
    deliver_wake(fixture.deliver);
}

static bool read_next(struct db *db, void *context, struct error *err)
{
    struct instant *due = context;
    bool has;

    return outbox_next(db, OUTBOX_PROMPT, due, &has, err) && (has || (due->microseconds = 0, true));
}

/* When the next item is due; 0 where none waits. */
static int64_t next_due_us(struct support *support)
{
    struct instant due = { 0 };

    support_read(support, read_next, &due);
    return due.microseconds;
}

static bool is_soon(int calls)
{
    for (int i = 0; i < 5000 && atomic_load(&fixture.mail.calls) < calls; i++)
        (void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    return atomic_load(&fixture.mail.calls) == calls;
}

/* Once it is done nothing waits; the result is stored a little after the provider was asked. */
static bool is_empty_soon(struct support *support)
{
    for (int i = 0; i < 5000 && next_due_us(support) != 0; i++)
        (void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    return next_due_us(support) == 0;
}

static void test_what_is_posted_is_delivered_once(void **state)
{
    struct support *support = *state;

    open_deliver(support);
    atomic_store(&fixture.mail.status, 200);
    post(support, "welcome:1", "mail");
    CHECK(is_soon(1));
    CHECK(is_empty_soon(support));
    CHECK_TEXT(fixture.mail.last_key, "welcome:1");
    post(support, "welcome:1", "mail");
    post(support, "welcome:2", "mail");
    CHECK(is_soon(2));
    CHECK(is_empty_soon(support));
    close_deliver();
}

/* Due again, and how much later. */
static int64_t pause_until_again_us(struct support *support)
{
    for (int i = 0; i < 5000; i++) {
        int64_t due_us = next_due_us(support);
        int64_t pause_us = due_us - clock_now(&fixture.clock).microseconds;
        /* While it is leased it is due at the end of its lease: not a result yet. */
        if (due_us != 0 && pause_us > 0 && pause_us != DELIVER_LEASE_SECONDS * US_PER_SECOND)
            return pause_us;
        (void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
    return -1;
}

static void test_no_answer_is_asked_again_later(void **state)
{
    struct support *support = *state;

    open_deliver(support);
    atomic_store(&fixture.mail.status, ANSWER_NONE);
    post(support, "welcome:1", "mail");
    CHECK(is_soon(1));
    CHECK_INT(pause_until_again_us(support), DELIVER_PAUSE_SECONDS * US_PER_SECOND);

    atomic_store(&fixture.mail.status, 503);
    clock_advance(&fixture.clock, DELIVER_PAUSE_SECONDS * US_PER_SECOND);
    deliver_wake(fixture.deliver);
    CHECK(is_soon(2));
    CHECK_INT(pause_until_again_us(support), 2 * DELIVER_PAUSE_SECONDS * US_PER_SECOND);

    atomic_store(&fixture.mail.status, 202);
    clock_advance(&fixture.clock, 2 * DELIVER_PAUSE_SECONDS * US_PER_SECOND);
    deliver_wake(fixture.deliver);
    CHECK(is_soon(3));
    CHECK(is_empty_soon(support));
    close_deliver();
}

static void test_a_refusal_is_final(void **state)
{
    struct support *support = *state;

    open_deliver(support);
    atomic_store(&fixture.mail.status, 422);
    post(support, "welcome:1", "mail");
    CHECK(is_soon(1));
    CHECK(is_empty_soon(support));
    close_deliver();
}

static void test_an_item_without_a_provider_waits_for_one(void **state)
{
    struct support *support = *state;

    open_deliver(support);
    post(support, "refund:1", "fax");
    CHECK_INT(pause_until_again_us(support), DELIVER_PAUSE_SECONDS_MAX * US_PER_SECOND);
    CHECK_INT(atomic_load(&fixture.mail.calls), 0);
    close_deliver();
}

static void test_pauses_double_up_to_an_hour(void **state)
{
    (void)state;
    CHECK_INT(deliver_pause_s(0), 10);
    CHECK_INT(deliver_pause_s(1), 10);
    CHECK_INT(deliver_pause_s(2), 20);
    CHECK_INT(deliver_pause_s(9), 2560);
    CHECK_INT(deliver_pause_s(10), 3600);
    CHECK_INT(deliver_pause_s(INT64_MAX), 3600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_posted_is_delivered_once),
        cmocka_unit_test(test_no_answer_is_asked_again_later),
        cmocka_unit_test(test_a_refusal_is_final),
        cmocka_unit_test(test_an_item_without_a_provider_waits_for_one),
        cmocka_unit_test(test_pauses_double_up_to_an_hour),
    };
    return SUPPORT_RUN_ON(SUPPORT_SQLITE, tests);
}
