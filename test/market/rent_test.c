/* SPDX-License-Identifier: Apache-2.0 */
#include "market/rent.h"

#include <string.h>

#include "check.h"
#include "support.h"

enum { RENTER = 501, OTHER = 7000 };

static const struct rent_gpu free_gpus[8] = {
    { 11, 0 }, { 12, 0 }, { 13, 0 }, { 14, 0 }, { 15, 0 }, { 16, 0 }, { 17, 0 }, { 18, 0 },
};

/* $10, and four of eight GPUs at $1.40 an hour. */
static struct rent_facts some_rent(struct machine *machine, int64_t num_gpus)
{
    struct listing listing = some_listing();

    *machine = machine_of(77, 12, num_gpus > 0 ? some_facts() : cpu_facts());
    return (struct rent_facts){
        .now = NOON,
        .has_offer = true,
        .offer = { .id = 4101,
                   .machine = machine,
                   .terms = offer_cut(&listing, machine, num_gpus) },
        .is_listed = true,
        .credit =
            credit_open((struct money){ 10 * NANODOLLARS_PER_DOLLAR }, (struct money){ 0 }, NOON),
        .fee_bps = FEE_BPS_DEFAULT,
        .gpu_count = num_gpus > 0 ? 8 : 0,
        .gpus = free_gpus,
    };
}

static void test_a_rental_takes_over_the_offers_terms(void **state)
{
    struct machine machine;
    struct rent_facts facts = some_rent(&machine, 4);
    struct rent_request request = { .disk_gb = 40 };
    struct rent_plan plan;

    (void)state;
    CHECK_INT(rent_decide(&request, &facts, &plan), RENT_OK);
    CHECK_INT(plan.state, RENTAL_CREATED);
    CHECK_INT(plan.reason, REASON_NONE);
    CHECK_INT(plan.end.microseconds, facts.offer.terms.end.microseconds);
    CHECK_INT(plan.share.cpu_millis, 32000);
    CHECK_INT(plan.share.ram_mb, 128000);
    CHECK_INT(plan.share.disk_gb, 40);
    CHECK(plan.gpu_count == 4);
    CHECK(!plan.claims_machine);
    for (int i = 0; i < 4; i++)
        CHECK_INT(plan.gpu_ids[i], 11 + i);
    static const struct {
        int64_t rate, quantity;
    } meters[COMPONENT_COUNT] = {
        { 1400000000, 1 },
        { 150000000, 40 },
        { 3072000000, 1 },
        { 2048000000, 1 },
    };
    for (int i = 0; i < COMPONENT_COUNT; i++) {
        check_row("meter %d", i + 1);
        CHECK_INT(plan.meters[i].component, i + 1);
        CHECK_INT(plan.meters[i].rate.nanodollars, meters[i].rate);
        CHECK_INT(plan.meters[i].quantity, meters[i].quantity);
        CHECK_INT(plan.meters[i].fee_bps, 2500);
        CHECK_INT(plan.meters[i].total, 0);
    }
}

static void test_a_cpu_machine_is_rented_whole(void **state)
{
    struct machine machine;
    struct rent_facts facts = some_rent(&machine, 0);
    struct rent_request request = { .disk_gb = 40 };
    struct rent_plan plan;

    (void)state;
    CHECK_INT(rent_decide(&request, &facts, &plan), RENT_OK);
    CHECK(plan.claims_machine);
    CHECK(plan.gpu_count == 0);
    CHECK_INT(plan.share.cpu_millis, 64000);
    CHECK_INT(plan.meters[0].rate.nanodollars, 350000000);
    facts.is_machine_held = true; /* by a bid, which makes way */
    CHECK_INT(rent_decide(&request, &facts, &plan), RENT_OK);
    CHECK(!plan.claims_machine);
    CHECK_INT(plan.state, RENTAL_SCHEDULING);
    machine.gpus_free = 0;
    CHECK_INT(rent_decide(&request, &facts, &plan), RENT_OFFER_TAKEN);
}

static void test_created_stopped_it_claims_nothing(void **state)
{
    static const struct rent_gpu taken[8] = { { 11, OTHER }, { 12, OTHER }, { 13, OTHER } };
    struct machine machine;
    struct rent_facts facts = some_rent(&machine, 4);
    struct rent_request request = { .disk_gb = 40, .is_stopped = true };
    struct rent_plan plan;

    (void)state;
    facts.gpus = taken;
    CHECK_INT(rent_decide(&request, &facts, &plan), RENT_OK);
    CHECK_INT(plan.state, RENTAL_STOPPED);
    CHECK_INT(plan.reason, REASON_CREATED_STOPPED);
    CHECK(plan.gpu_count == 0 && !plan.claims_machine);

    /* Half a dollar is enough for one that does not run, however dear it would be. */
    facts.credit.posted = (struct money){ CREDIT_RENTAL_MIN };
    CHECK_INT(rent_decide(&request, &facts, &plan), RENT_OK);
    request.is_stopped = false;
    facts.gpus = free_gpus;
    CHECK_INT(rent_decide(&request, &facts, &plan), RENT_NO_CREDIT);
}

static void test_where_others_make_way_it_waits_for_that(void **state)
{
    static const struct rent_gpu five_taken[8] = {
        { 11, OTHER }, { 12, OTHER }, { 13, OTHER }, { 14, OTHER },
        { 15, OTHER }, { 16, 0 },     { 17, 0 },     { 18, 0 },
    };
    struct machine machine;
    struct rent_facts facts = some_rent(&machine, 4);
    struct rent_request request = { .disk_gb = 40 };
    struct rent_plan plan;

    (void)state;
    facts.gpus = five_taken;
    machine.gpus_free = 4;
    CHECK_INT(rent_decide(&request, &facts, &plan), RENT_OK);
    CHECK_INT(plan.state, RENTAL_SCHEDULING);
    CHECK_INT(plan.reason, REASON_GPUS_CLEARING);
    CHECK(plan.gpu_count == 0);
    CHECK_INT(plan.kind, KIND_ON_DEMAND);
}

/* Four GPUs at $0.35 each: below $1.40, and at least what the machine takes. */
static void test_bids(void **state)
{
    static const struct {
        int64_t price, lowest;
        bool is_own;
        enum rent_outcome outcome;
        int64_t ticks;
    } rows[] = {
        { 800000000, 150, false, RENT_OK, 200 },
        { 803999999, 150, false, RENT_OK, 200 },
        { 804000000, 150, false, RENT_OK, 201 },
        { 600000000, 150, false, RENT_OK, 150 },
        { 599999999, 150, false, RENT_BID_TOO_LOW, 0 },
        { 0, 1, false, RENT_BID_TOO_LOW, 0 },
        { 1396000000, 150, false, RENT_OK, 349 },
        { 1399999999, 150, false, RENT_OK, 349 },
        { 1400000000, 150, false, RENT_BID_TOO_HIGH, 0 },
        { 99000000000, 150, false, RENT_BID_TOO_HIGH, 0 },
        { 800000000, 150, true, RENT_OWN_MACHINE, 0 },
    };
    struct machine machine;
    struct rent_facts facts = some_rent(&machine, 4);
    struct rent_plan plan;

    (void)state;
    machine.gpus_free = 0; /* it may wait */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rent_request request = { .disk_gb = 40, .is_bid = true, .price = { rows[i].price } };

        check_row("row %zu", i);
        facts.lowest_bid = rows[i].lowest;
        facts.is_own = rows[i].is_own;
        CHECK_INT(rent_decide(&request, &facts, &plan), rows[i].outcome);
        CHECK(strlen(rent_outcome_sentence(rows[i].outcome)) > 10);
        if (rows[i].outcome != RENT_OK)
            continue;
        CHECK_INT(plan.kind, KIND_BID);
        CHECK_INT(plan.ticks, rows[i].ticks);
        CHECK_INT(plan.terms.gpu_hour.nanodollars, rows[i].ticks * 4000000);
        CHECK_INT(plan.meters[0].rate.nanodollars, rows[i].ticks * 4000000);
        CHECK_INT(plan.list_hour.nanodollars, 1400000000);
        CHECK_INT(plan.state, RENTAL_SCHEDULING);
        CHECK_INT(plan.reason, REASON_BID_WAITS);
        CHECK(plan.gpu_count == 0 && !plan.claims_machine);
    }
    /* An hour at its own price is what has to be there. */
    struct rent_request poor = { .disk_gb = 40, .is_bid = true, .price = { 800000000 } };
    facts.is_own = false;
    facts.credit.posted = (struct money){ 808333334 };
    CHECK_INT(rent_decide(&poor, &facts, &plan), RENT_OK);
    facts.credit.posted = (struct money){ 808000000 };
    CHECK_INT(rent_decide(&poor, &facts, &plan), RENT_NO_CREDIT);
}

static void test_every_refusal(void **state)
{
    struct machine machines[15];
    struct rent_facts facts[15];
    struct rent_request requests[15];
    enum rent_outcome wanted[15];
    static const struct rent_gpu five_taken[8] = {
        { 11, OTHER }, { 12, OTHER }, { 13, OTHER }, { 14, OTHER },
        { 15, OTHER }, { 16, 0 },     { 17, 0 },     { 18, 0 },
    };
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < 15; i++) {
        facts[i] = some_rent(&machines[i], 4);
        requests[i] = (struct rent_request){ .disk_gb = 40 };
    }
    wanted[n] = RENT_NO_SUCH_OFFER;
    facts[n++].has_offer = false;
    wanted[n] = RENT_OFFER_TAKEN;
    facts[n++].offer.renter_id = OTHER;
    wanted[n] = RENT_OFFER_OVER;
    facts[n++].is_listed = false;
    wanted[n] = RENT_OFFER_OVER;
    facts[n].offer.terms.end = instant_add(NOON, RENT_LIFETIME_MIN_US - 1);
    n++;
    wanted[n] = RENT_MACHINE_OFFLINE;
    machines[n++].is_connected = false;
    wanted[n] = RENT_MACHINE_DEVERIFIED;
    machines[n++].verification = VERIFICATION_DEVERIFIED;
    wanted[n] = RENT_ACCOUNT_BARRED;
    facts[n++].is_barred = true;
    wanted[n] = RENT_TOO_MANY_CONTRACTS;
    facts[n++].contract_count = RENT_CONTRACTS_MAX;
    wanted[n] = RENT_BAD_DISK;
    requests[n++].disk_gb = 0;
    wanted[n] = RENT_BAD_WORKSPACE;
    requests[n].workspace_gb = requests[n].disk_gb;
    n++;
    wanted[n] = RENT_NO_ENCRYPTION;
    requests[n].workspace_gb = requests[n].disk_gb - 1;
    n++;
    wanted[n] = RENT_DISK_TOO_LARGE;
    requests[n++].disk_gb = 2001;
    wanted[n] = RENT_DISK_TOO_LARGE;
    machines[n++].disk_free_gb = 39;
    wanted[n] = RENT_OFFER_TAKEN;
    machines[n].gpus_free = 3;
    facts[n++].gpus = five_taken;
    wanted[n] = RENT_NO_CREDIT; /* $1.40 and 40 GB for an hour */
    facts[n++].credit.posted = (struct money){ 1408333333 };
    CHECK(n == 15);
    for (size_t i = 0; i < n; i++) {
        struct rent_plan plan = { .gpu_count = 42 };

        check_row("refusal %zu", i);
        CHECK_INT(rent_decide(&requests[i], &facts[i], &plan), wanted[i]);
        CHECK(plan.gpu_count == 42);
        CHECK(strlen(rent_outcome_sentence(wanted[i])) > 10);
    }
}

static void test_the_edges_are_inside(void **state)
{
    static const struct rent_gpu four_taken[8] = {
        { 11, OTHER }, { 12, 0 }, { 13, OTHER }, { 14, 0 },
        { 15, OTHER }, { 16, 0 }, { 17, OTHER }, { 18, 0 },
    };
    struct machine machine;
    struct rent_facts facts = some_rent(&machine, 4);
    struct rent_request request = { .disk_gb = 2000 };
    struct rent_plan plan;

    (void)state;
    machine.disk_free_gb = 2000;
    facts.gpus = four_taken;
    facts.contract_count = RENT_CONTRACTS_MAX - 1;
    facts.offer.terms.end = instant_add(NOON, RENT_LIFETIME_MIN_US);
    facts.credit.posted = (struct money){ 1816666667 }; /* $1.40 and 2,000 GB for an hour */
    CHECK_INT(rent_decide(&request, &facts, &plan), RENT_OK);
    CHECK_INT(plan.gpu_ids[0], 12);
    CHECK_INT(plan.gpu_ids[3], 18);
    facts.credit.posted.nanodollars -= 1;
    CHECK_INT(rent_decide(&request, &facts, &plan), RENT_NO_CREDIT);
}

/* What the account runs already burns too. */
static void test_the_whole_burn_must_be_covered(void **state)
{
    struct machine machine;
    struct rent_facts facts = some_rent(&machine, 4);
    struct rent_request request = { .disk_gb = 1 };
    struct meter running = meter_open(COMPONENT_GPU, (struct money){ 8000000000 }, 1, 2500);
    struct rent_plan plan;

    (void)state;
    credit_add(&facts.credit, &running, &facts.now);
    CHECK_INT(rent_decide(&request, &facts, &plan), RENT_OK);
    facts.credit.posted = (struct money){ 9 * NANODOLLARS_PER_DOLLAR };
    CHECK_INT(rent_decide(&request, &facts, &plan), RENT_NO_CREDIT);
}

static void test_it_gets_back_the_gpus_it_had(void **state)
{
    static const struct rent_gpu gpus[4] = { { 11, 0 }, { 12, OTHER }, { 13, 0 }, { 14, 7001 } };
    static const struct {
        size_t count;
        int64_t contract_id;
        bool is_placed;
        int64_t ids[3];
    } rows[] = {
        { 1, 7001, true, { 14 } }, { 2, 7001, true, { 14, 11 } }, { 3, 7001, true, { 14, 11, 13 } },
        { 4, 7001, false, { 0 } }, { 1, 0, true, { 11 } },        { 2, 0, true, { 11, 13 } },
        { 3, 0, false, { 0 } },    { 0, 0, true, { 0 } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ids[GPUS_MAX] = { 42, 42, 42 };

        check_row("row %zu", i);
        CHECK_INT(rent_place(gpus, 4, rows[i].count, rows[i].contract_id, ids), rows[i].is_placed);
        for (size_t j = 0; j < 3; j++)
            CHECK_INT(ids[j], rows[i].is_placed && j < rows[i].count ? rows[i].ids[j] : 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_rental_takes_over_the_offers_terms),
        cmocka_unit_test(test_a_cpu_machine_is_rented_whole),
        cmocka_unit_test(test_created_stopped_it_claims_nothing),
        cmocka_unit_test(test_where_others_make_way_it_waits_for_that),
        cmocka_unit_test(test_bids),
        cmocka_unit_test(test_every_refusal),
        cmocka_unit_test(test_the_edges_are_inside),
        cmocka_unit_test(test_the_whole_burn_must_be_covered),
        cmocka_unit_test(test_it_gets_back_the_gpus_it_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
