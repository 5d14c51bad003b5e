/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/market_history.h"

#include <stdio.h>

#include "support.h"

static struct prices_lot lot(int64_t gpus, int64_t price, bool is_rented)
{
    struct prices_lot lot = { .gpus = gpus,
                              .size = gpus,
                              .gpu_hour = { price },
                              .is_rented = is_rented,
                              .is_verified = true };

    (void)snprintf(lot.gpu_name, sizeof lot.gpu_name, "RTX 4090");
    return lot;
}

static void keep(struct world *world, int64_t gpus)
{
    /* In no order: alike is the first and the last. */
    struct prices_lot lots[] = { lot(gpus, 20, false), lot(1, 10, true), lot(gpus, 20, false) };
    struct error err;

    CHECK_OK(flow_market_history_keep(&world->flow, lots, 3, &err), &err);
}

static size_t list(struct world *world, struct market_lot_range range, struct market_lot_row **ret)
{
    struct error err;
    size_t count;

    range.gpu_name = "RTX 4090";
    CHECK_OK(flow_market_history(&world->flow, &range, &world->arena, ret, &count, &err), &err);
    return count;
}

static int64_t hour_of(const struct world *world)
{
    return clock_now(world->flow.clock).microseconds / US_PER_HOUR;
}

static void test_an_hour_is_looked_at_once(void **state)
{
    struct market_lot_row *rows;
    struct world world;
    struct error err;

    world_open(&world, *state);
    int64_t hour = hour_of(&world);
    CHECK_OK(flow_market_history_keep(&world.flow, NULL, 0, &err), &err);
    keep(&world, 4);
    keep(&world, 8); /* another server, or this one again */
    const struct market_lot_range now = { NULL, hour, hour, 1 };
    CHECK_INT((int64_t)list(&world, now, &rows), 2);
    CHECK(rows[0].lot.is_rented && rows[0].lots == 1 && rows[0].lot.gpus == 1);
    CHECK_INT(rows[0].lot.gpu_hour.nanodollars, 10);
    CHECK(!rows[1].lot.is_rented && rows[1].lot.is_verified && !rows[1].lot.is_datacenter);
    CHECK_INT(rows[1].lots, 2);
    CHECK_INT(rows[1].lot.gpus, 4);
    CHECK_INT(rows[1].lot.size, 4);
    CHECK_INT(rows[1].at.microseconds, clock_now(world.flow.clock).microseconds);

    world_pass(&world, US_PER_HOUR);
    keep(&world, 8);
    const struct market_lot_range next = { NULL, hour + 1, hour + 1, 1 };
    CHECK_INT((int64_t)list(&world, next, &rows), 2);
    CHECK_INT(rows[1].lot.gpus, 8);
    world_close(&world);
}

static void test_steps_are_taken_and_what_is_old_is_forgotten(void **state)
{
    enum { HOURS = 7 };
    struct market_lot_row *rows;
    struct world world;

    world_open(&world, *state);
    int64_t hour = hour_of(&world);
    for (int i = 0; i < HOURS; i++) {
        keep(&world, 1 + i);
        world_pass(&world, US_PER_HOUR);
    }
    const struct {
        int64_t first, last, step;
        size_t count;
    } cases[] = { { 0, 6, 1, 7 }, { 0, 6, 3, 3 },   { 1, 6, 3, 2 },
                  { 2, 2, 9, 1 }, { -9, -1, 1, 0 }, { 7, 99, 1, 0 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct market_lot_range range = { NULL, hour + cases[i].first, hour + cases[i].last,
                                                cases[i].step };

        CHECK_INT((int64_t)list(&world, range, &rows), 2 * (int64_t)cases[i].count);
        for (size_t j = 1; j < 2 * cases[i].count; j += 2)
            CHECK_INT(rows[j].hour, hour + cases[i].first + (int64_t)(j / 2) * cases[i].step);
    }

    /* The last hour that is kept, and the first that is not. */
    world_pass(&world, (MARKET_HISTORY_DAYS * INT64_C(24) - HOURS + 1) * US_PER_HOUR);
    keep(&world, 9);
    const struct market_lot_range all = { NULL, 0, hour_of(&world), 1 };
    CHECK_INT((int64_t)list(&world, all, &rows), 2 * HOURS);
    CHECK_INT(rows[0].hour, hour + 1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_hour_is_looked_at_once),
        cmocka_unit_test(test_steps_are_taken_and_what_is_old_is_forgotten),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
