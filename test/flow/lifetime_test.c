/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/lifetime.h"

#include <string.h>

#include "flow/instance_change.h"
#include "flow/list_machine.h"
#include "support.h"

static size_t run_timer(struct world *world)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_lifetime(&world->flow, &count, &err), &err);
    return count;
}

static struct list_machine_reply list_for(struct world *world, const struct world_machine *machine,
                                          int64_t duration_s, int64_t gpu_hour)
{
    struct list_machine_request request = { .machine_id = machine->id,
                                            .has_gpu_hour = true,
                                            .has_duration = true,
                                            .duration_s = duration_s,
                                            .values = { .gpu_hour = { gpu_hour } } };
    struct list_machine_reply reply;
    struct error err;

    CHECK_OK(flow_list_machine(&world->flow, &machine->host, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, LIST_DONE);
    return reply;
}

static void test_a_lifetime_ends_charging_at_its_end(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    (void)list_for(&world, &machine, 3600, INT64_C(360000000));
    int64_t id = world_running(&world, &machine, ada, 1);
    world_run(&world, &machine, 3600 * US_PER_SECOND - 1);
    CHECK_INT((int64_t)run_timer(&world), 0);
    world_run(&world, &machine, 10 * US_PER_SECOND);
    CHECK_INT((int64_t)run_timer(&world), 1);
    CHECK_INT((int64_t)run_timer(&world), 0);
    struct contract_row contract = world_contract(&world, id);
    CHECK_INT(contract.state, RENTAL_STOPPING);
    CHECK_INT(contract.reason, REASON_LIFETIME_EXPIRED);
    CHECK(strncmp(contract.reason_detail, "2026-", 5) == 0);
    CHECK_INT(world_number(&world, "SELECT total FROM meter WHERE comp = 1"), 3600 * US_PER_SECOND);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_OK(flow_start(&world.flow, &ada, id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_LIFETIME_OVER);
    world_check(&world);
    world_close(&world);
}

static void test_a_host_extends_at_no_higher_price(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    (void)list_for(&world, &machine, 3600, INT64_C(360000000));
    int64_t id = world_running(&world, &machine, ada, 1);
    struct instant end = world_contract(&world, id).terms.end;

    CHECK_INT(list_for(&world, &machine, 7200, INT64_C(360000001)).extended, 0);
    CHECK_INT(instant_compare(world_contract(&world, id).terms.end, end), 0);
    CHECK_INT(list_for(&world, &machine, 1800, INT64_C(350000000)).extended, 0);
    CHECK_INT(instant_compare(world_contract(&world, id).terms.end, end), 0);
    CHECK_INT(list_for(&world, &machine, 7200, INT64_C(350000000)).extended, 1);
    CHECK_INT(instant_until(end, world_contract(&world, id).terms.end), 3600 * US_PER_SECOND);
    /* The price stays that of the making. */
    CHECK_INT(world_contract(&world, id).terms.gpu_hour.nanodollars, INT64_C(360000000));

    world_run(&world, &machine, 5400 * US_PER_SECOND);
    CHECK_INT((int64_t)run_timer(&world), 0);
    /* One that ended and was stopped starts again once its host extends. */
    world_run(&world, &machine, 1800 * US_PER_SECOND);
    CHECK_INT((int64_t)run_timer(&world), 1);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(list_for(&world, &machine, 3600, INT64_C(350000000)).extended, 1);
    CHECK_OK(flow_start(&world.flow, &ada, id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_DONE);
    world_check(&world);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lifetime_ends_charging_at_its_end),
        cmocka_unit_test(test_a_host_extends_at_no_higher_price),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
