/* SPDX-License-Identifier: Apache-2.0 */
/* Everything at once, in no order: clients that wait, leave, stream and pipeline, replies from
 * other threads, holds that run out, and a stop in the middle of it. The sanitizers watch; what is
 * checked here is that everybody who stays is answered, and that nothing is left open. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"
#include "sys/clock.h"

enum { CLIENTS = 6, SLOTS = 8, STREAMS = 8, STORM_MS = 1500 };

static pthread_mutex_t slot_lock = PTHREAD_MUTEX_INITIALIZER;
static struct http_exchange *slots[SLOTS]; /* as a hub keeps one poll a machine */
static struct http_stream *streams[STREAMS];
static atomic_bool is_over;
static atomic_int answered;

static void answer(struct http_exchange *exchange)
{
    if (exchange != NULL)
        http_reply_static(exchange, 200, "text/plain", "done", 4);
}

static void work(void *context, struct http_exchange *exchange)
{
    (void)context;
    pause_ms(1);
    answer(exchange);
}

static void handle(void *context, struct http_exchange *exchange)
{
    const struct http_request *request = http_request_of(exchange);
    size_t which = request->query_count > 0 ? strtoul(request->query[0].value, NULL, 10) : 0;

    if (strcmp(request->path, "/hold") == 0) {
        http_hold(exchange, (int64_t)(which % 3) * 20);
        (void)pthread_mutex_lock(&slot_lock);
        struct http_exchange *displaced = slots[which % SLOTS];
        slots[which % SLOTS] = exchange;
        (void)pthread_mutex_unlock(&slot_lock);
        answer(displaced);
    } else if (strcmp(request->path, "/stream") == 0) {
        (void)pthread_mutex_lock(&slot_lock);
        http_stream_close(&streams[which % STREAMS]);
        streams[which % STREAMS] = http_stream(exchange);
        (void)pthread_mutex_unlock(&slot_lock);
    } else if (which % 2 == 0) {
        http_work(exchange, work, context);
    } else {
        answer(exchange);
    }
}

/* Replies to what is held and sends to what streams, from a thread of its own. */
static void *wake(void *argument)
{
    unsigned seed = 1;

    (void)argument;
    while (!atomic_load(&is_over)) {
        size_t which = (size_t)rand_r(&seed) % SLOTS;

        (void)pthread_mutex_lock(&slot_lock);
        struct http_exchange *exchange = slots[which];
        slots[which] = NULL;
        if (streams[which] != NULL && !http_stream_send(streams[which], "data: 1\n\n", 9))
            http_stream_close(&streams[which]);
        (void)pthread_mutex_unlock(&slot_lock);
        answer(exchange);
        pause_ms(1);
    }
    return NULL;
}

static void *storm(void *argument)
{
    static const char *const paths[] = { "/hold", "/stream", "/", "/", "/" };
    unsigned seed = (unsigned)(uintptr_t)argument;
    char *reply = malloc(ANSWER_MAX);

    CHECK(reply != NULL);
    while (!atomic_load(&is_over)) {
        int fd = socket_to(http_address(http));
        bool is_streaming = false;

        for (int i = rand_r(&seed) % 4; i >= 0 && !is_streaming; i--) {
            size_t path = (size_t)rand_r(&seed) % 5;
            char request[128];

            int length =
                snprintf(request, sizeof request, "GET %s?n=%d HTTP/1.1\r\nHost: h\r\n\r\n",
                         paths[path], rand_r(&seed) % 64);
            socket_send(fd, request, (size_t)length);
            is_streaming = path == 1;
            if (is_streaming)
                (void)socket_read(fd, reply, ANSWER_MAX, rand_r(&seed) % 20);
            else if (rand_r(&seed) % 4 == 0)
                break; /* Leave without waiting for the answer. */
            else
                atomic_fetch_add(&answered, socket_reply(fd, reply, ANSWER_MAX) > 0);
        }
        (void)close(fd);
    }
    free(reply);
    return NULL;
}

/* What clients that have left asked for may still be handled meanwhile, and come after. */
static void let_go(void)
{
    for (size_t i = 0; i < SLOTS; i++) {
        (void)pthread_mutex_lock(&slot_lock);
        struct http_exchange *exchange = slots[i];
        slots[i] = NULL;
        http_stream_close(&streams[i]);
        (void)pthread_mutex_unlock(&slot_lock);
        answer(exchange);
    }
}

static void test_nothing_is_lost_in_a_storm(void **state)
{
    struct http_options options = options_of_tests();
    pthread_t threads[CLIENTS + 1];

    (void)state;
    options.handler = handle;
    options.queue_max = 64;
    server_open(&options);
    CHECK_INT(pthread_create(&threads[CLIENTS], NULL, wake, NULL), 0);
    for (size_t i = 0; i < CLIENTS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, storm, (void *)(uintptr_t)(i + 1)), 0);
    pause_ms(STORM_MS);
    atomic_store(&is_over, true);
    for (size_t i = 0; i <= CLIENTS; i++)
        (void)pthread_join(threads[i], NULL);
    CHECK(atomic_load(&answered) > 100);
    for (int i = 0; i == 0 || (http_totals(http).open_now > 0 && i < 250); i++) {
        let_go();
        pause_ms(20);
    }
    struct http_totals totals = http_totals(http);
    CHECK_INT((int64_t)totals.open_now, 0);
    CHECK_INT((int64_t)totals.in_flight_now, 0);
    CHECK_INT((int64_t)totals.streams_now, 0);
    http_close(&http, 1000);
}

static void test_stopping_in_a_storm_ends_in_time(void **state)
{
    struct http_options options = options_of_tests();
    pthread_t threads[CLIENTS + 1];

    (void)state;
    atomic_store(&is_over, false);
    options.handler = handle;
    server_open(&options);
    int fds[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        char request[128];

        fds[i] = socket_to(http_address(http));
        int length = snprintf(request, sizeof request, "GET %s?n=%d HTTP/1.1\r\nHost: h\r\n\r\n",
                              i % 2 == 0 ? "/hold" : "/stream", 2 + 3 * i);
        socket_send(fds[i], request, (size_t)length);
    }
    CHECK_INT(pthread_create(&threads[0], NULL, wake, NULL), 0);
    pause_ms(20);
    int64_t start_us = clock_boot_us(&clock_system);
    http_close(&http, 1000);
    CHECK(clock_boot_us(&clock_system) - start_us < 1500000);
    atomic_store(&is_over, true);
    (void)pthread_join(threads[0], NULL);
    let_go();
    for (int i = 0; i < CLIENTS; i++)
        (void)close(fds[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_lost_in_a_storm),
        cmocka_unit_test(test_stopping_in_a_storm_ends_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
