/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/offers.h"

#include "flow/list_machine.h"
#include "market/offer.h"
#include "support.h"

static void test_offers_come_with_their_machine_as_it_is_now(void **state)
{
    struct world world;
    struct world_machine machine;
    struct offer *offers;
    struct error err;
    size_t count;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 4);
    (void)world_running(&world, &machine, ada, 1);
    CHECK_OK(flow_offers_of_machine(&world.flow, machine.id, &world.arena, &offers, &count, &err),
             &err);
    CHECK_INT((int64_t)count, 2); /* of one and of two */
    for (size_t i = 0; i < count; i++) {
        CHECK_INT(offers[i].machine->id, machine.id);
        CHECK_INT(offers[i].machine->host_id, machine.host.user_id);
        CHECK_INT(offers[i].machine->gpus_free, 3);
        CHECK_INT(offers[i].machine->disk_free_gb, 990);
        CHECK(offers[i].machine->is_connected);
        CHECK_TEXT(offers[i].machine->gpu_name, "RTX 4090");
        CHECK(offer_is_rentable(&offers[i], clock_now(&world.clock)));
    }
    CHECK_OK(flow_offers_of_machine(&world.flow, 99999, &world.arena, &offers, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    world_close(&world);
}

static void test_machines_with_offers_are_found_in_order(void **state)
{
    struct world world;
    struct world_machine a, b, c;
    enum list_machine_outcome outcome;
    struct error err;
    int64_t ids[4];
    size_t count;

    world_open(&world, *state);
    world_host(&world, &a, "a", 1);
    world_host(&world, &b, "b", 1);
    world_machine(&world, &c, a.host, "c", 1); /* never listed */
    CHECK_OK(flow_offers_machines(&world.flow, 0, ids, 4, &count, &err), &err);
    CHECK_INT((int64_t)count, 2);
    CHECK_INT(ids[0], a.id);
    CHECK_INT(ids[1], b.id);
    CHECK_OK(flow_offers_machines(&world.flow, 0, ids, 1, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_OK(flow_offers_machines(&world.flow, a.id, ids, 4, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(ids[0], b.id);
    CHECK_OK(flow_unlist_machine(&world.flow, &b.host, b.id, &outcome, &err), &err);
    CHECK_OK(flow_offers_machines(&world.flow, 0, ids, 4, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offers_come_with_their_machine_as_it_is_now),
        cmocka_unit_test(test_machines_with_offers_are_found_in_order),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
