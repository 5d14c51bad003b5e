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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_supply_demand_and_prices_by_model),
        cmocka_unit_test(test_points_are_those_of_single_gpus),
        cmocka_unit_test(test_what_a_machine_like_others_earns),
        cmocka_unit_test(test_how_much_of_their_time_gpus_are_rented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
