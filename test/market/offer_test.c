/* SPDX-License-Identifier: Apache-2.0 */
#include "market/offer.h"

#include <math.h>

#include "check.h"
#include "market/auction.h"
#include "market/rent.h"
#include "support.h"

static void test_offers_come_in_powers_of_two_and_all(void **state)
{
    static const struct {
        int64_t gpus, chunk, free;
        int64_t sizes[OFFER_SIZES_MAX];
        size_t count;
    } rows[] = {
        { 8, 1, 8, { 1, 2, 4, 8 }, 4 },
        { 8, 2, 8, { 2, 4, 8 }, 3 },
        { 8, 1, 7, { 1, 2, 4 }, 3 },
        { 8, 1, 3, { 1, 2 }, 2 },
        { 8, 1, 0, { 0 }, 0 },
        { 8, 8, 8, { 8 }, 1 },
        { 8, 8, 7, { 0 }, 0 },
        { 6, 1, 6, { 1, 2, 4, 6 }, 4 },
        { 6, 4, 6, { 4, 6 }, 2 },
        { 8, 3, 8, { 3, 6, 8 }, 3 },
        { 1, 1, 1, { 1 }, 1 },
        { 63, 1, 63, { 1, 2, 4, 8, 16, 32, 63 }, 7 },
        { 64, 1, 64, { 1, 2, 4, 8, 16, 32, 64 }, 7 },
        { 0, 1, 1, { 0 }, 1 },
        { 0, 1, 0, { 0 }, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t sizes[OFFER_SIZES_MAX];
        size_t count = offer_sizes(rows[i].gpus, rows[i].chunk, rows[i].free, sizes);

        check_row("row %zu", i);
        CHECK(count == rows[i].count);
        for (size_t j = 0; j < count; j++)
            CHECK_INT(sizes[j], rows[i].sizes[j]);
    }
}

static void test_sizes_rise_and_fit_whatever_is_asked(void **state)
{
    (void)state;
    for (int64_t gpus = 1; gpus <= GPUS_MAX; gpus++) {
        for (int64_t chunk = 1; chunk <= gpus; chunk++) {
            int64_t sizes[OFFER_SIZES_MAX];
            size_t count = offer_sizes(gpus, chunk, gpus, sizes);

            check_row("%d GPUs by %d", (int)gpus, (int)chunk);
            CHECK(count >= 1 && count <= OFFER_SIZES_MAX);
            CHECK_INT(sizes[count - 1], gpus);
            for (size_t i = 0; i < count; i++)
                CHECK(sizes[i] >= chunk && (i == 0 || sizes[i] > sizes[i - 1]));
        }
    }
}

static void test_a_cut_has_its_share_at_its_price(void **state)
{
    struct machine machine = machine_of(77, 12, some_facts());
    struct machine cpu = machine_of(78, 12, cpu_facts());
    struct listing listing = some_listing();
    struct offer_terms half = offer_cut(&listing, &machine, 4),
                       whole = offer_cut(&listing, &cpu, 0);

    (void)state;
    CHECK_INT(half.num_gpus, 4);
    CHECK_INT(half.gpu_hour.nanodollars, 1400000000);
    CHECK_INT(half.min_bid_hour.nanodollars, 600000000);
    CHECK_INT(half.disk_gb, 2000);
    CHECK_INT(half.up_tb.nanodollars, 3072000000);
    CHECK_INT(half.end.microseconds, listing.end.microseconds);
    CHECK_INT(whole.num_gpus, 0);
    CHECK_INT(whole.gpu_hour.nanodollars, 350000000);
    CHECK_INT(whole.disk_gb, 4000);
}

static struct offer an_offer(const struct machine *machine, int64_t num_gpus)
{
    struct listing listing = some_listing();

    return (struct offer){ .id = 4101,
                           .machine = machine,
                           .terms = offer_cut(&listing, machine, num_gpus) };
}

static void test_when_an_offer_can_be_rented(void **state)
{
    struct machine good = machine_of(77, 12, some_facts()), bad[6];
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < 6; i++)
        bad[i] = good;
    bad[count++].is_connected = false;
    bad[count++].verification = VERIFICATION_DEVERIFIED;
    bad[count++].gpus_free = 3;
    bad[count++].disk_free_gb = 0;
    struct offer offer = an_offer(&good, 4);
    CHECK(offer_is_rentable(&offer, NOON));
    good.gpus_free = 4;
    good.disk_free_gb = 1;
    CHECK(offer_is_rentable(&offer, NOON));
    CHECK_INT(offer_disk_gb(&offer), 1);
    for (size_t i = 0; i < count; i++) {
        check_row("machine %zu", i);
        offer.machine = &bad[i];
        CHECK(!offer_is_rentable(&offer, NOON));
    }

    offer = an_offer(&good, 4);
    CHECK(offer_is_rentable(&offer, instant_add(offer.terms.end, -RENT_LIFETIME_MIN_US)));
    CHECK(!offer_is_rentable(&offer, instant_add(offer.terms.end, 1 - RENT_LIFETIME_MIN_US)));
    offer.renter_id = 501;
    CHECK(!offer_is_rentable(&offer, NOON));

    struct machine cpu = machine_of(78, 12, cpu_facts());
    offer = an_offer(&cpu, 0);
    CHECK(offer_is_rentable(&offer, NOON));
    cpu.gpus_free = 0;
    CHECK(!offer_is_rentable(&offer, NOON));
}

/* The vendor's own numbers: 5 GB at $0.2 and $1 a month. */
static void test_storage_is_a_720th_of_the_months(void **state)
{
    static const struct {
        int64_t month, milligb, hour;
    } rows[] = {
        { 200000000, 5000, 1388889 },
        { 1000000000, 5000, 6944444 },
        { 150000000, 20000, 4166667 },
        { 720, 1000, 1 },
        { 719, 500, 0 },
        { 720, 500, 1 }, /* half up */
        { 0, 5000, 0 },
        { 150000000, 0, 0 },
        { INT64_C(10000000000000), 1000000000, INT64_C(13888888888888889) },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK_INT(offer_storage_hour((struct money){ rows[i].month }, rows[i].milligb).nanodollars,
                  rows[i].hour);
    }
}

static void check_near(double got, double want)
{
    check_row("%.12g for %.12g", got, want);
    CHECK(fabs(got - want) <= 1e-9 * fabs(want));
}

/* What is asked for decides: of two cards, one leads at fp16 and the other at fp32. */
/* Whose day is known from a past has more to say of a month than whose day is known alone. */
static void test_a_past_tells_of_any_duration(void **state)
{
    struct machine machine = machine_of(77, 12, some_facts());
    struct reliability seen = { .lost_ppm = 1500000, .up_us = 90 * DAY, .counted = NOON };
    struct offer offer = an_offer(&machine, 1);

    (void)state;
    check_near(offer_lasts(&machine, DAY), 0.6);
    check_near(offer_lasts(&machine, 30 * DAY), pow(0.6, 30));
    machine_take_history(&machine, &seen, true, NOON);
    double day = pow(90.5625 / 91.5625, 2), month = pow(90.5625 / 120.5625, 2);
    CHECK_INT(machine.reliability_ppm, llround(day * 1e6));
    check_near(offer_lasts(&machine, DAY), day);
    check_near(offer_lasts(&machine, 30 * DAY), month);
    CHECK(month > pow(day, 30) + 0.01);
    struct offer_ask one = { .duration_us = DAY }, thirty = { .duration_us = 30 * DAY };
    check_near(offer_quote(&offer, &thirty).score / offer_quote(&offer, &one).score, month / day);
    /* Nothing was seen: what is thought of anybody. */
    machine_take_history(&machine, &(struct reliability){ 0 }, true, NOON);
    CHECK_INT(machine.reliability_ppm, MACHINE_RELIABILITY_NEW);
}

static void test_the_profile_decides_dlperf_and_score(void **state)
{
    struct machine tensor = machine_of(77, 12, some_facts()), plain = tensor;
    struct offer of_tensor = an_offer(&tensor, 1), of_plain = an_offer(&plain, 1);
    struct offer_ask fp16 = { .profile = DLPERF_FP16 }, fp32 = { .profile = DLPERF_FP32 };

    (void)state;
    tensor.dlperf_milli = plain.dlperf_milli = 50000;
    tensor.profiles_milli[DLPERF_FP16] = 80000;
    plain.profiles_milli[DLPERF_FP16] = 40000;
    tensor.profiles_milli[DLPERF_FP32] = 30000;
    plain.profiles_milli[DLPERF_FP32] = 30001;
    for (int is_prepared = 0; is_prepared < 2; is_prepared++) {
        check_near(offer_quote(&of_tensor, &fp16).dlperf, 80);
        check_near(offer_quote(&of_tensor, &(struct offer_ask){ 0 }).dlperf, 50);
        check_near(offer_quote(&of_tensor, &fp16).score / offer_quote(&of_plain, &fp16).score, 2);
        CHECK(offer_quote(&of_tensor, &fp32).score < offer_quote(&of_plain, &fp32).score);
        check_near(offer_quote(&of_tensor, &fp16).dlperf_per_dollar,
                   80 / offer_dollars(offer_quote(&of_tensor, &fp16).total));
        offer_prepare(&of_tensor);
        offer_prepare(&of_plain);
    }
}

/* Each further GPU is worth less, and one alone loses nothing. */
static void test_many_gpus_are_worth_less_than_their_sum(void **state)
{
    static const struct {
        int64_t gpus, loss_ppm, milli;
    } rows[] = {
        { 1, 0, 95100 },       { 8, 0, 760800 },      { 1, 300000, 95100 },
        { 2, 1000000, 95100 }, { 4, 500000, 152160 }, { 8, 242857, 281777 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct machine machine = machine_of(77, 12, some_facts());
        struct offer offer = an_offer(&machine, rows[i].gpus);

        machine.dlperf_milli = 95100;
        machine.link_loss_ppm = rows[i].loss_ppm;
        check_row("row %zu", i);
        CHECK_INT(offer_dlperf_milli(&offer, DLPERF_DEFAULT), rows[i].milli);
    }
}

static void test_a_quote_by_type(void **state)
{
    struct machine machine = machine_of(77, 12, some_facts());
    struct offer offer = an_offer(&machine, 2);
    struct quote quote;

    (void)state;
    machine.dlperf_milli = 95100;
    quote =
        offer_quote(&offer, &(struct offer_ask){ .type = OFFER_ON_DEMAND, .disk_milligb = 5000 });
    CHECK_INT(quote.base.nanodollars, 700000000);
    CHECK_INT(quote.storage.nanodollars, 1041667);
    CHECK_INT(quote.total.nanodollars, 701041667);
    CHECK_INT(quote.min_bid.nanodollars, 300000000);
    check_near(quote.dlperf, 190.2);
    check_near(quote.total_tflops, 165.16);
    check_near(quote.dlperf_per_dollar, 190.2 / 0.701041667);
    check_near(quote.tflops_per_dollar, 165.16 / 0.701041667);

    quote = offer_quote(&offer, &(struct offer_ask){ .type = OFFER_BID, .disk_milligb = 5000 });
    CHECK_INT(quote.base.nanodollars, 300000000);
    CHECK_INT(quote.total.nanodollars, 301041667);
    quote = offer_quote(&offer, &(struct offer_ask){ .type = OFFER_RESERVED });
    CHECK_INT(quote.total.nanodollars, 700000000);
}

static double score_of(const struct machine *machine)
{
    struct offer offer = an_offer(machine, 2);

    return offer_quote(&offer, &(struct offer_ask){ .type = OFFER_ON_DEMAND, .disk_milligb = 5000 })
        .score;
}

static void test_the_score_prefers_what_it_should(void **state)
{
    struct machine machine = machine_of(77, 12, some_facts()), better;
    double base;

    (void)state;
    machine.dlperf_milli = 95100;
    base = score_of(&machine);
    /* trust.md C3, by hand. */
    double r = 0.6, factor = (r + pow(r, 3) + pow(r, 9) + pow(r, 27)) / 4;
    check_near(base, 190.2 / (0.701041667 + 1.25 * 0.002) * factor * pow(24.564, 0.35) *
                         pow((905.7 + 4) * (880.1 + 4), 0.1));

    better = machine;
    better.reliability_ppm += 1;
    CHECK(score_of(&better) > base);
    better = machine;
    better.dlperf_milli += 1;
    CHECK(score_of(&better) > base);
    better = machine;
    better.inet_up_kbps += 1000;
    CHECK(score_of(&better) > base);
    better = machine;
    better.dlperf_milli = 0; /* not measured: its maker's word, which is less */
    CHECK(score_of(&better) < base && score_of(&better) > 0);
}

static void test_how_long_a_machine_lasts(void **state)
{
    (void)state;
    check_near(offer_reliability(600000, 0), (0.6 + 0.216 + pow(0.6, 9) + pow(0.6, 27)) / 4);
    check_near(offer_reliability(600000, DAY), 0.6);
    check_near(offer_reliability(600000, 2 * DAY), 0.36);
    check_near(offer_reliability(600000, DAY / 2), sqrt(0.6));
    check_near(offer_reliability(1000000, 1000 * DAY), 1);
    CHECK(offer_reliability(0, 0) == 0);
    CHECK(offer_reliability(0, 1) == 0);
}

/* For a month, what is reliable beats what is cheap; for an hour it does not. */
static void test_the_score_is_for_the_renters_own_time_and_disk(void **state)
{
    struct machine steady = machine_of(77, 12, some_facts()), cheap = steady;
    struct offer steady_offer = an_offer(&steady, 2), cheap_offer = an_offer(&cheap, 2);
    struct offer_ask hour = { .disk_milligb = 5000, .duration_us = US_PER_HOUR };
    struct offer_ask month = { .disk_milligb = 5000, .duration_us = 30 * DAY };
    struct offer_ask disk = { .disk_milligb = 1000000, .duration_us = US_PER_HOUR };

    (void)state;
    steady.reliability_ppm = 999000;
    cheap.reliability_ppm = 980000;
    cheap_offer.terms.gpu_hour.nanodollars = 600000000;
    CHECK(offer_quote(&cheap_offer, &hour).score > offer_quote(&steady_offer, &hour).score);
    CHECK(offer_quote(&cheap_offer, &month).score < offer_quote(&steady_offer, &month).score);
    cheap_offer.terms.disk_month.nanodollars = 1000000000;
    CHECK(offer_quote(&cheap_offer, &hour).score > offer_quote(&steady_offer, &hour).score);
    CHECK(offer_quote(&cheap_offer, &disk).score < offer_quote(&steady_offer, &disk).score);
}

static void test_free_offers_have_a_score_too(void **state)
{
    struct machine machine = machine_of(77, 12, some_facts());
    struct offer offer = an_offer(&machine, 1);
    struct quote quote;

    (void)state;
    offer.terms.gpu_hour = offer.terms.disk_month = offer.terms.down_tb = (struct money){ 0 };
    quote =
        offer_quote(&offer, &(struct offer_ask){ .type = OFFER_ON_DEMAND, .disk_milligb = 5000 });
    CHECK_INT(quote.total.nanodollars, 0);
    CHECK(isfinite(quote.score) && quote.score > 0);
    CHECK(quote.dlperf_per_dollar == 0 && quote.tflops_per_dollar == 0);
}

static void test_listings_within_their_limits(void **state)
{
    struct listing bad[18];
    enum listing_outcome wanted[18];
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < 18; i++) {
        bad[i] = some_listing();
        wanted[i] = LISTING_BAD_PRICE;
    }
    bad[count++].gpu_hour.nanodollars = -1;
    bad[count++].disk_month.nanodollars = -1;
    bad[count++].up_tb.nanodollars = -1;
    bad[count++].down_tb.nanodollars = -1;
    bad[count++].min_bid_hour.nanodollars = -1;
    bad[count++].disk_month.nanodollars = INT64_C(10000000000001);
    bad[count++].gpu_hour.nanodollars = INT64_C(1250000000001); /* times 8 is too much */
    wanted[count] = LISTING_OK;
    bad[count++].gpu_hour.nanodollars = INT64_C(1250000000000);
    wanted[count] = LISTING_BAD_CHUNK;
    bad[count++].min_chunk = 0;
    wanted[count] = LISTING_BAD_CHUNK;
    bad[count++].min_chunk = 9;
    wanted[count] = LISTING_OK;
    bad[count++].min_chunk = 8;
    wanted[count] = LISTING_BAD_END;
    bad[count++].end = NOON;
    wanted[count] = LISTING_OK;
    bad[count++].end = instant_add(NOON, 1);
    wanted[count] = LISTING_BAD_BID;
    bad[count++].min_bid_hour.nanodollars = 350000001;
    wanted[count] = LISTING_OK;
    bad[count++].min_bid_hour.nanodollars = 350000000;
    wanted[count] = LISTING_BAD_GRACE;
    bad[count++].grace_max_s = -1;
    wanted[count] = LISTING_BAD_GRACE;
    bad[count++].grace_max_s = AUCTION_GRACE_S_MAX + 1;
    wanted[count] = LISTING_OK;
    bad[count++].grace_max_s = AUCTION_GRACE_S_MAX;
    CHECK(count == 18);
    for (size_t i = 0; i < count; i++) {
        check_row("listing %zu", i);
        CHECK_INT(listing_check(&bad[i], 8), wanted[i]);
    }
    struct listing whole = some_listing();
    CHECK_INT(listing_check(&whole, 0), LISTING_OK);
    whole.min_chunk = 2;
    CHECK_INT(listing_check(&whole, 0), LISTING_BAD_CHUNK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_past_tells_of_any_duration),
        cmocka_unit_test(test_the_profile_decides_dlperf_and_score),
        cmocka_unit_test(test_many_gpus_are_worth_less_than_their_sum),
        cmocka_unit_test(test_offers_come_in_powers_of_two_and_all),
        cmocka_unit_test(test_sizes_rise_and_fit_whatever_is_asked),
        cmocka_unit_test(test_a_cut_has_its_share_at_its_price),
        cmocka_unit_test(test_when_an_offer_can_be_rented),
        cmocka_unit_test(test_storage_is_a_720th_of_the_months),
        cmocka_unit_test(test_a_quote_by_type),
        cmocka_unit_test(test_the_score_prefers_what_it_should),
        cmocka_unit_test(test_how_long_a_machine_lasts),
        cmocka_unit_test(test_the_score_is_for_the_renters_own_time_and_disk),
        cmocka_unit_test(test_free_offers_have_a_score_too),
        cmocka_unit_test(test_listings_within_their_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
