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

struct deal_work {
    bool (*deal)(struct db *db, int64_t id, struct instant now, bool *ret_is_done,
                 struct error *err);
    int64_t id;
    struct instant now;
    bool is_done;
};

static bool deal_work(struct db *db, void *context, struct error *err)
{
    struct deal_work *work = context;

    work->is_done = false;
    return work->deal(db, work->id, work->now, &work->is_done, err);
}

static bool deal(struct world *world, struct deal_work work)
{
    work.now = clock_now(&world->clock);
    support_write(world->support, deal_work, &work);
    return work.is_done;
}

/* Between the look and the lock its host may extend it, or another server deal with it. */
static void test_who_is_not_due_any_more_is_left_alone(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    (void)list_for(&world, &machine, 7200, INT64_C(360000000));
    int64_t id = world_running(&world, &machine, ada, 1);
    int64_t left_us = instant_until(clock_now(&world.clock), world_contract(&world, id).terms.end);
    world_run(&world, &machine, left_us - US_PER_HOUR - 1);
    struct hash before = world_dump(&world);
    CHECK(!deal(&world, (struct deal_work){ lifetime_warn, id, { 0 }, false }));
    CHECK(!deal(&world, (struct deal_work){ lifetime_stop, id, { 0 }, false }));
    CHECK(!deal(&world, (struct deal_work){ lifetime_stop, 9999, { 0 }, false }));
    CHECK_UNCHANGED(&world, before);
    world_pass(&world, 1);
    CHECK(deal(&world, (struct deal_work){ lifetime_warn, id, { 0 }, false }));
    CHECK(!deal(&world, (struct deal_work){ lifetime_warn, id, { 0 }, false }));
    world_run(&world, &machine, US_PER_HOUR - 1);
    before = world_dump(&world);
    CHECK(!deal(&world, (struct deal_work){ lifetime_stop, id, { 0 }, false }));
    CHECK_UNCHANGED(&world, before);
    world_pass(&world, 1);
    CHECK(deal(&world, (struct deal_work){ lifetime_stop, id, { 0 }, false }));
    CHECK_INT(world_contract(&world, id).state, RENTAL_STOPPING);
    CHECK(!deal(&world, (struct deal_work){ lifetime_stop, id, { 0 }, false }));
    world_check(&world);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lifetime_ends_charging_at_its_end),
        cmocka_unit_test(test_a_host_extends_at_no_higher_price),
        cmocka_unit_test(test_who_is_not_due_any_more_is_left_alone),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
