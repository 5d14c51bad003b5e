/* SPDX-License-Identifier: Apache-2.0 */
#include "market/prices.h"

#include <stdio.h>

#include "base/instant.h"
#include "check.h"

static struct prices_lot lot(const char *name, int64_t gpus, int64_t price, bool is_rented)
{
    struct prices_lot lot = { .gpus = gpus,
                              .size = gpus,
                              .gpu_hour = { price },
                              .is_rented = is_rented,
                              .is_verified = true };

    (void)snprintf(lot.gpu_name, sizeof lot.gpu_name, "%s", name);
    return lot;
}

static void test_supply_demand_and_prices_by_model(void **state)
{
    struct prices_lot lots[] = {
        lot("H200", 8, 300, false),    lot("RTX 4090", 1, 10, false), lot("RTX 4090", 8, 20, false),
        lot("RTX 4090", 1, 90, false), lot("RTX 4090", 4, 15, true),  lot("RTX 3090", 2, 5, true),
    };
    struct prices_model models[6];
    struct prices_filter all = { 0 };

    (void)state;
    lots[3].is_verified = false;
    CHECK_INT((int64_t)prices_by_model(lots, 6, &all, models), 3);
    CHECK_TEXT(models[0].gpu_name, "RTX 4090"); /* 14 of them */
    CHECK_INT(models[0].available_verified, 9);
    CHECK_INT(models[0].available_unverified, 1);
    CHECK_INT(models[0].rented_verified, 4);
    CHECK_INT(models[0].available.points[0].nanodollars, 10);
    CHECK_INT(models[0].available.points[1].nanodollars, 20);
    CHECK_INT(models[0].available.points[2].nanodollars, 20);
    CHECK_INT(models[0].available.points[4].nanodollars, 20); /* nine of ten cost no more */
    CHECK_INT(models[0].rented.points[2].nanodollars, 15);
    CHECK_TEXT(models[1].gpu_name, "H200");
    CHECK_INT(models[1].rented.gpus, 0);
    CHECK_INT(models[2].available.gpus, 0);

    struct prices_filter eight = { .verified = PRICES_YES, .num_gpus = 8 };
    CHECK_INT((int64_t)prices_by_model(lots, 6, &eight, models), 2);
    CHECK_INT(models[0].available.gpus, 8);
    struct prices_filter unverified = { .verified = PRICES_NO };
    CHECK_INT((int64_t)prices_by_model(lots, 6, &unverified, models), 1);
    CHECK_INT(models[0].available.points[2].nanodollars, 90);
    struct prices_filter centre = { .datacenter = PRICES_YES };
    CHECK_INT((int64_t)prices_by_model(lots, 6, &centre, models), 0);
}

/* The points of random lots are those of one row for each GPU, sorted. */
static void test_points_are_those_of_single_gpus(void **state)
{
    (void)state;
    for (int n = 0; n < 300; n++) {
        enum { LOTS = 20 };
        struct prices_lot lots[LOTS];
        struct prices_model models[LOTS];
        int64_t prices[LOTS * 8], total = 0;

        for (int i = 0; i < LOTS; i++) {
            lots[i] = lot("X", 1 + (int64_t)check_random(8), (int64_t)check_random(50), false);
            for (int64_t k = 0; k < lots[i].gpus; k++) {
                int64_t at = total++;

                for (; at > 0 && prices[at - 1] > lots[i].gpu_hour.nanodollars; at--)
                    prices[at] = prices[at - 1];
                prices[at] = lots[i].gpu_hour.nanodollars;
            }
        }
        CHECK_INT((int64_t)prices_by_model(lots, LOTS, &(struct prices_filter){ 0 }, models), 1);
        CHECK_INT(models[0].available.gpus, total);
        for (int point = 0; point < PRICES_POINTS; point++) {
            static const int64_t percents[] = { 10, 25, 50, 75, 90 };

            CHECK_INT(models[0].available.points[point].nanodollars,
                      prices[(percents[point] * total + 99) / 100 - 1]);
        }
    }
}

static struct prices_rental rental(int64_t machine_id, int64_t price, int64_t hours)
{
    return (struct prices_rental){ .gpu_name = "RTX 4090",
                                   .country = "SE",
                                   .machine_id = machine_id,
                                   .machine_gpus = 2,
                                   .window_us = 30 * 24 * US_PER_HOUR,
                                   .gpus = 1,
                                   .gpu_hour = { price },
                                   .fee_bps = 2500,
                                   .run_us = hours * US_PER_HOUR };
}

static void test_what_a_machine_like_others_earns(void **state)
{
    /* The first machine: 100 h at 400 and 100 h at 200, of which 75 % is the host's, on 2 GPUs. */
    struct prices_rental rentals[] = { rental(1, 400, 100), rental(2, 300, 10), rental(1, 200, 100),
                                       rental(3, 1000, 720), rental(4, 9, 9) };
    struct prices_estimate it;

    (void)state;
    (void)snprintf(rentals[4].gpu_name, sizeof rentals[4].gpu_name, "H200");
    rentals[3].window_us = 360 * US_PER_HOUR; /* half a month on the market, both GPUs */
    rentals[3].run_us = 360 * US_PER_HOUR;
    rentals[3].gpus = 2;
    it = prices_estimate(rentals, 5, "rtx_4090", NULL);
    CHECK_INT(it.rentals, 4);
    CHECK_INT(it.machines, 3);
    CHECK_INT(it.gpu_hours, 100 + 100 + 10 + 720);
    CHECK_INT(it.gpu_month[0].nanodollars, 1125);   /* 10 h at 300, 75 %, a half */
    CHECK_INT(it.gpu_month[1].nanodollars, 22500);  /* (40,000 + 20,000) 75 %, a half */
    CHECK_INT(it.gpu_month[2].nanodollars, 540000); /* 720 h at 1000, 75 % */
    CHECK_INT(it.gpu_hour[0].nanodollars, 200);
    CHECK_INT(it.gpu_hour[1].nanodollars, 1000);

    it = prices_estimate(rentals, 5, "H200", "NOSE");
    CHECK_INT(it.rentals, 1);
    it = prices_estimate(rentals, 5, "H200", "NO");
    CHECK_INT(it.rentals + it.machines + it.gpu_hours + it.gpu_month[1].nanodollars, 0);
    it = prices_estimate(rentals, 0, "H200", NULL);
    CHECK_INT(it.rentals, 0);
}

/* Half of the time of machine 1's two GPUs, and nothing of machine 3; what is not there any more
 * does not count. */
static void test_how_much_of_their_time_gpus_are_rented(void **state)
{
    const struct prices_there there[] = {
        { "RTX 4090", true, 1, 2, 1000 * US_PER_SECOND },
        { "RTX 4090", false, 3, 1, 500 * US_PER_SECOND },
        { "H200", true, 4, 8, 0 },
        { "H100", true, 7, 1, 10 * US_PER_SECOND },
    };
    struct prices_rental rentals[] = { rental(1, 400, 0), rental(2, 300, 10), rental(1, 200, 0),
                                       rental(7, 1, 10) };
    struct prices_use uses[4];

    (void)state;
    rentals[0].run_us = 400 * US_PER_SECOND;
    rentals[2].run_us = 300 * US_PER_SECOND;
    rentals[2].gpus = 2;
    size_t count = prices_uses(there, 4, rentals, 4, uses);
    CHECK_INT((int64_t)count, 4);
    CHECK_INT(prices_used(uses, count, "RTX 4090", PRICES_YES), 5000);
    CHECK_INT(prices_used(uses, count, "RTX 4090", PRICES_NO), 0);
    CHECK_INT(prices_used(uses, count, "RTX 4090", PRICES_ALL), 4000);
    CHECK_INT(prices_used(uses, count, "H200", PRICES_ALL), -1);
    CHECK_INT(prices_used(uses, count, "H100", PRICES_ALL), 10000);
    CHECK_INT(prices_used(uses, count, "H100", PRICES_NO), -1);
    CHECK_INT(prices_used(uses, count, "RTX 3090", PRICES_ALL), -1);
    CHECK_INT((int64_t)prices_uses(there, 0, rentals, 4, uses), 0);
}

static void test_what_there_is_by_country(void **state)
{
    struct prices_lot lots[] = { lot("A", 4, 30, false), lot("B", 2, 10, false),
                                 lot("A", 8, 5, true), lot("A", 1, 7, true),
                                 lot("A", 1, 90, false) };
    struct prices_place places[5];

    (void)state;
    (void)snprintf(lots[0].country, sizeof lots[0].country, "SE");
    (void)snprintf(lots[1].country, sizeof lots[1].country, "SE");
    (void)snprintf(lots[2].country, sizeof lots[2].country, "IS");
    (void)snprintf(lots[4].country, sizeof lots[4].country, "SE");
    CHECK_INT((int64_t)prices_by_place(lots, 5, places), 3);
    CHECK_TEXT(places[0].country, "IS");
    CHECK_INT(places[0].rented, 8);
    CHECK_INT(places[0].median.nanodollars, 0); /* none is free */
    CHECK_TEXT(places[1].country, "SE");
    CHECK_INT(places[1].available, 7);
    CHECK_INT(places[1].median.nanodollars, 30);
    CHECK_TEXT(places[2].country, "");
    CHECK_INT(places[2].rented, 1);
    CHECK_INT((int64_t)prices_by_place(lots, 0, places), 0);
}

static struct prices_run run(int64_t price, int64_t gpus, int64_t start_h, int64_t end_h)
{
    return (struct prices_run){ .gpu_name = "RTX 4090",
                                .gpus = gpus,
                                .gpu_hour = { price },
                                .start = { start_h * US_PER_HOUR },
                                .end = { end_h * US_PER_HOUR } };
}

/* Days are of 24 hours and end at `until`: what lies across their edge counts on both sides. */
static void test_what_was_paid_day_by_day(void **state)
{
    const int64_t h = 3600;
    struct prices_run runs[] = { run(10, 1, 470, 490), run(20, 2, 478, 482), run(90, 1, 500, 501),
                                 run(95, 1, 479, 481) };
    const struct prices_there there[] = { { "RTX 4090", true, 1, 4, 30 * US_PER_HOUR },
                                          { "H200", true, 2, 8, 500 * US_PER_HOUR } };
    struct prices_days days = { "rtx_4090", { 504 * US_PER_HOUR }, runs, 4, there, 2 };
    struct prices_day told[3];

    (void)state;
    (void)snprintf(runs[3].gpu_name, sizeof runs[3].gpu_name, "H200");
    prices_by_day(&days, told, 3); /* from hours 432, 456 and 480 */
    CHECK_INT(told[0].run_s + told[0].there_s + told[0].points[1].nanodollars, 0);
    CHECK_INT(told[1].run_s, (10 + 2 * 2) * h);
    CHECK_INT(told[1].points[0].nanodollars, 10);
    CHECK_INT(told[1].points[1].nanodollars, 10); /* 10 of 14 hours */
    CHECK_INT(told[1].points[2].nanodollars, 20);
    CHECK_INT(told[1].there_s, 4 * 6 * h);
    CHECK_INT(told[2].run_s, (10 + 2 * 2 + 1) * h);
    CHECK_INT(told[2].points[2].nanodollars, 20); /* nine tenths of 15 hours are 13.5 */
    CHECK_INT(told[2].there_s, 4 * 24 * h);

    days.gpu_name = NULL;
    prices_by_day(&days, told, 3);
    CHECK_INT(told[1].run_s, (10 + 2 * 2 + 1) * h);
    CHECK_INT(told[2].there_s, (4 + 8) * 24 * h);
    days.run_count = days.there_count = 0;
    prices_by_day(&days, told, 3);
    CHECK_INT(told[2].run_s + told[2].there_s + told[2].points[0].nanodollars, 0);
}

/* What differs in one thing alone is a row of its own, and nothing is lost. */
static void test_where_gpus_are_and_what_they_do(void **state)
{
    struct prices_lot lots[8];
    struct prices_spot spots[8];

    (void)state;
    for (int i = 0; i < 8; i++) {
        lots[i] = lot("RTX 4090", i < 7 ? 1 << i : 0, 10 * i, false);
        (void)snprintf(lots[i].place, sizeof lots[i].place, "Lund, SE");
    }
    (void)snprintf(lots[1].place, sizeof lots[1].place, "Bergen, NO");
    (void)snprintf(lots[2].gpu_name, sizeof lots[2].gpu_name, "H200");
    lots[3].is_rented = true;
    lots[4].is_verified = false;
    lots[5].is_datacenter = true;
    CHECK_INT((int64_t)prices_by_spot(lots, 8, spots), 6);
    const int64_t gpus[] = { 2, 4, 16, 1 + 64, 32, 8 };
    for (int i = 0; i < 6; i++)
        CHECK_INT(spots[i].gpus, gpus[i]);
    CHECK_TEXT(spots[0].lot->place, "Bergen, NO");
    CHECK_INT((int64_t)prices_by_spot(lots, 0, spots), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where_gpus_are_and_what_they_do),
        cmocka_unit_test(test_supply_demand_and_prices_by_model),
        cmocka_unit_test(test_points_are_those_of_single_gpus),
        cmocka_unit_test(test_what_a_machine_like_others_earns),
        cmocka_unit_test(test_how_much_of_their_time_gpus_are_rented),
        cmocka_unit_test(test_what_there_is_by_country),
        cmocka_unit_test(test_what_was_paid_day_by_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
