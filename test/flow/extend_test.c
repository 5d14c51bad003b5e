/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/extend.h"

#include "flow/instance_change.h"
#include "flow/lifetime.h"
#include "flow/list_machine.h"
#include "support.h"

#define DAY_US (24 * US_PER_HOUR)

static void list_for(struct world *world, const struct world_machine *machine, int64_t days,
                     int64_t gpu_hour)
{
    struct list_machine_request request = { .machine_id = machine->id,
                                            .has_gpu_hour = true,
                                            .has_duration = true,
                                            .duration_s = days * 86400,
                                            .values = { .gpu_hour = { gpu_hour } } };
    struct list_machine_reply reply;
    struct error err;

    CHECK_OK(flow_list_machine(&world->flow, &machine->host, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, LIST_DONE);
}

static struct extend_reply extend(struct world *world, struct caller caller, int64_t machine_id,
                                  struct instant end, int64_t gpu_hour)
{
    struct extend_request request = { .machine_id = machine_id,
                                      .end = end,
                                      .has_gpu_hour = gpu_hour >= 0,
                                      .gpu_hour = { gpu_hour } };
    struct extend_reply reply;
    struct error err;

    CHECK_OK(flow_extend(&world->flow, &caller, &request, &reply, &err), &err);
    return reply;
}

static struct instant in_days(struct world *world, int64_t days)
{
    return instant_add(clock_now(&world->clock), days * DAY_US);
}

static void test_all_its_contracts_end_then(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 500);
    world_host(&world, &machine, "a", 3);
    list_for(&world, &machine, 2, INT64_C(360000000));
    int64_t first = world_running(&world, &machine, ada, 1);
    list_for(&world, &machine, 9, INT64_C(500000000));
    int64_t second = world_running(&world, &machine, ada, 1);
    struct instant end = in_days(&world, 5), late = world_contract(&world, second).terms.end;

    /* Without a price each keeps its own, though the machine costs more by now. */
    struct extend_reply reply = extend(&world, machine.host, machine.id, end, -1);
    CHECK_INT(reply.outcome, EXTEND_DONE);
    CHECK_INT(reply.extended, 1);
    CHECK_INT(instant_compare(world_contract(&world, first).terms.end, end), 0);
    CHECK_INT(world_contract(&world, first).terms.gpu_hour.nanodollars, INT64_C(360000000));
    CHECK_INT(instant_compare(world_contract(&world, second).terms.end, late), 0); /* never in */

    end = in_days(&world, 20);
    CHECK_INT(extend(&world, machine.host, machine.id, end, INT64_C(360000000)).extended, 2);
    CHECK_INT(instant_compare(world_contract(&world, second).terms.end, end), 0);
    /* New rentals may last as long, at the lower price. */
    CHECK_INT(
        world_number(&world,
                     "SELECT MIN(end_us) FROM offer WHERE is_volume = 0 AND removed_us IS NULL"),
        end.microseconds);
    CHECK_INT(
        world_number(&world,
                     "SELECT MIN(gpu_hour) FROM offer WHERE is_volume = 0 AND removed_us IS NULL"),
        INT64_C(360000000));
    world_check(&world);
    world_close(&world);
}

/* It runs nothing while it waits, and its disk is charged all the same: until when, is known. */
static void test_a_bid_that_waits_again_has_the_end_of_its_credit_watched(void **state)
{
    struct world world;
    struct world_machine machine;
    struct error err;
    size_t count;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 100);
    struct caller bob = world_user(&world, "bob@berth.test", 500);
    world_host(&world, &machine, "a", 1);
    list_for(&world, &machine, 2, INT64_C(360000000));
    int64_t bid = world_bid(&world, ada, machine.id, 1, 100).instance_id;
    world_run(&world, &machine, 10 * US_PER_SECOND);
    CHECK_INT(world_contract(&world, bid).state, RENTAL_RUNNING);
    world_pass(&world, 2 * DAY_US);
    CHECK_OK(flow_lifetime(&world.flow, &count, &err), &err);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(world_contract(&world, bid).state, RENTAL_STOPPED);
    CHECK_INT(world_contract(&world, bid).reason, REASON_LIFETIME_EXPIRED);

    list_for(&world, &machine, 9, INT64_C(500000000));
    CHECK_INT(world_running(&world, &machine, bob, 1) > 0, true);
    CHECK_INT(extend(&world, machine.host, machine.id, in_days(&world, 5), -1).extended, 1);
    CHECK_INT(world_contract(&world, bid).state, RENTAL_SCHEDULING);
    CHECK(world_number_of(&world, "SELECT t_zero_us FROM users WHERE id = $1", ada.user_id) <
          INSTANT_NEVER.microseconds);
    world_check(&world);
    world_close(&world);
}

static void test_what_is_refused_changes_nothing(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 500);
    world_host(&world, &machine, "a", 2);
    list_for(&world, &machine, 2, INT64_C(360000000));
    (void)world_running(&world, &machine, ada, 1);
    struct instant end = in_days(&world, 5);
    struct hash before = world_dump(&world);

    CHECK_INT(extend(&world, machine.host, machine.id, end, INT64_C(360000001)).outcome,
              EXTEND_PRICE_HIGHER);
    CHECK_INT(extend(&world, machine.host, machine.id, clock_now(&world.clock), -1).outcome,
              EXTEND_BAD_END);
    CHECK_INT(extend(&world, ada, machine.id, end, -1).outcome, EXTEND_NO_MACHINE);
    CHECK_INT(extend(&world, machine.host, 9999, end, -1).outcome, EXTEND_NO_MACHINE);
    CHECK_INT(extend(&world, machine.host, machine.id, end, INT64_MAX).outcome, EXTEND_BAD_PRICE);
    CHECK_UNCHANGED(&world, before);

    /* A price above what one contract was made at extends none, though the listing costs as much.
     */
    list_for(&world, &machine, 2, INT64_C(500000000));
    before = world_dump(&world);
    CHECK_INT(extend(&world, machine.host, machine.id, end, INT64_C(400000000)).outcome,
              EXTEND_PRICE_HIGHER);
    CHECK_UNCHANGED(&world, before);
    world_close(&world);
}

static int64_t mails(struct world *world)
{
    return world_number(world, "SELECT COUNT(*) FROM outbox WHERE provider = 'mail'");
}

static int64_t warn(struct world *world)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_lifetime_warn(&world->flow, &count, &err), &err);
    return (int64_t)count;
}

static void test_warnings_come_once_each(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 500);
    world_host(&world, &machine, "a", 1);
    list_for(&world, &machine, 9, INT64_C(360000000));
    int64_t id = world_running(&world, &machine, ada, 1);
    int64_t events = world_number(&world, "SELECT COUNT(*) FROM contract_event");

    CHECK_INT(warn(&world), 0);
    world_pass(&world, 2 * DAY_US);
    CHECK_INT(warn(&world), 1);
    CHECK_INT(warn(&world), 0);
    CHECK_INT(mails(&world), 1);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM contract_event"), events + 1);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM contract_event "
                                   "WHERE detail LIKE 'Its lifetime ends in 7 days, at 2026-%'"),
              1);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM outbox WHERE path = 'ada@berth.test' "
                                   "AND body LIKE '%\"kept_until\":\"2026-%'"),
              1);
    world_pass(&world, 6 * DAY_US);
    CHECK_INT(warn(&world), 1);
    world_pass(&world, 23 * US_PER_HOUR);
    CHECK_INT(warn(&world), 1);
    CHECK_INT(warn(&world), 0);
    CHECK_INT(mails(&world), 3);

    /* Extended: all of it is said again, of the new end. */
    CHECK_INT(extend(&world, machine.host, machine.id, in_days(&world, 8), -1).extended, 1);
    CHECK_INT(warn(&world), 0);
    world_pass(&world, 6 * DAY_US);
    CHECK_INT(warn(&world), 1);
    CHECK_INT(mails(&world), 4);
    /* A server that was away for all of it says the most urgent, once; and nothing after the end.
     */
    world_pass(&world, 2 * DAY_US - 1800 * US_PER_SECOND);
    CHECK_INT(warn(&world), 1);
    CHECK_INT(mails(&world), 5);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM contract_event "
                                   "WHERE detail LIKE 'Its lifetime ends in 1 hour%'"),
              2);
    world_pass(&world, DAY_US);
    CHECK_INT(warn(&world), 0);
    (void)id;
    world_close(&world);
}

static void test_who_destroyed_it_is_not_warned(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 500);
    world_host(&world, &machine, "a", 2);
    list_for(&world, &machine, 9, INT64_C(360000000));
    int64_t id = world_running(&world, &machine, ada, 1);
    int64_t stopped = world_running(&world, &machine, ada, 1);
    CHECK_OK(flow_destroy(&world.flow, &ada, id, &outcome, &err), &err);
    CHECK_OK(flow_stop(&world.flow, &ada, stopped, &outcome, &err), &err);
    world_pass(&world, 3 * DAY_US);
    CHECK_INT(warn(&world), 1); /* the stopped one: its data is at risk as well */
    CHECK_INT(mails(&world), 1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_its_contracts_end_then),
        cmocka_unit_test(test_a_bid_that_waits_again_has_the_end_of_its_credit_watched),
        cmocka_unit_test(test_what_is_refused_changes_nothing),
        cmocka_unit_test(test_warnings_come_once_each),
        cmocka_unit_test(test_who_destroyed_it_is_not_warned),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
