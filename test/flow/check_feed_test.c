/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_feed.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "check.h"

struct seen {
    pthread_t sender;
    int64_t next; /* the number that the next journal has to have */
    size_t blocks;
    long pause_ns;
};

static void see(void *context, const struct check_block *block)
{
    struct seen *seen = context;

    CHECK(!pthread_equal(pthread_self(), seen->sender));
    for (size_t i = 0; i < block->journal_count; i++)
        CHECK_INT(block->journals[i].at[0], seen->next++);
    CHECK_INT((int64_t)block->leg_count, 0);
    seen->blocks++;
    if (seen->pause_ns > 0)
        (void)nanosleep(&(struct timespec){ .tv_nsec = seen->pause_ns }, NULL);
}

static void send(struct check_feed *feed, int64_t *number, size_t count)
{
    struct check_block *block = check_feed_block(feed);

    CHECK_INT((int64_t)(block->journal_count + block->leg_count + block->seal_count), 0);
    for (size_t i = 0; i < count; i++)
        block->journals[block->journal_count++].at[0] = (*number)++;
    check_feed_send(feed);
}

/* However slow the one side or the other is. */
static void test_blocks_come_in_order_and_all_of_them(void **state)
{
    static const long pauses[] = { 0, 200000 };
    enum { BLOCKS = 100 };

    (void)state;
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        struct seen seen = { .sender = pthread_self(), .pause_ns = pauses[i] };
        struct check_feed *feed;
        struct error err;
        int64_t number = 0;

        CHECK_OK(check_feed_start(see, &seen, &feed, &err), &err);
        for (size_t block = 0; block < BLOCKS; block++)
            send(feed, &number, block % CHECK_BLOCK_JOURNALS);
        check_feed_finish(&feed);
        CHECK(feed == NULL);
        CHECK_INT((int64_t)seen.blocks, BLOCKS);
        CHECK_INT(seen.next, number);
    }
}

static void test_what_is_not_sent_is_dropped(void **state)
{
    struct seen seen = { .sender = pthread_self() };
    struct check_feed *feed;
    struct error err;
    int64_t number = 0;

    (void)state;
    CHECK_OK(check_feed_start(see, &seen, &feed, &err), &err);
    send(feed, &number, 7);
    check_feed_block(feed)->journals[0].at[0] = -1;
    check_feed_block(feed)->journal_count = 1;
    check_feed_finish(&feed);
    CHECK_INT((int64_t)seen.blocks, 1);
    CHECK_INT(seen.next, 7);
}

static bool has_threads = true;

/* The linker puts it in the place of the other. */
int __real_pthread_create(pthread_t *ret, const pthread_attr_t *attributes,
                          void *(*work)(void *context), void *context);
int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attributes,
                          void *(*work)(void *context), void *context);
int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attributes,
                          void *(*work)(void *context), void *context)
{
    return has_threads ? __real_pthread_create(ret, attributes, work, context) : EAGAIN;
}

static void test_without_a_thread_nothing_begins(void **state)
{
    struct seen seen = { .sender = pthread_self() };
    struct check_feed *feed = NULL;
    struct error err;

    (void)state;
    has_threads = false;
    CHECK_FAILS(check_feed_start(see, &seen, &feed, &err), &err, ERROR_IO);
    has_threads = true;
    CHECK(feed == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_thread_nothing_begins),
        cmocka_unit_test(test_blocks_come_in_order_and_all_of_them),
        cmocka_unit_test(test_what_is_not_sent_is_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
