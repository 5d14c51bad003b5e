/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/clock_steady.h"

#include "check.h"

#define BEGIN ((struct instant){ INT64_C(1795356000000000) })

/* A wall clock that can be set, beside a boot clock that cannot. */
struct bench {
    struct clock wall;
    struct clock_steady steady;
};

static void begin(struct bench *bench)
{
    bench->wall = clock_held(BEGIN);
    clock_steady_open(&bench->steady, &bench->wall);
}

static void set(struct bench *bench, int64_t by_us)
{
    bench->wall.held_now = instant_add(bench->wall.held_now, by_us);
}

static enum clock_news look(struct bench *bench)
{
    int64_t apart_us;

    return clock_steady_look(&bench->steady, &apart_us);
}

static int64_t passed_us(const struct bench *bench)
{
    return instant_until(BEGIN, clock_now(&bench->steady.clock));
}

static void test_passes_like_the_boot_clock(void **state)
{
    struct bench bench;

    (void)state;
    begin(&bench);
    CHECK_INT(passed_us(&bench), 0);
    clock_advance(&bench.wall, 1234567);
    CHECK_INT(passed_us(&bench), 1234567);
    CHECK_INT(look(&bench), CLOCK_NO_NEWS);
    CHECK_INT(passed_us(&bench), 1234567);
    CHECK_INT(clock_boot_us(&bench.steady.clock), clock_boot_us(&bench.wall));
}

static void test_edges_of_what_is_followed(void **state)
{
    static const struct {
        int64_t set_us;
        enum clock_news news;
        int64_t follows_us; /* with the next look, a second after the last */
    } cases[] = {
        { 0, CLOCK_NO_NEWS, 0 },
        { 499, CLOCK_NO_NEWS, 499 },
        { 500, CLOCK_NO_NEWS, 500 },
        { 501, CLOCK_NO_NEWS, 500 },
        { -501, CLOCK_NO_NEWS, -500 },
        { CLOCK_APART_US, CLOCK_NO_NEWS, 500 },
        { CLOCK_APART_US + 1, CLOCK_WAS_SET, 0 },
        { -CLOCK_APART_US, CLOCK_NO_NEWS, -500 },
        { -CLOCK_APART_US - 1, CLOCK_WAS_SET, 0 },
        { 3600 * US_PER_SECOND, CLOCK_WAS_SET, 0 },
        { -3600 * US_PER_SECOND, CLOCK_WAS_SET, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench bench;
        int64_t apart_us;

        check_row("row %zu", i);
        begin(&bench);
        clock_advance(&bench.wall, US_PER_SECOND);
        set(&bench, cases[i].set_us);
        CHECK_INT(clock_steady_look(&bench.steady, &apart_us), cases[i].news);
        CHECK_INT(apart_us, cases[i].set_us);
        CHECK_INT(passed_us(&bench), US_PER_SECOND + cases[i].follows_us);
    }
}

static void test_news_are_told_once(void **state)
{
    struct bench bench;

    (void)state;
    begin(&bench);
    set(&bench, 10 * US_PER_SECOND);
    CHECK_INT(look(&bench), CLOCK_WAS_SET);
    clock_advance(&bench.wall, US_PER_SECOND);
    CHECK_INT(look(&bench), CLOCK_NO_NEWS);
    set(&bench, -9 * US_PER_SECOND);
    CHECK_INT(look(&bench), CLOCK_AGREES_AGAIN);
    CHECK_INT(look(&bench), CLOCK_NO_NEWS);
}

/* Whatever the wall clock does, an hour is an hour, but for the slew; and nothing is ever before
 * what was. */
static void test_law_of_elapsed_time(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        struct bench bench;
        int64_t last_us = 0;

        check_row("round %d", round);
        begin(&bench);
        for (int step = 0; step < 200; step++) {
            clock_advance(&bench.wall, (int64_t)check_random(3 * US_PER_SECOND));
            if (check_random(5) == 0)
                set(&bench, (int64_t)check_random(8 * US_PER_SECOND) - 4 * US_PER_SECOND);
            if (check_random(50) == 0)
                set(&bench, (int64_t)check_random(80000000000) - 40000000000);
            if (check_random(3) > 0)
                (void)look(&bench);
            CHECK(passed_us(&bench) >= last_us);
            last_us = passed_us(&bench);
            int64_t off_us = last_us - clock_boot_us(&bench.wall);
            CHECK((off_us < 0 ? -off_us : off_us) <= clock_boot_us(&bench.wall) / CLOCK_SLEW_PART);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes_like_the_boot_clock),
        cmocka_unit_test(test_edges_of_what_is_followed),
        cmocka_unit_test(test_news_are_told_once),
        cmocka_unit_test(test_law_of_elapsed_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
