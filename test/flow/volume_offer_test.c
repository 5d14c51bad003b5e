/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/list_machine.h"
#include "flow/reclaim.h"
#include "flow/volume.h"
#include "support_volumes.h"

#define DAY_US (24 * US_PER_HOUR)

static struct volume_offer_reply offer(struct world *world, struct caller caller,
                                       const struct volume_offer_request *request)
{
    struct volume_offer_reply reply;
    struct error err;

    CHECK_OK(flow_volume_offer(&world->flow, &caller, request, &reply, &err), &err);
    return reply;
}

static enum volume_offer_outcome unlist(struct world *world, struct caller caller, int64_t id)
{
    enum volume_offer_outcome outcome;
    struct error err;

    CHECK_OK(flow_volume_unlist(&world->flow, &caller, id, &outcome, &err), &err);
    return outcome;
}

/* How much is on offer on one machine, and at what; 0: nothing. */
static int64_t offered(struct world *world, int64_t *ret_month)
{
    struct offer *offers;
    struct error err;
    size_t count;

    CHECK_OK(flow_volume_offers(&world->flow, 10, &world->arena, &offers, &count, &err), &err);
    CHECK(count < 2);
    *ret_month = count == 0 ? 0 : offers[0].terms.disk_month.nanodollars;
    return count == 0 ? 0 : offers[0].terms.disk_gb;
}

static struct list_machine_reply list(struct world *world, const struct world_machine *machine,
                                      const struct list_machine_request *wish)
{
    struct list_machine_request request = *wish;
    struct list_machine_reply reply;
    struct error err;

    request.machine_id = machine->id;
    request.has_gpu_hour = true;
    request.values.gpu_hour = (struct money){ INT64_C(360000000) };
    CHECK_OK(flow_list_machine(&world->flow, &machine->host, &request, &reply, &err), &err);
    return reply;
}

static void test_what_is_offered_is_bounded_and_only_its_owners(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    struct caller bob = world_user(&world, "bob@berth.test", 25);
    int64_t free_gb = machine.facts.disk_gb;
    struct volume_offer_request good = { machine.id, free_gb, { VOLUME_MONTH }, INSTANT_NEVER };
    struct instant now = clock_now(&world.clock);
    struct hash before = world_dump(&world);
    struct volume_offer_request bad = good;
    CHECK_INT(offer(&world, bob, &good).outcome, VOLUME_OFFER_NO_MACHINE);
    bad.size_gb = free_gb + 1;
    CHECK_INT(offer(&world, machine.host, &bad).outcome, VOLUME_OFFER_BAD_SIZE);
    bad.size_gb = 0;
    CHECK_INT(offer(&world, machine.host, &bad).outcome, VOLUME_OFFER_BAD_SIZE);
    bad = good;
    bad.end = now;
    CHECK_INT(offer(&world, machine.host, &bad).outcome, VOLUME_OFFER_BAD_END);
    bad = good;
    bad.disk_month = (struct money){ INT64_MAX };
    CHECK_INT(offer(&world, machine.host, &bad).outcome, VOLUME_OFFER_BAD_PRICE);
    CHECK_UNCHANGED(&world, before);

    struct volume_offer_reply made = offer(&world, machine.host, &good);
    CHECK_INT(made.outcome, VOLUME_OFFER_DONE);
    CHECK_INT(unlist(&world, bob, made.offer_id), VOLUME_OFFER_NONE);
    CHECK_INT(unlist(&world, machine.host, made.offer_id), VOLUME_OFFER_DONE);
    CHECK_INT(unlist(&world, machine.host, made.offer_id), VOLUME_OFFER_NONE);
    world_check(&world);
    world_close(&world);
}

/* As the client's `list machine` has it: half of what is free, or what it says. */
static void test_a_listing_offers_half_of_what_is_free(void **state)
{
    struct world world;
    struct world_machine machine;
    int64_t month;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    int64_t disk_gb = machine.facts.disk_gb;
    CHECK_INT(offered(&world, &month), disk_gb / 2);
    CHECK_INT(month, 150000000);

    struct list_machine_request wish = { .has_volume_gb = true, .volume_gb = 200 };
    CHECK_INT(list(&world, &machine, &wish).outcome, LIST_DONE);
    CHECK_INT(offered(&world, &month), 200);
    wish = (struct list_machine_request){ .has_volume_month = true, .volume_month = { 70000000 } };
    CHECK_INT(list(&world, &machine, &wish).outcome, LIST_DONE);
    CHECK_INT(offered(&world, &month), 200);
    CHECK_INT(month, 70000000);
    wish = (struct list_machine_request){ 0 };
    CHECK_INT(list(&world, &machine, &wish).outcome, LIST_DONE);
    CHECK_INT(offered(&world, &month), 200);
    CHECK_INT(month, 70000000);

    struct hash before = world_dump(&world);
    wish = (struct list_machine_request){ .has_volume_gb = true, .volume_gb = disk_gb + 1 };
    CHECK_INT(list(&world, &machine, &wish).outcome, LIST_BAD_VOLUME);
    CHECK_UNCHANGED(&world, before);
    wish.volume_gb = 0;
    CHECK_INT(list(&world, &machine, &wish).outcome, LIST_DONE);
    CHECK_INT(offered(&world, &month), 0);
    world_check(&world);
    world_close(&world);
}

static void test_off_the_market_nothing_of_it_is_offered(void **state)
{
    struct world world;
    struct world_machine machine;
    enum list_machine_outcome outcome;
    int64_t month;
    struct error err;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    int64_t id = volumes_offer(&world, &machine, 100, VOLUME_MONTH, 0);
    int64_t volume = volumes_make(&world, ada, id, 10).id;
    CHECK_OK(flow_unlist_machine(&world.flow, &machine.host, machine.id, &outcome, &err), &err);
    CHECK_INT(outcome, LIST_DONE);
    CHECK_INT(offered(&world, &month), 0);
    CHECK_INT(volumes_make(&world, ada, id, 10).outcome, RENT_NO_SUCH_OFFER);
    CHECK_INT(volumes_count(&world, ada), 1);
    CHECK_INT(world_contract(&world, volume).state, RENTAL_STOPPED);
    world_check(&world);
    world_close(&world);
}

static void test_volumes_that_cost_no_more_last_as_long_as_the_new_offer(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    int64_t id = volumes_offer(&world, &machine, 100, VOLUME_MONTH, 2);
    int64_t volume = volumes_make(&world, ada, id, 10).id;
    struct instant end = world_contract(&world, volume).terms.end;
    CHECK_INT(end.microseconds, instant_add(clock_now(&world.clock), 2 * DAY_US).microseconds);

    (void)volumes_offer(&world, &machine, 100, VOLUME_MONTH + 1, 9);
    CHECK_INT(world_contract(&world, volume).terms.end.microseconds, end.microseconds);
    (void)volumes_offer(&world, &machine, 100, VOLUME_MONTH, 1);
    CHECK_INT(world_contract(&world, volume).terms.end.microseconds, end.microseconds);
    (void)volumes_offer(&world, &machine, 100, VOLUME_MONTH, 9);
    CHECK_INT(world_contract(&world, volume).terms.end.microseconds,
              instant_add(clock_now(&world.clock), 9 * DAY_US).microseconds);
    /* At its own price, whatever it is by now. */
    CHECK_INT(world_contract(&world, volume).terms.disk_month.nanodollars, VOLUME_MONTH);
    world_check(&world);
    world_close(&world);
}

/* The listing's end rolls on day by day, and so does that of the space that came with it. */
static void test_a_rolling_end_takes_it_along(void **state)
{
    struct world world;
    struct world_machine machine;
    struct error err;
    size_t count;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    struct list_machine_request wish = {
        .has_duration = true, .duration_s = 7 * 86400, .has_volume_gb = true, .volume_gb = 100
    };
    CHECK_INT(list(&world, &machine, &wish).outcome, LIST_DONE);
    struct offer *offers;
    CHECK_OK(flow_volume_offers(&world.flow, 10, &world.arena, &offers, &count, &err), &err);
    int64_t volume = volumes_make(&world, ada, offers[0].id, 10).id;
    world_run(&world, &machine, 2 * DAY_US);
    CHECK_OK(flow_listings(&world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    int64_t least = instant_add(clock_now(&world.clock), 6 * DAY_US).microseconds;
    CHECK(world_contract(&world, volume).terms.end.microseconds > least);
    world_check(&world);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_offered_is_bounded_and_only_its_owners),
        cmocka_unit_test(test_a_listing_offers_half_of_what_is_free),
        cmocka_unit_test(test_off_the_market_nothing_of_it_is_offered),
        cmocka_unit_test(test_volumes_that_cost_no_more_last_as_long_as_the_new_offer),
        cmocka_unit_test(test_a_rolling_end_takes_it_along),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
