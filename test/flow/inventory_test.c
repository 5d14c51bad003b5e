/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/inventory.h"

#include <string.h>

#include "support.h"

static void test_rows_match_in_any_order_and_only_all_of_them(void **state)
{
    struct gpu_row gpus[] = { { .uuid = "GPU-a-1" }, { .uuid = "GPU-a-0" } };
    struct gpu_row whole[] = { { .uuid = "machine-1", .is_whole_machine = true } };
    struct machine_facts facts = world_facts("a", 2), none = world_facts("cpu", 0);

    (void)state;
    CHECK(inventory_matches(gpus, 2, &facts));
    CHECK(!inventory_matches(gpus, 1, &facts));
    CHECK(!inventory_matches(whole, 1, &facts));
    CHECK(inventory_matches(whole, 1, &none));
    CHECK(!inventory_matches(gpus, 2, &none));
    facts.gpus[0].uuid[0] = 'X';
    CHECK(!inventory_matches(gpus, 2, &facts));
}

struct work {
    int64_t machine_id;
    struct machine_facts facts;
    struct instant now;
    bool is_free;
};

static bool replace_work(struct db *db, void *context, struct error *err)
{
    struct work *work = context;
    auto_arena struct arena arena = arena_of(1 << 20);
    struct gpu_row *gpus;
    size_t count;

    return gpu_list(db, work->machine_id, &arena, &gpus, &count, err) &&
           inventory_replace(db, work->machine_id, gpus, count, &work->facts, work->now, err);
}

static bool free_work(struct db *db, void *context, struct error *err)
{
    struct work *work = context;

    return inventory_is_free(db, work->machine_id, &work->facts, &work->is_free, err);
}

static bool is_free(struct world *world, int64_t machine_id, const struct machine_facts *facts)
{
    struct work work = { .machine_id = machine_id, .facts = *facts };

    support_read(world->support, free_work, &work);
    return work.is_free;
}

static void test_a_gpu_is_live_on_one_machine_at_a_time(void **state)
{
    struct world world;
    struct world_machine a, b;

    world_open(&world, *state);
    world_host(&world, &a, "a", 2);
    world_host(&world, &b, "b", 1);
    struct machine_facts facts = world_facts("a", 2);
    CHECK(is_free(&world, a.id, &facts));
    CHECK(!is_free(&world, b.id, &facts));
    CHECK(!is_free(&world, 0, &facts));
    struct work work = { .machine_id = a.id,
                         .facts = world_facts("other", 1),
                         .now = clock_now(&world.clock) };
    support_write(world.support, replace_work, &work);
    CHECK(is_free(&world, b.id, &facts));
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM gpu WHERE retired_us IS NOT NULL"), 2);

    /* The database itself refuses a second one. */
    struct error err;
    work.facts = world_facts("b", 1);
    CHECK_FAILS(store_write(world.support->store, replace_work, &work, &err), &err, ERROR_CONFLICT);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_match_in_any_order_and_only_all_of_them),
        cmocka_unit_test(test_a_gpu_is_live_on_one_machine_at_a_time),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
