/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/twin.h"

#include <string.h>

#include "support.h"

/* A session of one boot, with so many turns behind it, is followed by one of another. */
struct note_work {
    struct world *world;
    int64_t machine_id, turns;
    const char *boot_before, *boot_id;
    struct session_row session; /* as it is afterwards */
    bool is_listed, has_twin;
};

static bool note_work(struct db *db, void *context, struct error *err)
{
    struct note_work *work = context;
    struct arena *arena = &work->world->arena;
    struct instant now = clock_now(&work->world->clock);
    struct machine_row machine;
    bool has;

    if (!machine_load(db, work->machine_id, arena, &machine, &has, err))
        return false;
    work->session = (struct session_row){ .boot_id = "boot-2",
                                          .boot_before = work->boot_before,
                                          .twins = { .turns = work->turns, .since = now } };
    const struct twin_hello hello = { &machine, &work->session, work->boot_id, now };
    if (!twin_note(db, &hello, arena, &work->has_twin, err))
        return false;
    work->is_listed = machine.is_listed;
    return true;
}

static void test_only_a_boot_that_comes_back_the_third_time_is_a_twin(void **state)
{
    static const struct {
        int64_t turns;
        const char *boot_before, *boot_id;
        bool has_twin;
    } rows[] = {
        { 2, "boot-1", "boot-3", false }, { 2, "", "boot-1", false },      { 2, "", "", false },
        { 1, "boot-1", "boot-1", false }, { 2, "boot-1", "boot-1", true },
    };
    struct world world;
    struct world_machine machine;
    struct error err;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    world_list(&world, &machine);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct note_work work = { .world = &world,
                                  .machine_id = machine.id,
                                  .turns = rows[i].turns,
                                  .boot_before = rows[i].boot_before,
                                  .boot_id = rows[i].boot_id };

        check_row("%zu", i);
        CHECK_OK(store_write(world.flow.store, note_work, &work, &err), &err);
        CHECK_INT(work.has_twin, rows[i].has_twin);
        CHECK_INT(work.is_listed, !rows[i].has_twin);
        CHECK_TEXT(work.session.boot_before, "boot-2");
        CHECK_INT(world_number(&world, "SELECT count(*) FROM offer WHERE removed_us IS NULL") > 0,
                  !rows[i].has_twin);
    }
    CHECK_INT(world_number(&world, "SELECT count(*) FROM outbox WHERE body LIKE '%twins%'"), 1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_a_boot_that_comes_back_the_third_time_is_a_twin),
    };

    return SUPPORT_RUN(tests);
}
