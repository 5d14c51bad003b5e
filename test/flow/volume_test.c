/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/volume.h"

#include <string.h>

#include "flow/admin.h"
#include "flow/contact_lost.h"
#include "flow/desired.h"
#include "flow/instance_change.h"
#include "flow/no_credit.h"
#include "flow/offers.h"
#include "flow/post_usage.h"
#include "flow/remove_machine.h"
#include "flow/upkeep.h"
#include "support_volumes.h"

#define DAY_US (24 * US_PER_HOUR)

struct market {
    struct world world;
    struct world_machine machine;
    struct caller ada, bob;
    int64_t offer;
};

/* A host with 100 GB for volumes, and two renters. */
static void market_open(struct market *market, void *state)
{
    world_open(&market->world, state);
    market->ada = world_user(&market->world, "ada@berth.test", 25);
    market->bob = world_user(&market->world, "bob@berth.test", 25);
    world_host(&market->world, &market->machine, "a", 2);
    market->offer = volumes_offer(&market->world, &market->machine, 100, VOLUME_MONTH, 0);
}

static void market_close(struct market *market)
{
    world_check(&market->world);
    world_close(&market->world);
}

static struct desired desired_of(struct market *market)
{
    struct desired desired;
    struct error err;
    bool has;

    CHECK_OK(flow_desired(&market->world.flow, market->machine.id, &market->world.arena, &desired,
                          &has, &err),
             &err);
    CHECK(has);
    return desired;
}

static void test_it_is_charged_from_its_making_until_it_is_deleted(void **state)
{
    struct market market;
    struct world *world = &market.world;

    market_open(&market, *state);
    int64_t before = world_credit(world, market.ada);
    struct volume_reply made = volumes_make(world, market.ada, market.offer, 20);
    CHECK_INT(made.outcome, RENT_OK);
    CHECK(made.id > 0);
    CHECK_INT(volumes_count(world, market.ada), 1);
    CHECK_INT(volumes_count(world, market.bob), 0);

    /* $0.10 x 20 GB x 36 h / 720 h. */
    world_run(world, &market.machine, 36 * US_PER_HOUR);
    CHECK_INT(volumes_charged(world, made.id), 100000000);
    CHECK_INT(before - world_credit(world, market.ada), 100000000);

    CHECK_INT(volumes_delete(world, market.ada, made.id).outcome, VOLUME_DELETED);
    CHECK_INT(volumes_count(world, market.ada), 0);
    CHECK_INT(world_contract(world, made.id).state, RENTAL_DESTROYING);
    struct desired desired = desired_of(&market);
    CHECK_INT(desired.instance_count, 0);
    CHECK_INT(desired.gone_count, 1);
    CHECK_INT(desired.gone[0].id, made.id);
    world_run(world, &market.machine, 36 * US_PER_HOUR);
    CHECK_INT(world_contract(world, made.id).state, RENTAL_DESTROYED);
    CHECK_INT(desired_of(&market).gone_count, 0);
    CHECK_INT(volumes_charged(world, made.id), 100000000);
    CHECK_INT(volumes_delete(world, market.ada, made.id).outcome, VOLUME_NONE);
    market_close(&market);
}

/* Who pays for what has been used is settled before credit comes: volumes too. */
static void test_what_it_cost_is_settled_before_credit_comes(void **state)
{
    struct market market;
    struct world *world = &market.world;
    enum admin_outcome outcome;
    struct error err;

    market_open(&market, *state);
    struct volume_reply made = volumes_make(world, market.ada, market.offer, 20);
    world_run(world, &market.machine, 36 * US_PER_HOUR);
    CHECK_OK(flow_grant_credit(&world->flow, market.ada.user_id, (struct money){ 1 }, "t-1",
                               &outcome, &err),
             &err);
    CHECK_INT(outcome, ADMIN_DONE);
    CHECK_INT(world_number_of(world, "SELECT SUM(gross_posted) FROM meter WHERE instance_id = $1",
                              made.id),
              100000000);
    market_close(&market);
}

/* Three quarters of it are the host's, and all of it is on the renter's bill as a volume's. */
static void test_its_host_earns_and_its_renter_sees_what_it_cost(void **state)
{
    struct market market;
    struct world *world = &market.world;

    market_open(&market, *state);
    struct volume_reply made = volumes_make(world, market.ada, market.offer, 20);
    world_run(world, &market.machine, 36 * US_PER_HOUR);
    (void)volumes_charged(world, made.id);
    CHECK_INT(
        world_number_of(world, "SELECT SUM(host) FROM usage_line WHERE contract_id = $1", made.id),
        75000000);
    CHECK_INT(world_number_of(world,
                              "SELECT COUNT(*) FROM usage_line WHERE contract_id = $1 "
                              "AND comp <> 2",
                              made.id),
              0);
    market_close(&market);
}

static void test_an_offer_is_sold_in_parts_until_nothing_is_left(void **state)
{
    struct market market;
    struct world *world = &market.world;
    struct offer *offers;
    size_t count;
    struct error err;

    market_open(&market, *state);
    CHECK_INT(volumes_make(world, market.ada, market.offer, 60).outcome, RENT_OK);
    CHECK_INT(volumes_make(world, market.bob, market.offer, 41).outcome, RENT_DISK_TOO_LARGE);
    CHECK_OK(flow_volume_offers(&world->flow, 10, &world->arena, &offers, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(offers[0].terms.disk_gb, 40);
    CHECK_INT(offers[0].id, market.offer);
    struct volume_reply rest = volumes_make(world, market.bob, market.offer, 40);
    CHECK_INT(rest.outcome, RENT_OK);
    CHECK_OK(flow_volume_offers(&world->flow, 10, &world->arena, &offers, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    CHECK_INT(volumes_make(world, market.bob, market.offer, 1).outcome, RENT_DISK_TOO_LARGE);

    /* Deleted, it is there for others only when its host says that it is gone. */
    CHECK_INT(volumes_delete(world, market.bob, rest.id).outcome, VOLUME_DELETED);
    CHECK_INT(volumes_make(world, market.bob, market.offer, 40).outcome, RENT_DISK_TOO_LARGE);
    world_pass(world, US_PER_SECOND);
    CHECK_INT(world_beat(world, &market.machine), TAKE_DONE);
    CHECK_INT(volumes_make(world, market.bob, market.offer, 40).outcome, RENT_OK);
    market_close(&market);
}

/* What volumes take of the machine's disk is not there for instances, and the other way round. */
static void test_it_shares_the_machines_disk_with_instances(void **state)
{
    struct market market;
    struct world *world = &market.world;
    struct offer *offers;
    size_t count;
    struct error err;

    market_open(&market, *state);
    int64_t disk_gb = market.machine.facts.disk_gb;
    int64_t offer = volumes_offer(world, &market.machine, disk_gb, VOLUME_MONTH, 0);
    CHECK_INT(volumes_make(world, market.ada, offer, disk_gb - 5).outcome, RENT_OK);
    CHECK_OK(flow_offers_of_machine(&world->flow, market.machine.id, &world->arena, &offers, &count,
                                    &err),
             &err);
    CHECK(count > 0);
    for (size_t i = 0; i < count; i++) {
        CHECK_INT(offer_disk_gb(&offers[i]), 5);
        CHECK_INT(offers[i].machine->volume_offer_id, offer);
        CHECK_INT(offers[i].machine->volume_left_gb, 5);
    }
    struct rental_reply reply =
        world_rent(world, market.bob, world_offer(world, market.machine.id, 1));
    CHECK_INT(reply.outcome, RENTAL_REFUSED);
    CHECK_INT(reply.refusal, RENT_DISK_TOO_LARGE);
    market_close(&market);
}

static void test_what_cannot_be_paid_for_an_hour_is_not_made(void **state)
{
    struct market market;
    struct world *world = &market.world;

    market_open(&market, *state);
    struct caller poor = world_user(world, "poor@berth.test", 0);
    struct hash before = world_dump(world);
    CHECK_INT(volumes_make(world, poor, market.offer, 1).outcome, RENT_NO_CREDIT);
    CHECK_INT(volumes_make(world, market.ada, 987654321, 1).outcome, RENT_NO_SUCH_OFFER);
    CHECK_INT(volumes_make(world, market.ada, market.offer, 0).outcome, RENT_BAD_DISK);
    struct caller narrow = market.ada;
    narrow.instance_id = 7;
    CHECK_INT(volumes_make(world, narrow, market.offer, 1).outcome, RENT_ACCOUNT_BARRED);
    /* An offer of GPUs is none of volumes, nor the other way round. */
    int64_t gpus = world_offer(world, market.machine.id, 1);
    CHECK_INT(volumes_make(world, market.ada, gpus, 1).outcome, RENT_NO_SUCH_OFFER);
    CHECK_INT(world_rent(world, market.ada, market.offer).refusal, RENT_NO_SUCH_OFFER);
    CHECK_UNCHANGED(world, before);
    market_close(&market);
}

/* What runs is stopped sooner for it; the volume itself outlives the credit. */
static void test_its_price_shortens_the_credit_of_its_owner(void **state)
{
    struct market market;
    struct world *world = &market.world;
    size_t count;
    struct error err;

    market_open(&market, *state);
    const char *zero = "SELECT t_zero_us FROM users WHERE id = $1";
    int64_t instance = world_running(world, &market.machine, market.ada, 1);
    int64_t now = clock_now(&world->clock).microseconds;
    int64_t before = world_number_of(world, zero, market.ada.user_id) - now;
    /* $25 at $0.36 and $0.15 x 10 GB / 720 an hour are 69.04 hours; with $10 x 72 GB / 720 more,
     * 18.35. */
    CHECK_INT(before / US_PER_HOUR, 69);
    int64_t offer = volumes_offer(world, &market.machine, 100, INT64_C(10000000000), 0);
    struct volume_reply made = volumes_make(world, market.ada, offer, 72);
    CHECK_INT((world_number_of(world, zero, market.ada.user_id) - now) / US_PER_HOUR, 18);

    world_run(world, &market.machine, 19 * US_PER_HOUR);
    CHECK_OK(flow_no_credit(&world->flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(world_contract(world, instance).reason, REASON_NO_CREDIT);
    CHECK_INT(volumes_count(world, market.ada), 1);
    CHECK_INT(world_contract(world, made.id).state, RENTAL_STOPPED);
    world_run(world, &market.machine, US_PER_HOUR);
    CHECK_INT(volumes_charged(world, made.id), INT64_C(20000000000));
    market_close(&market);
}

static void test_nobody_else_has_anything_to_do_with_it(void **state)
{
    struct market market;
    struct world *world = &market.world;
    enum change_outcome outcome;
    struct error err;

    market_open(&market, *state);
    struct volume_reply made = volumes_make(world, market.ada, market.offer, 20);
    struct hash before = world_dump(world);
    CHECK_INT(volumes_delete(world, market.bob, made.id).outcome, VOLUME_NONE);
    CHECK_INT(volumes_delete(world, market.machine.host, made.id).outcome, VOLUME_NONE);
    /* Nor is it an instance, not even to its owner. */
    CHECK_OK(flow_destroy(&world->flow, &market.ada, made.id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_NO_INSTANCE);
    CHECK_OK(flow_start(&world->flow, &market.ada, made.id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_NO_INSTANCE);
    CHECK_UNCHANGED(world, before);
    market_close(&market);
}

/* While its host is away its disk is charged for as long as any other's, and no longer. */
static void test_a_host_that_is_away_is_paid_as_for_any_disk(void **state)
{
    struct market market;
    struct world *world = &market.world;
    size_t count;
    struct error err;

    market_open(&market, *state);
    world->flow.skips_disk_offline = true;
    struct volume_reply made = volumes_make(world, market.ada, market.offer, 20);
    world_run(world, &market.machine, US_PER_HOUR);
    int64_t hour = volumes_charged(world, made.id);
    world_pass(world, 60 * US_PER_SECOND);
    CHECK_OK(flow_contact_lost(&world->flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    world_pass(world, 10 * US_PER_HOUR);
    CHECK_INT(volumes_charged(world, made.id), hour);
    market_close(&market);
}

static void test_what_is_over_its_host_may_clear_away(void **state)
{
    struct market market;
    struct world *world = &market.world;
    enum upkeep_outcome outcome;
    enum remove_machine_outcome removed;
    int64_t deleted, rentals;
    struct error err;

    market_open(&market, *state);
    int64_t offer = volumes_offer(world, &market.machine, 100, VOLUME_MONTH, 2);
    struct volume_reply made = volumes_make(world, market.ada, offer, 20);
    CHECK_OK(flow_remove_machine(&world->flow, &market.machine.host, market.machine.id, &removed,
                                 &rentals, &err),
             &err);
    CHECK_INT(removed, REMOVE_IS_RENTED);
    world_run(world, &market.machine, 8 * DAY_US);
    CHECK_OK(flow_clean_up(&world->flow, &market.machine.host, market.machine.id, &deleted,
                           &outcome, &err),
             &err);
    CHECK_INT(deleted, 0);
    world_run(world, &market.machine, 2 * DAY_US);
    CHECK_OK(flow_clean_up(&world->flow, &market.machine.host, market.machine.id, &deleted,
                           &outcome, &err),
             &err);
    CHECK_INT(deleted, 1);
    CHECK_INT(volumes_count(world, market.ada), 0);
    CHECK_INT(world_contract(world, made.id).reason, REASON_CLEANED_UP);
    market_close(&market);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_charged_from_its_making_until_it_is_deleted),
        cmocka_unit_test(test_what_it_cost_is_settled_before_credit_comes),
        cmocka_unit_test(test_its_host_earns_and_its_renter_sees_what_it_cost),
        cmocka_unit_test(test_an_offer_is_sold_in_parts_until_nothing_is_left),
        cmocka_unit_test(test_it_shares_the_machines_disk_with_instances),
        cmocka_unit_test(test_what_cannot_be_paid_for_an_hour_is_not_made),
        cmocka_unit_test(test_its_price_shortens_the_credit_of_its_owner),
        cmocka_unit_test(test_nobody_else_has_anything_to_do_with_it),
        cmocka_unit_test(test_a_host_that_is_away_is_paid_as_for_any_disk),
        cmocka_unit_test(test_what_is_over_its_host_may_clear_away),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
