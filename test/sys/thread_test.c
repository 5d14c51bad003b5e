/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/thread.h"

#include <errno.h>

#include "base/instant.h"
#include "check.h"

static int64_t microseconds_of(struct timespec time)
{
    return time.tv_sec * US_PER_SECOND + time.tv_nsec / 1000;
}

static int64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return microseconds_of(now);
}

/* A whole second's carry among them, wherever in a second this runs. */
static void test_a_wait_ends_as_long_from_now_as_was_said(void **state)
{
    static const int64_t waits_us[] = { 0,      1,       999,     1000,       499999,     500000,
                                        999999, 1000000, 1000001, 3599999999, 86400000000 };

    (void)state;
    for (size_t i = 0; i < sizeof waits_us / sizeof waits_us[0]; i++) {
        int64_t before_us = now_us();
        struct timespec end = thread_after(waits_us[i]);
        int64_t after_us = now_us();

        check_row("%lld us", (long long)waits_us[i]);
        CHECK(end.tv_nsec >= 0 && end.tv_nsec < 1000000000);
        CHECK(microseconds_of(end) >= before_us + waits_us[i]);
        CHECK(microseconds_of(end) <= after_us + waits_us[i]);
    }
}

/* By the wall clock, decades ahead, that moment would be long gone, and the wait at once over. */
static void test_a_condition_waits_by_the_steady_clock(void **state)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond;

    (void)state;
    thread_cond(&cond);
    struct timespec end = thread_after(20 * US_PER_MS);
    (void)pthread_mutex_lock(&lock);
    int result = 0;
    while (result == 0)
        result = pthread_cond_timedwait(&cond, &lock, &end);
    (void)pthread_mutex_unlock(&lock);
    CHECK_INT(result, ETIMEDOUT);
    CHECK(now_us() >= microseconds_of(end));
    (void)pthread_cond_destroy(&cond);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wait_ends_as_long_from_now_as_was_said),
        cmocka_unit_test(test_a_condition_waits_by_the_steady_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
