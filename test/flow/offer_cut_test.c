/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/offer_cut.h"

#include "support.h"

struct work {
    int64_t machine_id;
    struct instant now;
    size_t count;
};

static bool cut_work(struct db *db, void *context, struct error *err)
{
    struct work *work = context;
    auto_arena struct arena arena = arena_of(1 << 20);
    struct machine_row row;
    bool has;

    return machine_load(db, work->machine_id, &arena, &row, &has, err) && has &&
           offer_cut_all(db, &row, work->now, &arena, &work->count, err);
}

static bool remove_work(struct db *db, void *context, struct error *err)
{
    struct work *work = context;
    auto_arena struct arena arena = arena_of(1 << 20);

    return offer_remove_all(db, work->machine_id, work->now, &arena, err);
}

static int64_t live(struct world *world)
{
    return world_number(world,
                        "SELECT COUNT(*) FROM offer WHERE is_volume = 0 AND removed_us IS NULL");
}

static size_t cut(struct world *world, int64_t machine_id)
{
    struct work work = { .machine_id = machine_id, .now = clock_now(&world->clock) };

    support_write(world->support, cut_work, &work);
    return work.count;
}

static void test_cutting_again_changes_nothing(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 4);
    struct hash before = world_dump(&world);
    CHECK_INT((int64_t)cut(&world, machine.id), 3);
    CHECK_UNCHANGED(&world, before);
    world_close(&world);
}

static void test_sizes_come_and_go_with_what_is_free(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 4);
    int64_t one = world_offer(&world, machine.id, 1);
    /* A second offer of a size is one too many. */
    support_script(world.support,
                   "INSERT INTO offer (machine_id, host_id, num_gpus, gpu_hour, min_bid_hour, "
                   "disk_month, up_tb, down_tb, disk_gb, discount_max_ppm, start_us, end_us) "
                   "SELECT machine_id, host_id, num_gpus, gpu_hour, min_bid_hour, disk_month, "
                   "up_tb, down_tb, disk_gb, discount_max_ppm, start_us, end_us FROM offer "
                   "WHERE num_gpus = 1");
    CHECK_INT((int64_t)cut(&world, machine.id), 3);
    CHECK_INT(live(&world), 3);
    CHECK_INT(world_offer(&world, machine.id, 1), one);

    support_script(world.support, "UPDATE machine SET is_listed = 0");
    CHECK_INT((int64_t)cut(&world, machine.id), 0);
    CHECK_INT(live(&world), 0);
    support_script(world.support, "UPDATE machine SET is_listed = 1");
    CHECK_INT((int64_t)cut(&world, machine.id), 3);
    CHECK(world_offer(&world, machine.id, 1) > one);
    /* A listing that is over offers nothing. */
    support_script(world.support, "UPDATE machine SET listing_end_us = 1");
    CHECK_INT((int64_t)cut(&world, machine.id), 0);
    world_close(&world);
}

static void test_all_are_taken_off_one_machine(void **state)
{
    struct world world;
    struct world_machine a, b;

    world_open(&world, *state);
    world_host(&world, &a, "a", 2);
    world_host(&world, &b, "b", 2);
    CHECK_INT(live(&world), 4);
    struct work work = { .machine_id = a.id, .now = clock_now(&world.clock) };
    support_write(world.support, remove_work, &work);
    CHECK_INT(live(&world), 2);
    CHECK_INT(world_offer(&world, a.id, 1), 0);
    CHECK(world_offer(&world, b.id, 1) != 0);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cutting_again_changes_nothing),
        cmocka_unit_test(test_sizes_come_and_go_with_what_is_free),
        cmocka_unit_test(test_all_are_taken_off_one_machine),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
