/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/hall.h"

#include <stdio.h>

#include "check.h"
#include "flow/support_bids.h"

struct hall_work {
    struct world *world;
    int64_t machine_id, reserve, quotes[3], waiting;
    struct hall hall;
};

static bool hall_work(struct db *db, void *context, struct error *err)
{
    struct hall_work *work = context;
    struct arena *arena = &work->world->arena;
    struct machine_row machine;
    bool has;

    if (!machine_load(db, work->machine_id, arena, &machine, &has, err))
        return false;
    CHECK(has && hall_is_open(&machine));
    machine.listing.min_bid_hour.nanodollars = work->reserve;
    if (!hall_load(db, &machine, clock_now(&work->world->clock), arena, &work->hall, err))
        return false;
    for (int64_t i = 0; i < 3; i++)
        work->quotes[i] = hall_quote(&work->hall, i + 1, 0);
    work->waiting = hall_quote(&work->hall, 1, work->waiting);
    return true;
}

static void test_rows_become_facts(void **state)
{
    struct place place;

    place_open(&place, state, 3);
    int64_t firm = place_rent(&place, place.ada, 1);
    int64_t first = place_bid(&place, place.ada, 2, 100);
    int64_t second = place_bid(&place, place.bob, 1, 50);
    place_run_s(&place, 70);
    struct hall_work work = { .world = &place.world,
                              .machine_id = place.machine.id,
                              .reserve = 40500000,
                              .waiting = second };
    support_read(place.world.support, hall_work, &work);
    CHECK_INT(work.hall.facts.gpu_count, 3);
    CHECK_INT((int64_t)work.hall.facts.firm_count, 1);
    CHECK_INT(work.hall.firms[0].id, firm);
    CHECK(work.hall.firms[0].is_running);
    CHECK_INT((int64_t)work.hall.facts.bid_count, 2);
    CHECK_INT(work.hall.bids[0].id, first);
    CHECK_INT(work.hall.bids[0].gpus, 2);
    CHECK_INT(work.hall.bids[0].ticks, 100);
    CHECK(work.hall.bids[0].is_running);
    CHECK_INT(instant_until(work.hall.bids[0].ran, clock_now(&place.world.clock)),
              65 * US_PER_SECOND);
    CHECK_INT(work.hall.bids[1].id, second);
    CHECK(!work.hall.bids[1].is_running);
    CHECK_INT(instant_compare(work.hall.bids[1].ran, INSTANT_NEVER), 0);
    CHECK_INT(work.hall.floor.reserve_ticks, 41);
    CHECK_INT(work.hall.floor.idle_ticks, 0);
    CHECK_INT(work.quotes[0], 151); /* with the one that waits, more than the two */
    CHECK_INT(work.quotes[1], 101);
    CHECK_INT(work.quotes[2], -1);
    CHECK_INT(work.waiting, 201);

    hall_drop_bid(&work.hall, 0);
    CHECK_INT((int64_t)work.hall.facts.bid_count, 1);
    CHECK_INT(work.hall.bids[0].id, second);
    CHECK_INT(hall_places(0), 1);
    CHECK_INT(hall_places(3), 3);
    place_close(&place);
}

/* Who waits, by the place it has among the facts; -1: it is not among them. */
static int bid_place(const struct hall *hall, int64_t id)
{
    for (size_t i = 0; i < hall->facts.bid_count; i++)
        if (hall->bids[i].id == id)
            return (int)i;
    return -1;
}

static bool load_work(struct db *db, void *context, struct error *err)
{
    struct hall_work *work = context;
    struct arena *arena = &work->world->arena;
    struct machine_row machine;
    bool has;

    return machine_load(db, work->machine_id, arena, &machine, &has, err) &&
           hall_load(db, &machine, clock_now(&work->world->clock), arena, &work->hall, err);
}

/* The moment at which credit or lifetime end belongs to nobody any more. Who runs is stopped by
 * timers of its own. */
static void test_who_waits_without_means_is_not_eligible(void **state)
{
    struct place place;

    place_open(&place, state, 1);
    int64_t runs = place_bid(&place, place.ada, 1, 100);
    int64_t waits = place_bid(&place, place.bob, 1, 50);
    place_run_s(&place, 70);
    struct hall_work work = { .world = &place.world, .machine_id = place.machine.id };
    int64_t now_us = clock_now(&place.world.clock).microseconds;
    for (size_t i = 0; i < 2; i++) {
        for (int64_t left_us = 1; left_us >= 0; left_us--) {
            char sql[128];

            check_row("%zu, %lld us left", i, (long long)left_us);
            if (i == 0)
                (void)snprintf(sql, sizeof sql, "UPDATE users SET t_zero_us = %lld WHERE id = %lld",
                               (long long)(now_us + left_us), (long long)place.bob.user_id);
            else
                (void)snprintf(sql, sizeof sql, "UPDATE contract SET end_us = %lld WHERE id = %lld",
                               (long long)(now_us + left_us), (long long)waits);
            support_script(place.world.support, sql);
            support_read(place.world.support, load_work, &work);
            CHECK_INT(bid_place(&work.hall, waits) >= 0, left_us > 0);
            CHECK(bid_place(&work.hall, runs) >= 0);
        }
        support_script(place.world.support, "UPDATE users SET t_zero_us = 9223372036854775807");
    }
    world_close(&place.world);
}

/* One that is told to make way still holds its GPU, and no longer runs on it as the rules have it;
 * who runs on a GPU that was taken out of the machine keeps it. */
static void test_places_are_counted(void **state)
{
    struct place place;

    place_open(&place, state, 2);
    int64_t a = place_bid(&place, place.ada, 1, 100);
    world_container(&place.machine, a)->clings = true;
    int64_t b = place_bid(&place, place.ada, 1, 150);
    place_run_s(&place, 70);
    struct hall_work work = { .world = &place.world, .machine_id = place.machine.id };
    support_read(place.world.support, load_work, &work);
    CHECK_INT(work.hall.facts.gpu_count, 2);
    (void)place_bid(&place, place.bob, 1, 200);
    place_check_state(&place, a, RENTAL_PAUSING, REASON_OUTBID);
    support_read(place.world.support, load_work, &work);
    CHECK_INT(work.hall.facts.gpu_count, 2);
    CHECK(!work.hall.bids[bid_place(&work.hall, a)].is_running);
    CHECK(work.hall.bids[bid_place(&work.hall, b)].is_running);
    support_script(place.world.support, "UPDATE gpu SET retired_us = 1");
    support_read(place.world.support, load_work, &work);
    CHECK_INT(work.hall.facts.gpu_count, 1);
    world_close(&place.world);
}

static void test_only_a_machine_that_may_run_things_is_open(void **state)
{
    struct machine_row machine = { .is_online = true, .is_engine_ok = true };

    (void)state;
    CHECK(hall_is_open(&machine));
    machine.is_quarantined = true;
    CHECK(!hall_is_open(&machine));
    machine = (struct machine_row){ .is_online = true };
    CHECK(!hall_is_open(&machine));
    machine = (struct machine_row){ .is_engine_ok = true };
    CHECK(!hall_is_open(&machine));
    machine = (struct machine_row){ .is_online = true,
                                    .is_engine_ok = true,
                                    .verification = VERIFICATION_DEVERIFIED };
    CHECK(!hall_is_open(&machine));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_become_facts),
        cmocka_unit_test(test_who_waits_without_means_is_not_eligible),
        cmocka_unit_test(test_places_are_counted),
        cmocka_unit_test(test_only_a_machine_that_may_run_things_is_open),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
