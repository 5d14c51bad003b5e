/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/list_machine.h"

#include "flow/machines.h"
#include "support.h"

#define DAY_US (24 * US_PER_HOUR)

static struct list_machine_reply list(struct world *world, struct caller host,
                                      const struct list_machine_request *request)
{
    struct list_machine_reply reply;
    struct error err;

    CHECK_OK(flow_list_machine(&world->flow, &host, request, &reply, &err), &err);
    return reply;
}

static void test_offers_are_cut_by_chunk_and_priced_for_the_slice(void **state)
{
    static const int64_t sizes[] = { 2, 4, 8 };
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller hal = world_user(&world, "hal@berth.test", 0);
    world_machine(&world, &machine, hal, "a", 8);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    struct list_machine_request request = {
        .machine_id = machine.id,
        .has_gpu_hour = true,
        .has_min_chunk = true,
        .values = { .gpu_hour = { INT64_C(350000000) }, .min_chunk = 2 },
    };
    struct list_machine_reply reply = list(&world, hal, &request);
    CHECK_INT(reply.outcome, LIST_DONE);
    CHECK_INT((int64_t)reply.offer_count, 3);
    CHECK_INT(reply.listing.disk_month.nanodollars, INT64_C(150000000)); /* the market's */
    CHECK_INT(instant_compare(reply.listing.end, INSTANT_NEVER), 0);
    for (size_t i = 0; i < 3; i++) {
        check_row("%lld GPUs", (long long)sizes[i]);
        CHECK(world_offer(&world, machine.id, sizes[i]) != 0);
        CHECK_INT(
            world_number_of(&world, "SELECT gpu_hour FROM offer WHERE num_gpus = $1", sizes[i]),
            INT64_C(350000000) * sizes[i]);
    }
    CHECK_INT(world_offer(&world, machine.id, 1), 0);
    world_check(&world);
    world_close(&world);
}

static void test_listing_anew_replaces_offers_and_leaves_contracts_alone(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    int64_t id = world_running(&world, &machine, ada, 1);
    int64_t before = world_offer(&world, machine.id, 1);
    struct contract_row contract = world_contract(&world, id);

    struct list_machine_request request = {
        .machine_id = machine.id,
        .has_gpu_hour = true,
        .values = { .gpu_hour = { INT64_C(720000000) } },
    };
    struct list_machine_reply reply = list(&world, machine.host, &request);
    CHECK_INT(reply.outcome, LIST_DONE);
    CHECK_INT((int64_t)reply.offer_count, 1);
    CHECK(world_offer(&world, machine.id, 1) > before);
    /* What was not named stays. */
    CHECK_INT(reply.listing.up_tb.nanodollars, INT64_C(20000000000));

    struct rental_reply late = world_rent(&world, ada, before);
    CHECK_INT(late.refusal, RENT_NO_SUCH_OFFER);
    struct contract_row after = world_contract(&world, id);
    CHECK_INT(after.terms.gpu_hour.nanodollars, contract.terms.gpu_hour.nanodollars);
    CHECK_INT(after.gen, contract.gen);
    world_run(&world, &machine, 10 * US_PER_SECOND);
    CHECK_INT(world_number(&world, "SELECT total FROM meter WHERE comp = 1"), 0);
    CHECK_INT(world_charged(&world, ada, id), 10 * 100000 + INT64_C(1500000000) * 10 / 2592000);
    /* A new rental has the new price. */
    int64_t second = world_running(&world, &machine, ada, 1);
    CHECK_INT(world_contract(&world, second).terms.gpu_hour.nanodollars, INT64_C(720000000));
    world_check(&world);
    world_close(&world);
}

/* The same prices keep the ids, a later end too; other prices and an earlier end do not. */
static void test_ids_stay_as_long_as_what_they_stand_for(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 2);
    int64_t one = world_offer(&world, machine.id, 1), two = world_offer(&world, machine.id, 2);
    struct list_machine_request same = { .machine_id = machine.id };
    CHECK_INT(list(&world, machine.host, &same).outcome, LIST_DONE);
    CHECK_INT(world_offer(&world, machine.id, 1), one);

    struct list_machine_request ends = { .machine_id = machine.id,
                                         .has_end = true,
                                         .values.end = instant_add(WORLD_START, DAY_US) };
    CHECK_INT(list(&world, machine.host, &ends).outcome, LIST_DONE);
    int64_t sooner = world_offer(&world, machine.id, 1);
    CHECK(sooner > two);
    ends.values.end = instant_add(WORLD_START, 2 * DAY_US);
    CHECK_INT(list(&world, machine.host, &ends).outcome, LIST_DONE);
    CHECK_INT(world_offer(&world, machine.id, 1), sooner);
    CHECK_INT(world_number_of(&world, "SELECT end_us FROM offer WHERE id = $1", sooner),
              ends.values.end.microseconds);

    struct list_machine_request cheaper = { .machine_id = machine.id,
                                            .has_gpu_hour = true,
                                            .values.gpu_hour = { 1000000 } };
    CHECK_INT(list(&world, machine.host, &cheaper).outcome, LIST_DONE);
    CHECK(world_offer(&world, machine.id, 1) > sooner);
    world_check(&world);
    world_close(&world);
}

static size_t listings(struct world *world)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_listings(&world->flow, &count, &err), &err);
    return count;
}

static void test_a_duration_rolls_on_day_by_day(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    struct list_machine_request week = { .machine_id = machine.id,
                                         .has_duration = true,
                                         .duration_s = 7 * 86400 };
    CHECK_INT(list(&world, machine.host, &week).outcome, LIST_DONE);
    struct instant listed = clock_now(&world.clock);
    int64_t id = world_rent(&world, ada, world_offer(&world, machine.id, 1)).instance_id;
    int64_t offer = world_offer(&world, machine.id, 1);
    CHECK_INT(world_contract(&world, id).terms.end.microseconds,
              instant_add(listed, 7 * DAY_US).microseconds);
    world_pass(&world, DAY_US - US_PER_SECOND - instant_until(listed, clock_now(&world.clock)));
    CHECK_INT((int64_t)listings(&world), 0);
    world_pass(&world, US_PER_SECOND);
    CHECK_INT((int64_t)listings(&world), 1);
    CHECK_INT((int64_t)listings(&world), 0);
    struct instant end = instant_add(clock_now(&world.clock), 7 * DAY_US);
    CHECK_INT(world_number_of(
                  &world, "SELECT end_us FROM offer WHERE id = $1 AND removed_us IS NULL", offer),
              end.microseconds);
    /* Its contract costs no less than the listing, so it goes on as long. */
    CHECK_INT(world_contract(&world, id).terms.end.microseconds, end.microseconds);
    CHECK_INT(world_number(&world, "SELECT is_listed FROM machine"), 1);
    world_check(&world);
    world_close(&world);
}

static void test_past_its_end_it_is_off_the_market(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    struct list_machine_request ends = { .machine_id = machine.id,
                                         .has_end = true,
                                         .values.end = instant_add(WORLD_START, DAY_US) };
    CHECK_INT(list(&world, machine.host, &ends).outcome, LIST_DONE);
    int64_t id = world_running(&world, &machine, ada, 1);
    struct contract_row contract = world_contract(&world, id);
    world_pass(&world, DAY_US - 1 - instant_until(WORLD_START, clock_now(&world.clock)));
    CHECK_INT((int64_t)listings(&world), 0);
    world_pass(&world, 1);
    CHECK_INT((int64_t)listings(&world), 1);
    CHECK_INT(world_number(&world, "SELECT is_listed FROM machine"), 0);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM offer WHERE removed_us IS NULL"), 0);
    CHECK_INT(world_contract(&world, id).gen, contract.gen);
    CHECK_INT((int64_t)listings(&world), 0);
    world_close(&world);
}

static void test_unlisting_hides_offers_and_leaves_contracts_alone(void **state)
{
    struct world world;
    struct world_machine machine;
    enum list_machine_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    int64_t id = world_running(&world, &machine, ada, 1);
    struct contract_row contract = world_contract(&world, id);
    CHECK_OK(flow_unlist_machine(&world.flow, &machine.host, machine.id, &outcome, &err), &err);
    CHECK_INT(outcome, LIST_DONE);
    CHECK_INT(world_offer(&world, machine.id, 1), 0);
    CHECK_INT(world_contract(&world, id).gen, contract.gen);
    CHECK_OK(flow_unlist_machine(&world.flow, &machine.host, machine.id, &outcome, &err), &err);
    CHECK_INT(outcome, LIST_DONE);
    world_check(&world);
    world_close(&world);
}

static void test_bad_terms_and_foreign_machines_are_refused(void **state)
{
    struct world world;
    struct world_machine machine;
    enum list_machine_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller hal = world_user(&world, "hal@berth.test", 0);
    struct caller eve = world_user(&world, "eve@berth.test", 0);
    world_machine(&world, &machine, hal, "a", 2);
    struct instant past = instant_add(WORLD_START, -1);
    const struct {
        struct list_machine_request request;
        enum list_machine_outcome outcome;
    } rows[] = {
        { { .machine_id = machine.id }, LIST_BAD_PRICE }, /* never listed: no price yet */
        { { .machine_id = machine.id, .has_gpu_hour = true, .values.gpu_hour = { -1 } },
          LIST_BAD_PRICE },
        { { .machine_id = machine.id,
            .has_gpu_hour = true,
            .values.gpu_hour = { INT64_C(10001) * NANODOLLARS_PER_DOLLAR } },
          LIST_BAD_PRICE },
        { { .machine_id = machine.id,
            .has_gpu_hour = true,
            .has_min_chunk = true,
            .values = { .gpu_hour = { 1 }, .min_chunk = 3 } },
          LIST_BAD_CHUNK },
        { { .machine_id = machine.id,
            .has_gpu_hour = true,
            .has_min_chunk = true,
            .values = { .gpu_hour = { 1 }, .min_chunk = 0 } },
          LIST_BAD_CHUNK },
        { { .machine_id = machine.id,
            .has_gpu_hour = true,
            .has_end = true,
            .values = { .gpu_hour = { 1 }, .end = past } },
          LIST_BAD_END },
        { { .machine_id = machine.id,
            .has_gpu_hour = true,
            .has_duration = true,
            .duration_s = 0,
            .values.gpu_hour = { 1 } },
          LIST_BAD_END },
        { { .machine_id = machine.id,
            .has_gpu_hour = true,
            .has_end = true,
            .has_duration = true,
            .duration_s = 60,
            .values = { .gpu_hour = { 1 }, .end = INSTANT_NEVER } },
          LIST_BAD_END },
        { { .machine_id = machine.id,
            .has_gpu_hour = true,
            .has_min_bid = true,
            .values = { .gpu_hour = { 1 }, .min_bid_hour = { 2 } } },
          LIST_BAD_BID },
        { { .machine_id = 99999, .has_gpu_hour = true, .values.gpu_hour = { 1 } },
          LIST_NO_MACHINE },
    };

    struct hash before = world_dump(&world);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        CHECK_INT(list(&world, hal, &rows[i].request).outcome, rows[i].outcome);
        CHECK_INT(list(&world, eve, &rows[i].request).outcome, LIST_NO_MACHINE);
    }
    CHECK_OK(flow_unlist_machine(&world.flow, &eve, machine.id, &outcome, &err), &err);
    CHECK_INT(outcome, LIST_NO_MACHINE);
    CHECK_UNCHANGED(&world, before);
    world_close(&world);
}

static void test_a_host_sees_its_machines_and_nobody_elses(void **state)
{
    struct world world;
    struct world_machine machine, other;
    struct machine_view *views;
    struct error err;
    size_t count;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    world_host(&world, &other, "b", 1);
    (void)world_running(&world, &machine, ada, 1);
    world_pass(&world, 3 * US_PER_SECOND);
    CHECK_OK(flow_machines(&world.flow, &machine.host, 0, &world.arena, &views, &count, &err),
             &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(views[0].machine->id, machine.id);
    CHECK(views[0].machine->is_listed);
    CHECK_INT(views[0].contract_count, 1);
    CHECK_INT(views[0].running_count, 1);
    CHECK_INT(views[0].disk_rented_gb, 10);
    CHECK_INT(views[0].seconds_since_heartbeat, 3);
    /* 75 % of $0.36, and of 10 GB at $0.15 for 1/720 of a month. */
    CHECK_INT(views[0].earn_hour.nanodollars, 270000000 + 1562499);
    CHECK_OK(
        flow_machines(&world.flow, &machine.host, other.id, &world.arena, &views, &count, &err),
        &err);
    CHECK_INT((int64_t)count, 0);
    CHECK_OK(flow_machines(&world.flow, &ada, 0, &world.arena, &views, &count, &err), &err);
    CHECK_INT((int64_t)count, 0);
    world_close(&world);
}

/* The host caps the notice of bids that come; those who saw more on an offer bid for another. */
static void test_notice_has_a_limit_of_the_hosts(void **state)
{
    struct world world;
    struct world_machine machine;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 100);
    world_host(&world, &machine, "a", 1);
    struct rental_request bid = world_bid_request(world_offer(&world, machine.id, 1), 1, 100);
    struct list_machine_request request = { .machine_id = machine.id,
                                            .has_grace_max = true,
                                            .values = { .grace_max_s = 30 } };
    struct list_machine_reply listed;
    struct rental_reply rented;

    bid.grace_s = 120;
    CHECK_OK(flow_list_machine(&world.flow, &machine.host, &request, &listed, &err), &err);
    CHECK_INT(listed.outcome, LIST_DONE);
    CHECK_OK(flow_rent(&world.flow, &ada, &bid, &rented, &err), &err);
    CHECK_INT(rented.refusal, RENT_NO_SUCH_OFFER);
    bid.offer_id = world_offer(&world, machine.id, 1);
    CHECK_OK(flow_rent(&world.flow, &ada, &bid, &rented, &err), &err);
    CHECK_INT(rented.outcome, RENTAL_MADE);
    CHECK_INT(world_instance(&world, ada, rented.instance_id).grace_s, 30);
    bid.offer_id = world_offer(&world, machine.id, 1);
    bid.grace_s = 29;
    CHECK_OK(flow_rent(&world.flow, &ada, &bid, &rented, &err), &err);
    CHECK_INT(world_instance(&world, ada, rented.instance_id).grace_s, 29);
    /* A longer one is no worse: the offer stays. */
    int64_t offer = world_offer(&world, machine.id, 1);
    request.values.grace_max_s = 120;
    CHECK_OK(flow_list_machine(&world.flow, &machine.host, &request, &listed, &err), &err);
    CHECK_INT(world_offer(&world, machine.id, 1), offer);
    for (int64_t bad = -1; bad <= 121; bad += 122) {
        request.values.grace_max_s = bad;
        CHECK_OK(flow_list_machine(&world.flow, &machine.host, &request, &listed, &err), &err);
        CHECK_INT(listed.outcome, LIST_BAD_GRACE);
    }
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notice_has_a_limit_of_the_hosts),
        cmocka_unit_test(test_offers_are_cut_by_chunk_and_priced_for_the_slice),
        cmocka_unit_test(test_listing_anew_replaces_offers_and_leaves_contracts_alone),
        cmocka_unit_test(test_ids_stay_as_long_as_what_they_stand_for),
        cmocka_unit_test(test_a_duration_rolls_on_day_by_day),
        cmocka_unit_test(test_past_its_end_it_is_off_the_market),
        cmocka_unit_test(test_unlisting_hides_offers_and_leaves_contracts_alone),
        cmocka_unit_test(test_bad_terms_and_foreign_machines_are_refused),
        cmocka_unit_test(test_a_host_sees_its_machines_and_nobody_elses),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
