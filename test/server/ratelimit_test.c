/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ratelimit.h"

#include <string.h>

#include "base/instant.h"
#include "check.h"

static struct hash caller(uint64_t number)
{
    return crypto_sha256(&number, sizeof number);
}

static struct rate_limits limits_of(uint32_t per_second, uint32_t burst)
{
    struct rate_limits limits = { 0 };

    limits.of[RATE_READ] = (struct rate_limit){ per_second, burst };
    limits.of[RATE_WRITE] = (struct rate_limit){ per_second, burst };
    return limits;
}

static void test_a_burst_is_granted_and_then_the_rate(void **state)
{
    struct rate_limits limits = limits_of(10, 5);
    struct ratelimit *ratelimit = ratelimit_open(&limits);
    struct hash me = caller(1);
    int64_t now_us = 1000 * US_PER_SECOND, wait_us = 42;

    (void)state;
    for (int i = 0; i < 5; i++)
        CHECK(ratelimit_take(ratelimit, &me, RATE_READ, now_us, &wait_us));
    CHECK_INT(wait_us, 42);
    CHECK(!ratelimit_take(ratelimit, &me, RATE_READ, now_us, &wait_us));
    CHECK_INT(wait_us, 100000);
    CHECK(!ratelimit_take(ratelimit, &me, RATE_READ, now_us + 99999, &wait_us));
    CHECK_INT(wait_us, 1);
    CHECK(ratelimit_take(ratelimit, &me, RATE_READ, now_us + 100000, &wait_us));
    CHECK(!ratelimit_take(ratelimit, &me, RATE_READ, now_us + 100000, &wait_us));
    ratelimit_close(&ratelimit);
}

/* Whoever calls as often as they can gets the rate, to the token. */
static void test_over_a_minute_the_rate_is_exact(void **state)
{
    struct rate_limits limits = limits_of(50, 20);
    struct ratelimit *ratelimit = ratelimit_open(&limits);
    struct hash me = caller(1);
    int64_t granted = 0, wait_us = 0;

    (void)state;
    for (int64_t us = US_PER_SECOND; us < 61 * US_PER_SECOND; us += 1 + (int64_t)check_random(2000))
        granted += ratelimit_take(ratelimit, &me, RATE_READ, us, &wait_us);
    CHECK(granted >= 60 * 50 + 20 - 2 && granted <= 60 * 50 + 20);
    ratelimit_close(&ratelimit);
}

static void test_callers_and_classes_do_not_share(void **state)
{
    struct rate_limits limits = limits_of(1, 1);
    struct ratelimit *ratelimit = ratelimit_open(&limits);
    struct hash me = caller(1), you = caller(2);
    int64_t wait_us = 0;

    (void)state;
    CHECK(ratelimit_take(ratelimit, &me, RATE_READ, 1, &wait_us));
    CHECK(!ratelimit_take(ratelimit, &me, RATE_READ, 1, &wait_us));
    CHECK(ratelimit_take(ratelimit, &me, RATE_WRITE, 1, &wait_us));
    CHECK(ratelimit_take(ratelimit, &you, RATE_READ, 1, &wait_us));
    /* A class without a limit, and none at all. */
    for (int i = 0; i < 100; i++) {
        CHECK(ratelimit_take(ratelimit, &me, RATE_SEARCH, 1, &wait_us));
        CHECK(ratelimit_take(ratelimit, &me, RATE_NONE, 1, &wait_us));
    }
    ratelimit_close(&ratelimit);
}

/* A flood of strangers makes the table forget the harmless, not one who has been held back. */
static void test_an_abuser_is_not_forgotten_for_a_flood(void **state)
{
    struct rate_limits limits = limits_of(1, 1000);
    struct ratelimit *ratelimit = ratelimit_open(&limits);
    struct hash abuser = caller(0);
    int64_t wait_us = 0;

    (void)state;
    while (ratelimit_take(ratelimit, &abuser, RATE_READ, 1, &wait_us))
        continue;
    for (uint64_t i = 1; i < 200000; i++) {
        struct hash stranger = caller(i);

        CHECK(ratelimit_take(ratelimit, &stranger, RATE_READ, 1, &wait_us));
    }
    CHECK(!ratelimit_take(ratelimit, &abuser, RATE_READ, 1, &wait_us));
    ratelimit_close(&ratelimit);
}

static void test_the_defaults_let_a_person_through(void **state)
{
    struct rate_limits limits = rate_limits_default();

    (void)state;
    for (size_t i = 0; i < RATE_CLASS_COUNT; i++) {
        CHECK(limits.of[i].per_second >= 10);
        CHECK(limits.of[i].burst >= limits.of[i].per_second);
        /* A token is never less than a microsecond. */
        CHECK(rate_limits_times(RATE_FACTOR_MAX).of[i].per_second <= US_PER_SECOND);
        CHECK_INT(rate_limits_times(3).of[i].burst, 3 * (int64_t)limits.of[i].burst);
        CHECK_INT(rate_limits_times(0).of[i].per_second, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_burst_is_granted_and_then_the_rate),
        cmocka_unit_test(test_over_a_minute_the_rate_is_exact),
        cmocka_unit_test(test_callers_and_classes_do_not_share),
        cmocka_unit_test(test_an_abuser_is_not_forgotten_for_a_flood),
        cmocka_unit_test(test_the_defaults_let_a_person_through),
    };

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
