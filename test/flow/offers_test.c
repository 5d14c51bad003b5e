/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/offers.h"

#include "flow/instance_change.h"
#include "flow/list_machine.h"
#include "market/offer.h"
#include "support.h"

static const struct offer *offer_of(const struct offer *offers, size_t count, int64_t num_gpus,
                                    bool is_open)
{
    for (size_t i = 0; i < count; i++)
        if (offers[i].terms.num_gpus == num_gpus && (offers[i].renter_id == 0) == is_open)
            return &offers[i];
    fail_msg("no such offer");
    return NULL;
}

/* Of four GPUs one is rented: an offer shows those that it is then rented with. */
static void check_gpus(struct world *world, struct world_machine *machine, struct caller renter,
                       const struct offer *offers)
{
    const int64_t *shown = offer_of(offers, 3, 2, true)->gpu_ids, *held;
    const int64_t *taken = offer_of(offers, 3, 1, false)->gpu_ids;
    struct offer *now;
    struct error err;
    size_t count;

    CHECK(shown != NULL && shown[0] != shown[1]);
    CHECK_INT(offer_of(offers, 3, 1, true)->gpu_ids[0], shown[0]);
    CHECK(taken[0] != shown[0] && taken[0] != shown[1]);
    (void)world_running(world, machine, renter, 2);
    CHECK_OK(flow_offers_of_machine(&world->flow, machine->id, &world->arena, &now, &count, &err),
             &err);
    held = offer_of(now, count, 2, false)->gpu_ids;
    CHECK(held[0] == shown[0] && held[1] == shown[1]);
    CHECK_INT(offer_of(now, count, 1, false)->gpu_ids[0], taken[0]);
    CHECK(offer_of(now, count, 1, true)->gpu_ids[0] != shown[1]);
}

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
    CHECK_INT((int64_t)count, 3); /* of one and of two; and what is rented */
    for (size_t i = 0; i < 2; i++) {
        CHECK_INT(offers[i].machine->id, machine.id);
        CHECK_INT(offers[i].machine->host_id, machine.host.user_id);
        CHECK_INT(offers[i].machine->gpus_free, 3);
        CHECK_INT(offers[i].machine->disk_free_gb, 990);
        CHECK(offers[i].machine->is_connected);
        CHECK_TEXT(offers[i].machine->gpu_name, "RTX 4090");
        CHECK(offer_is_rentable(&offers[i], clock_now(&world.clock)));
    }
    CHECK_INT(offers[2].renter_id, ada.user_id);
    CHECK_INT(offers[2].terms.num_gpus, 1);
    CHECK_INT(offers[2].terms.gpu_hour.nanodollars, 360000000);
    CHECK_INT(offers[2].machine->id, machine.id);
    CHECK(!offer_is_rentable(&offers[2], clock_now(&world.clock)));
    check_gpus(&world, &machine, ada, offers);
    CHECK_OK(flow_offers_of_machine(&world.flow, 99999, &world.arena, &offers, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    world_close(&world);
}

/* Unlisting and repricing do not touch what is rented, nor hide that it is; ending it does. */
static void test_what_is_rented_is_there_until_it_ends(void **state)
{
    struct list_machine_request dearer = { .has_gpu_hour = true, .values.gpu_hour = { 900000000 } };
    enum list_machine_outcome outcome;
    enum change_outcome stopped;
    struct list_machine_reply listed;
    struct world world;
    struct world_machine machine;
    struct offer *offers;
    struct error err;
    int64_t ids[4];
    size_t count;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    int64_t id = world_running(&world, &machine, ada, 2);
    int64_t offer_id = world_contract(&world, id).offer_id;

    dearer.machine_id = machine.id;
    CHECK_OK(flow_list_machine(&world.flow, &machine.host, &dearer, &listed, &err), &err);
    CHECK_INT(listed.outcome, LIST_DONE);
    CHECK_OK(flow_unlist_machine(&world.flow, &machine.host, machine.id, &outcome, &err), &err);
    CHECK_INT(outcome, LIST_DONE);
    CHECK_OK(flow_offers_of_machine(&world.flow, machine.id, &world.arena, &offers, &count, &err),
             &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(offers[0].id, offer_id);
    CHECK_INT(offers[0].terms.gpu_hour.nanodollars, 720000000);
    CHECK_INT(offers[0].terms.end.microseconds, world_contract(&world, id).terms.end.microseconds);
    CHECK_OK(flow_offers_machines(&world.flow, 0, ids, 4, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);

    CHECK_OK(flow_stop(&world.flow, &ada, id, &stopped, &err), &err);
    world_run(&world, &machine, 20 * US_PER_SECOND);
    CHECK_OK(flow_offers_of_machine(&world.flow, machine.id, &world.arena, &offers, &count, &err),
             &err);
    CHECK_INT((int64_t)count, 0);
    CHECK_OK(flow_offers_machines(&world.flow, 0, ids, 4, &count, &err), &err);
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
        cmocka_unit_test(test_what_is_rented_is_there_until_it_ends),
        cmocka_unit_test(test_machines_with_offers_are_found_in_order),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
