/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/revival.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "sys/clock.h"

static int64_t now_us;
static struct revival revival;
static struct seen seen;

static void begin(void)
{
    now_us = US_PER_SECOND;
    revival = (struct revival){ 0 };
    seen = (struct seen){ .id = "c1", .state = SEEN_CREATED };
    revival_see(&revival, NULL, now_us);
    CHECK_INT(revival.due_us, -1);
    revival_see(&revival, &seen, now_us);
    CHECK_INT(revival.due_us, -1);
}

/* Another run, of that length; the pause that follows. */
static int64_t run(int number, int64_t run_ms)
{
    (void)snprintf(seen.started_at, sizeof seen.started_at, "t%d", number);
    seen.state = SEEN_RUNNING;
    revival_see(&revival, &seen, now_us);
    CHECK_INT(revival.due_us, -1);
    now_us += run_ms * US_PER_MS;
    revival_see(&revival, &seen, now_us);
    seen.state = SEEN_EXITED;
    revival_see(&revival, &seen, now_us);
    int64_t due_us = revival.due_us, pause_us = due_us - now_us;

    now_us += pause_us / 2; /* looked at again, it does not move */
    revival_see(&revival, &seen, now_us);
    CHECK_INT(revival.due_us, due_us);
    now_us = due_us;
    return pause_us / US_PER_MS;
}

static void test_pauses_double_up_to_a_limit(void **state)
{
    int64_t want_ms = REVIVAL_FIRST_MS;

    (void)state;
    begin();
    for (int i = 0; i < 100; i++) {
        check_row("run %d", i);
        CHECK_INT(run(i, (int64_t)check_random(REVIVAL_LONG_RUN_MS)), want_ms);
        want_ms = 2 * want_ms < REVIVAL_MAX_MS ? 2 * want_ms : REVIVAL_MAX_MS;
    }
}

static void test_a_long_run_makes_up_for_short_ones(void **state)
{
    (void)state;
    begin();
    CHECK_INT(run(1, 0), REVIVAL_FIRST_MS);
    CHECK_INT(run(2, REVIVAL_LONG_RUN_MS - 1), 2 * REVIVAL_FIRST_MS);
    CHECK_INT(run(3, REVIVAL_LONG_RUN_MS), REVIVAL_FIRST_MS);
    CHECK_INT(run(4, 0), 2 * REVIVAL_FIRST_MS);
}

/* One that was over before anybody looked. */
static void test_a_run_that_nobody_saw_was_short(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 3; i++) {
        seen.state = SEEN_EXITED;
        (void)snprintf(seen.started_at, sizeof seen.started_at, "t%d", i);
        now_us += 2 * REVIVAL_LONG_RUN_MS * US_PER_MS;
        revival_see(&revival, &seen, now_us);
        CHECK_INT(revival.due_us, now_us + (REVIVAL_FIRST_MS << i) * US_PER_MS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pauses_double_up_to_a_limit),
        cmocka_unit_test(test_a_long_run_makes_up_for_short_ones),
        cmocka_unit_test(test_a_run_that_nobody_saw_was_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
