/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/maintenance.h"

#include "support.h"

static enum maintenance_outcome schedule(struct world *world, struct caller caller,
                                         int64_t machine_id, int64_t start_us, int64_t length_us)
{
    struct maintenance_row window = { .machine_id = machine_id,
                                      .start = instant_add(WORLD_START, start_us),
                                      .category = "disk" };
    enum maintenance_outcome outcome;
    struct error err;

    window.end = instant_add(window.start, length_us);
    CHECK_OK(flow_maintenance_schedule(&world->flow, &caller, &window, &outcome, &err), &err);
    return outcome;
}

static int64_t seen(struct world *world, struct caller caller, int64_t machine_id)
{
    struct maintenance_row *windows;
    struct error err;
    size_t count;

    CHECK_OK(flow_maintenance_list(&world->flow, &caller, machine_id, &world->arena, &windows,
                                   &count, &err),
             &err);
    return (int64_t)count;
}

static int64_t cancel(struct world *world, struct caller caller, int64_t machine_id)
{
    enum maintenance_outcome outcome;
    struct error err;
    int64_t count;

    CHECK_OK(flow_maintenance_cancel(&world->flow, &caller, machine_id, &count, &outcome, &err),
             &err);
    return outcome == MAINTENANCE_DONE ? count : -1;
}

static void test_owner_and_renters_see_it_and_nobody_else(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    struct caller eve = world_user(&world, "eve@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    struct contract_row before = world_contract(&world, id);
    CHECK_INT(schedule(&world, machine.host, machine.id, US_PER_HOUR, US_PER_HOUR),
              MAINTENANCE_DONE);
    CHECK_INT(schedule(&world, machine.host, machine.id, 5 * US_PER_HOUR, US_PER_HOUR),
              MAINTENANCE_DONE);
    CHECK_INT(schedule(&world, eve, machine.id, US_PER_HOUR, US_PER_HOUR), MAINTENANCE_NO_MACHINE);
    CHECK_INT(seen(&world, machine.host, 0), 2);
    CHECK_INT(seen(&world, machine.host, machine.id), 2);
    CHECK_INT(seen(&world, ada, machine.id), 2);
    CHECK_INT(seen(&world, eve, machine.id), 0);
    CHECK_INT(seen(&world, eve, 0), 0);
    CHECK_INT(cancel(&world, eve, machine.id), -1);
    CHECK_INT(cancel(&world, ada, machine.id), -1);
    world_pass(&world, 3 * US_PER_HOUR);
    CHECK_INT(seen(&world, ada, 0), 1);
    CHECK_INT(cancel(&world, machine.host, machine.id), 1);
    CHECK_INT(cancel(&world, machine.host, machine.id), 0);
    CHECK_INT(seen(&world, ada, 0), 0);
    CHECK_INT(world_contract(&world, id).gen, before.gen);
    world_close(&world);
}

#define MAILS  "SELECT COUNT(*) FROM outbox WHERE body LIKE '%maintenance%'"
#define EVENTS "SELECT COUNT(*) FROM contract_event WHERE detail LIKE '%maintenance%'"

static void test_who_rents_it_is_told_once_for_each_instance(void **state)
{
    struct world world;
    struct world_machine machine, other;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    struct caller bob = world_user(&world, "bob@berth.test", 25);
    world_host(&world, &machine, "a", 4);
    world_host(&world, &other, "b", 1);
    int64_t first = world_running(&world, &machine, ada, 1);
    (void)world_running(&world, &machine, bob, 1);
    (void)world_running(&world, &other, bob, 1);
    CHECK_INT(schedule(&world, machine.host, machine.id, -US_PER_HOUR, 1), MAINTENANCE_BAD_TIME);
    CHECK_INT(world_number(&world, EVENTS) + world_number(&world, MAILS), 0);

    struct contract_row before = world_contract(&world, first);
    CHECK_INT(schedule(&world, machine.host, machine.id, US_PER_HOUR, US_PER_HOUR),
              MAINTENANCE_DONE);
    CHECK_INT(world_number(&world, EVENTS), 2);
    CHECK_INT(world_number(&world, MAILS), 2);
    CHECK_INT(world_number(&world, MAILS " AND path = 'ada@berth.test'"), 1);
    CHECK_INT(world_number(&world, EVENTS " AND detail LIKE '%(disk) from 20%'"), 2);
    CHECK_INT(world_contract(&world, first).state, before.state);
    CHECK_INT(world_contract(&world, first).gen, before.gen);

    CHECK_INT(cancel(&world, machine.host, machine.id), 1);
    CHECK_INT(world_number(&world, EVENTS " AND detail LIKE '%called%off%'"), 2);
    CHECK_INT(world_number(&world, MAILS), 4);
    CHECK_INT(cancel(&world, machine.host, machine.id), 0);
    CHECK_INT(world_number(&world, MAILS), 4);
    world_close(&world);
}

static void test_windows_have_limits(void **state)
{
    static const struct {
        int64_t start_us, length_us;
        enum maintenance_outcome outcome;
    } rows[] = {
        { -US_PER_HOUR, US_PER_HOUR, MAINTENANCE_BAD_TIME },
        { 0, 0, MAINTENANCE_BAD_TIME },
        { 0, -1, MAINTENANCE_BAD_TIME },
        { 0, MAINTENANCE_LENGTH_MAX_US + 1, MAINTENANCE_BAD_TIME },
        { 0, MAINTENANCE_LENGTH_MAX_US, MAINTENANCE_DONE },
        { -US_PER_HOUR, 2 * US_PER_HOUR, MAINTENANCE_DONE }, /* going on */
    };
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK_INT(schedule(&world, machine.host, machine.id, rows[i].start_us, rows[i].length_us),
                  rows[i].outcome);
    }
    for (int i = 2; i < MAINTENANCE_WINDOWS_MAX; i++)
        CHECK_INT(schedule(&world, machine.host, machine.id, US_PER_HOUR, 1), MAINTENANCE_DONE);
    CHECK_INT(schedule(&world, machine.host, machine.id, US_PER_HOUR, 1), MAINTENANCE_TOO_MANY);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owner_and_renters_see_it_and_nobody_else),
        cmocka_unit_test(test_who_rents_it_is_told_once_for_each_instance),
        cmocka_unit_test(test_windows_have_limits),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
