/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/hall.h"

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
        cmocka_unit_test(test_only_a_machine_that_may_run_things_is_open),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
