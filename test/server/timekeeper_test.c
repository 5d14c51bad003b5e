/* SPDX-License-Identifier: Apache-2.0 */
#include "server/timekeeper.h"

#include <string.h>
#include <time.h>

#include "flow/liveness.h"
#include "flow/support.h"
#include "sys/clock_steady.h"

#define ALIVE_UNTIL_US (LIVENESS_SECONDS * US_PER_SECOND)

/* A market last served at WORLD_START, and the clock as it stands at the next start. */
static void begin(struct world *world, struct support *support, int64_t after_us)
{
    struct error err;

    world_open(world, support);
    CHECK_OK(flow_liveness(&world->flow, "before", &err), &err);
    world->clock.held_now = instant_add(world->clock.held_now, after_us);
}

static void test_edges_of_a_clock_that_fits(void **state)
{
    static const int64_t week_us = TIMEKEEPER_ABSENCE_DAYS * 24 * US_PER_HOUR;
    static const struct {
        int64_t after_us;
        const char *refusal; /* part of it; NULL: fits */
    } cases[] = {
        { 0, NULL },
        { -CLOCK_APART_US, NULL },
        { -CLOCK_APART_US - 1, "before the market was last served" },
        { -US_PER_HOUR, "before the market was last served" },
        { ALIVE_UNTIL_US + week_us, NULL },
        { ALIVE_UNTIL_US + week_us + 1, "more than a week after the market was last served" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        struct error err = { .text = "" };

        check_row("row %zu", i);
        begin(&world, *state, cases[i].after_us);
        bool fits = timekeeper_check(&world.flow, &err);
        CHECK(fits == (cases[i].refusal == NULL));
        if (!fits) {
            CHECK_INT(err.code, ERROR_CONFLICT);
            CHECK(strstr(err.text, cases[i].refusal) != NULL);
            CHECK(strstr(err.text, "--accept-clock") != NULL);
        }
        support_script(*state, "DELETE FROM server_liveness;");
        world_close(&world);
    }
}

static void test_a_market_never_served_has_no_opinion(void **state)
{
    struct world world;
    struct error err;

    world_open(&world, *state);
    CHECK_OK(timekeeper_check(&world.flow, &err), &err);
    world_close(&world);
}

/* Once accepted, a clock that went back is not held against what the wrong one said. */
static void test_accepted_for_good(void **state)
{
    struct world world;
    struct error err;

    begin(&world, *state, -2 * US_PER_HOUR);
    CHECK(!timekeeper_check(&world.flow, &err));
    CHECK_OK(flow_accept_clock(&world.flow, &err), &err);
    CHECK_OK(flow_liveness(&world.flow, "after", &err), &err);
    CHECK_OK(timekeeper_check(&world.flow, &err), &err);
    world_close(&world);
}

static void test_a_clock_that_was_set_is_not_followed(void **state)
{
    struct support *support = *state;
    struct clock wall = clock_held(WORLD_START);
    struct timekeeper *timekeeper;
    struct error err;

    CHECK_OK(timekeeper_open(&wall, &support->log, &timekeeper, &err), &err);
    wall.held_now = instant_add(wall.held_now, US_PER_HOUR);
    for (int i = 0; i < 500 && timekeeper_apart_us(timekeeper) == 0; i++)
        (void)nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
    CHECK_INT(timekeeper_apart_us(timekeeper), US_PER_HOUR);
    CHECK_INT(instant_compare(clock_now(timekeeper_clock(timekeeper)), WORLD_START), 0);
    timekeeper_close(&timekeeper);
    CHECK(timekeeper == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges_of_a_clock_that_fits),
        cmocka_unit_test(test_a_market_never_served_has_no_opinion),
        cmocka_unit_test(test_accepted_for_good),
        cmocka_unit_test(test_a_clock_that_was_set_is_not_followed),
    };
    return SUPPORT_RUN(tests);
}
