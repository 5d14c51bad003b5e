/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/hardware.h"

#include <string.h>

#include "support.h"

struct work {
    int64_t machine_id;
    struct arena *arena;
    struct machine_row row;
    struct hardware *hardware;
};

static bool load_work(struct db *db, void *context, struct error *err)
{
    struct work *work = context;
    bool has;

    return machine_load(db, work->machine_id, work->arena, &work->row, &has, err) && has &&
           hardware_load(db, &work->row, WORLD_START, work->arena, &work->hardware, err);
}

static void load(struct world *world, int64_t machine_id, struct work *ret)
{
    *ret = (struct work){ .machine_id = machine_id, .arena = &world->arena };
    support_read(world->support, load_work, ret);
}

static void test_what_is_free_is_what_nobody_holds(void **state)
{
    struct world world;
    struct world_machine machine;
    struct work work;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 4);
    load(&world, machine.id, &work);
    CHECK_INT(work.hardware->machine.gpus_free, 4);
    CHECK_INT(work.hardware->machine.disk_free_gb, 1000);
    CHECK(work.hardware->machine.is_connected);
    (void)world_running(&world, &machine, ada, 2);
    load(&world, machine.id, &work);
    CHECK_INT(work.hardware->machine.gpus_free, 2);
    CHECK_INT(work.hardware->machine.disk_free_gb, 990);
    CHECK_TEXT(work.hardware->facts.hostname, "host-a");
    world_close(&world);
}

static void test_offline_broken_or_quarantined_is_not_connected(void **state)
{
    static const char *const columns[] = { "is_online = 0", "is_engine_ok = 0",
                                           "is_quarantined = 1" };
    struct world world;
    struct world_machine machine;
    struct work work;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        check_row("%s", columns[i]);
        support_script(world.support,
                       arena_printf(&world.arena, "UPDATE machine SET %s", columns[i]));
        load(&world, machine.id, &work);
        CHECK(!work.hardware->machine.is_connected);
        support_script(world.support, "UPDATE machine SET is_online = 1, is_engine_ok = 1, "
                                      "is_quarantined = 0");
    }
    world_close(&world);
}

static void test_facts_that_do_not_decode_are_corrupt(void **state)
{
    static const char *const texts[] = { "", "{", "[]", "{\"cpu_cores\":\"many\"}" };
    struct machine_facts facts = { .cpu_cores = 7 };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct error err;

        check_row("%s", texts[i]);
        CHECK_FAILS(hardware_facts(texts[i], &facts, &err), &err, ERROR_CORRUPT);
        CHECK_INT(facts.cpu_cores, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_free_is_what_nobody_holds),
        cmocka_unit_test(test_offline_broken_or_quarantined_is_not_connected),
        cmocka_unit_test(test_facts_that_do_not_decode_are_corrupt),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
