/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/contact_lost.h"

#include "support.h"

static size_t run_timer(struct world *world)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_contact_lost(&world->flow, &count, &err), &err);
    return count;
}

static void test_a_lease_lasts_half_a_minute(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    int64_t id = world_running(&world, &machine, ada, 1);
    int64_t offer_id = world_offer(&world, machine.id, 1);
    world_run(&world, &machine, 60 * US_PER_SECOND);

    world_pass(&world, 30 * US_PER_SECOND - 1);
    CHECK_INT((int64_t)run_timer(&world), 0);
    CHECK_INT(world_offer(&world, machine.id, 1), offer_id);
    world_pass(&world, 1);
    CHECK_INT((int64_t)run_timer(&world), 1);
    CHECK_INT((int64_t)run_timer(&world), 0);
    CHECK_INT(world_offer(&world, machine.id, 1), 0);
    CHECK_TEXT(world_instance(&world, ada, id).status.actual_status, "offline");
    CHECK_INT(world_contract(&world, id).state, RENTAL_RUNNING);
    /* Time ended at the last accepted heartbeat. */
    CHECK_INT(world_number(&world, "SELECT total FROM meter WHERE comp = 1"), 60 * US_PER_SECOND);
    world_check(&world);

    /* The host comes back: the same offer, the same container, and time counts again. */
    world_pass(&world, 600 * US_PER_SECOND);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(world_offer(&world, machine.id, 1), offer_id);
    world_run(&world, &machine, 10 * US_PER_SECOND);
    CHECK_INT(world_charged(&world, ada, id), 70 * 100000 + INT64_C(1500000000) * 700 / 2592000);
    world_check(&world);
    world_close(&world);
}

static void test_nobody_is_lost_for_our_own_silence(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    world_run(&world, &machine, 60 * US_PER_SECOND);
    world_silence(&world, 3600 * US_PER_SECOND);
    /* A timer that runs before the first sign of life. */
    CHECK_INT((int64_t)run_timer(&world), 0);
    world_pass(&world, 0);
    world_pass(&world, 29 * US_PER_SECOND);
    CHECK_INT((int64_t)run_timer(&world), 0);
    /* Half a minute after our return the host has had its chance. */
    world_pass(&world, 2 * US_PER_SECOND);
    CHECK_INT((int64_t)run_timer(&world), 1);
    world_close(&world);
}

static void test_nothing_rents_on_a_lost_machine(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    world_run(&world, &machine, 60 * US_PER_SECOND);
    int64_t offer_id = world_offer(&world, machine.id, 1);
    world_pass(&world, 31 * US_PER_SECOND);
    CHECK_INT((int64_t)run_timer(&world), 1);
    struct rental_reply reply = world_rent(&world, ada, offer_id);
    CHECK_INT(reply.outcome, RENTAL_REFUSED);
    CHECK_INT(reply.refusal, RENT_MACHINE_OFFLINE);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lease_lasts_half_a_minute),
        cmocka_unit_test(test_nobody_is_lost_for_our_own_silence),
        cmocka_unit_test(test_nothing_rents_on_a_lost_machine),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
