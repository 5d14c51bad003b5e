/* SPDX-License-Identifier: Apache-2.0 */
#include "market/disk_watch.h"

#include "check.h"

enum { GB = 1024, DISK_GB = 40 };

#define SECOND US_PER_SECOND

static struct disk_watch_facts facts_of(int64_t used_mb, int64_t now_us)
{
    return (struct disk_watch_facts){ .used_mb = used_mb,
                                      .disk_gb = DISK_GB,
                                      .running_since = { 1000 * SECOND },
                                      .now = { now_us } };
}

static enum disk_watch_ruling rule(int64_t used_mb, int64_t now_us, int64_t *warned_us)
{
    struct disk_watch_facts facts = facts_of(used_mb, now_us);
    struct instant warned = { *warned_us };
    enum disk_watch_ruling ruling = disk_watch(&facts, &warned);

    *warned_us = warned.microseconds;
    return ruling;
}

static void test_a_warning_comes_once_and_before_a_stop(void **state)
{
    const int64_t now = 5000 * SECOND, limit = DISK_GB * GB;
    int64_t warned = 0;

    (void)state;
    CHECK_INT(rule(-1, now, &warned), DISK_WATCH_FINE);
    CHECK_INT(rule(0, now, &warned), DISK_WATCH_FINE);
    CHECK_INT(rule(limit * 9 / 10, now, &warned), DISK_WATCH_FINE);
    CHECK_INT(warned, 0);
    CHECK_INT(rule(limit * 9 / 10 + 1, now, &warned), DISK_WATCH_WARN);
    CHECK_INT(warned, now);
    CHECK_INT(rule(limit * 9 / 10 + 1, now + SECOND, &warned), DISK_WATCH_FINE);
    CHECK_INT(warned, now);

    /* Full to the last megabyte is what it rented, for as long as it likes. */
    CHECK_INT(rule(limit, now + DISK_WATCH_GRACE_US * 100, &warned), DISK_WATCH_FINE);
    CHECK_INT(rule(limit + 1, now + DISK_WATCH_GRACE_US - 1, &warned), DISK_WATCH_FINE);
    CHECK_INT(rule(limit + 1, now + DISK_WATCH_GRACE_US, &warned), DISK_WATCH_STOP);

    /* Between the two marks it is neither told again nor forgotten; below both it is forgotten. */
    CHECK_INT(rule(limit * 8 / 10 + 1, now, &warned), DISK_WATCH_FINE);
    CHECK_INT(warned, now);
    CHECK_INT(rule(limit * 8 / 10, now, &warned), DISK_WATCH_FINE);
    CHECK_INT(warned, 0);
    CHECK_INT(rule(-1, now, &warned), DISK_WATCH_FINE);
}

static void test_what_runs_away_is_warned_and_stopped_at_the_next_look(void **state)
{
    const int64_t now = 5000 * SECOND, limit = DISK_GB * GB;
    int64_t warned = 0;

    (void)state;
    CHECK_INT(rule(limit * 3 / 2 + 1, now, &warned), DISK_WATCH_WARN);
    CHECK_INT(rule(limit * 3 / 2, now + SECOND, &warned), DISK_WATCH_FINE);
    CHECK_INT(rule(limit * 3 / 2 + 1, now + SECOND, &warned), DISK_WATCH_STOP);
}

/* It was stopped for it, and started to delete something. */
static void test_a_start_gives_time(void **state)
{
    const int64_t start = 1000 * SECOND, limit = DISK_GB * GB;
    int64_t warned = 900 * SECOND;

    (void)state;
    CHECK_INT(rule(limit * 10, start + DISK_WATCH_GRACE_US - 1, &warned), DISK_WATCH_FINE);
    CHECK_INT(rule(limit * 10, start + DISK_WATCH_GRACE_US, &warned), DISK_WATCH_STOP);
}

static void test_no_number_is_too_large(void **state)
{
    struct disk_watch_facts facts = facts_of(INT64_MAX, 5000 * SECOND);
    struct instant warned = { 0 };

    (void)state;
    facts.disk_gb = INT64_MAX;
    CHECK_INT(disk_watch(&facts, &warned), DISK_WATCH_FINE);
    facts.disk_gb = 1;
    CHECK_INT(disk_watch(&facts, &warned), DISK_WATCH_WARN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_warning_comes_once_and_before_a_stop),
        cmocka_unit_test(test_what_runs_away_is_warned_and_stopped_at_the_next_look),
        cmocka_unit_test(test_a_start_gives_time),
        cmocka_unit_test(test_no_number_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
