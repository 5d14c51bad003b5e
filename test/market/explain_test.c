/* SPDX-License-Identifier: Apache-2.0 */
#include "market/explain.h"

#include <math.h>

#include "check.h"
#include "support.h"

static const struct query_caller nobody = { NOON, 0 };

static struct machine some_machine(void)
{
    struct machine machine = machine_of(77, 12, some_facts());

    machine.reliability_ppm = 500000 + (int64_t)check_random(500000);
    machine.dlperf_milli = (int64_t)check_random(3) * (1000 + (int64_t)check_random(200000));
    machine.inet_up_kbps = (int64_t)check_random(10000000);
    machine.inet_down_kbps = (int64_t)check_random(10000000);
    machine.gpu_ram_mb = 1000 + (int64_t)check_random(200000);
    return machine;
}

static struct offer some_offer(const struct machine *machine)
{
    struct listing listing = some_listing();

    listing.gpu_hour.nanodollars = (int64_t)check_random(INT64_C(4000000000));
    listing.min_bid_hour.nanodollars = 0;
    listing.disk_month.nanodollars = (int64_t)check_random(1000000000);
    listing.down_tb.nanodollars = (int64_t)check_random(INT64_C(40000000000));
    return (struct offer){ .id = 4101,
                           .machine = machine,
                           .terms = offer_cut(&listing, machine, 1 + (int64_t)check_random(8)) };
}

static struct offer_ask some_ask(void)
{
    return (struct offer_ask){ .disk_milligb = (int64_t)check_random(500000),
                               .duration_us =
                                   check_random(2) == 0 ? 0 : (int64_t)check_random(60) * DAY };
}

static void test_the_score_is_the_product_of_its_factors(void **state)
{
    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct machine machine = some_machine();
        struct offer offer = some_offer(&machine);
        struct offer_ask ask = some_ask();
        struct explain_factors it = explain_factors(&offer, &ask);
        double product = it.speed * it.memory * it.network * it.reliability / it.price;

        check_row("%.17g and %.17g", it.score, product);
        CHECK(fabs(it.score - product) <= 1e-12 * product);
        CHECK(it.score == offer_quote(&offer, &ask).score);
        CHECK(it.is_measured == (machine.dlperf_milli > 0));
    }
}

/* With that price it scores so much, and with a step more it does not. */
static void test_what_price_it_takes(void **state)
{
    int possible = 0;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct machine machine = some_machine();
        struct offer offer = some_offer(&machine);
        struct offer_ask ask = some_ask();
        double wanted = offer_quote(&offer, &ask).score * (0.5 + (double)check_random(1000) / 500);
        struct money price = { -1 };

        if (!explain_price_for(&offer, &ask, wanted, &price)) {
            offer.terms.gpu_hour.nanodollars = 0;
            CHECK(offer_quote(&offer, &ask).score < wanted);
            CHECK_INT(price.nanodollars, -1);
            continue;
        }
        possible++;
        offer.terms.gpu_hour.nanodollars = price.nanodollars * offer.terms.num_gpus;
        CHECK(offer_quote(&offer, &ask).score >= wanted);
        offer.terms.gpu_hour.nanodollars = (price.nanodollars + 100000) * offer.terms.num_gpus;
        CHECK(offer_quote(&offer, &ask).score < wanted);
    }
    CHECK(possible > 500);
    struct machine machine = some_machine();
    struct offer offer = some_offer(&machine);
    struct money price;
    CHECK(!explain_price_for(&offer, &(struct offer_ask){ .type = OFFER_BID }, 0, &price));
}

static void test_what_reliability_it_takes(void **state)
{
    int possible = 0;

    (void)state;
    for (int i = 0; i < 500; i++) {
        struct machine machine = some_machine();
        struct offer offer = some_offer(&machine);
        struct offer_ask ask = some_ask();
        double now = offer_quote(&offer, &ask).score;
        double wanted = now * (0.7 + (double)check_random(1000) / 1000);
        int64_t ppm;

        if (check_random(2) == 0)
            offer_prepare(&offer);
        if (!explain_reliability_for(&offer, &ask, wanted, &ppm)) {
            machine.reliability_ppm = 1000000;
            offer.merit = 0;
            CHECK(offer_quote(&offer, &ask).score < wanted);
            continue;
        }
        possible++;
        offer.merit = 0; /* worked out anew */
        machine.reliability_ppm = ppm;
        CHECK(offer_quote(&offer, &ask).score >= wanted);
        machine.reliability_ppm = ppm - 1;
        CHECK(ppm == 0 || offer_quote(&offer, &ask).score < wanted);
    }
    CHECK(possible > 50);
}

static void test_what_keeps_it_from_being_found(void **state)
{
    struct machine machine = machine_of(77, 12, some_facts());
    struct listing listing = some_listing();
    struct offer offer = { .id = 1,
                           .machine = &machine,
                           .terms = offer_cut(&listing, &machine, 2) };
    struct query_value two = { QUERY_VALUE_NUMBER, 2, NULL }, one = { QUERY_VALUE_NUMBER, 1, NULL };
    struct query query = query_default();
    struct quote quote = offer_quote(&offer, &query.ask);
    struct query_subject subject = { &offer, &quote };

    (void)state;
    query.conditions[0] = (struct query_condition){ QUERY_NUM_GPUS, QUERY_EQ, 1, &two };
    query.conditions[1] = (struct query_condition){ QUERY_NUM_GPUS, QUERY_LTE, 1, &one };
    query.conditions[2] = (struct query_condition){ QUERY_VERIFIED, QUERY_EQ, 1, &one };
    query.condition_count = 3;
    struct explain_misses misses = explain_misses(&query, &subject, &nobody);
    CHECK_INT((int64_t)misses.count, 2);
    CHECK_INT((int64_t)misses.conditions[0], 1);
    CHECK_INT((int64_t)misses.conditions[1], 2);
    CHECK(!misses.has_small_disk && !misses.is_rented);
    query.ask.disk_milligb = 1000001;
    offer.renter_id = 5;
    misses = explain_misses(&query, &subject, &nobody);
    CHECK(!misses.has_small_disk && misses.is_rented);
    offer.renter_id = 0;
    misses = explain_misses(&query, &subject, &nobody);
    CHECK(misses.has_small_disk && !misses.is_rented);
    CHECK_TEXT(query_relation_name(QUERY_NOTIN), "notin");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_score_is_the_product_of_its_factors),
        cmocka_unit_test(test_what_price_it_takes),
        cmocka_unit_test(test_what_reliability_it_takes),
        cmocka_unit_test(test_what_keeps_it_from_being_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
