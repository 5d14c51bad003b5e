/* SPDX-License-Identifier: Apache-2.0 */
#include "market/reliability.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

#define HOUR US_PER_HOUR
#define DAY  RELIABILITY_DAY_US
#define T0   INT64_C(1795330553000000)

static struct instant at(int64_t us)
{
    return (struct instant){ T0 + us };
}

/* That began to be counted at T0. */
static struct reliability begun(void)
{
    struct reliability reliability = { 0 };

    reliability_advance(&reliability, at(0), true);
    return reliability;
}

static double chance(const struct reliability *reliability, int64_t duration_us)
{
    return reliability_chance(reliability_lost_ppm(reliability), reliability_up_us(reliability),
                              duration_us);
}

static void check_near(double got, double want, double within)
{
    check_row("%.6f, not %.6f", got, want);
    CHECK(fabs(got - want) <= within);
}

/* The table of the estimator's own description. */
static void test_clean_days_are_worth_what_is_said(void **state)
{
    static const struct {
        int64_t days;
        double r, mult, week, month;
    } rows[] = {
        { 0, 0.600, 0.346, 0.273, 0.136 },   { 1, 0.781, 0.496, 0.427, 0.222 },
        { 7, 0.939, 0.731, 0.718, 0.446 },   { 30, 0.983, 0.882, 0.897, 0.700 },
        { 90, 0.9935, 0.945, 0.957, 0.848 }, { 365, 0.9975, 0.976, 0.983, 0.931 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reliability reliability = begun();

        reliability_advance(&reliability, at(rows[i].days * DAY), true);
        check_near((double)reliability_day_ppm(&reliability) / 1e6, rows[i].r, 0.0006);
        check_near(chance(&reliability, 0), rows[i].mult, 0.0011);
        check_near(chance(&reliability, 7 * DAY), rows[i].week, 0.0011);
        check_near(chance(&reliability, 30 * DAY), rows[i].month, 0.0011);
    }
    CHECK_INT(reliability_day_ppm(&(struct reliability){ 0 }), 600000);
}

static void test_an_outage_costs_and_is_forgotten(void **state)
{
    struct reliability reliability = begun();

    (void)state;
    reliability_advance(&reliability, at(90 * DAY), true);
    reliability_lose(&reliability, 1000000, HOUR);
    check_near((double)reliability_day_ppm(&reliability) / 1e6, 0.9807, 0.0002);
    check_near(chance(&reliability, 0), 0.852, 0.001);
    reliability_advance(&reliability, at(120 * DAY), true);
    check_near((double)reliability_day_ppm(&reliability) / 1e6, 0.9858, 0.0002);
    reliability_advance(&reliability, at(270 * DAY), true);
    check_near((double)reliability_day_ppm(&reliability) / 1e6, 0.9941, 0.0002);
}

/* In however many steps time passes, the same is known at its end. */
static void test_steps_do_not_matter(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        struct reliability whole = begun(), steps = whole;
        int64_t end = 1 + (int64_t)check_random((uint64_t)(400 * DAY)), done = 0;
        bool is_up = check_random(2) == 0;

        whole.lost_ppm = steps.lost_ppm = (int64_t)check_random(9000000);
        whole.up_us = steps.up_us = (int64_t)check_random((uint64_t)(200 * DAY));
        while (done < end) {
            done += 1 + (int64_t)check_random((uint64_t)(9 * DAY));
            done = done < end ? done : end;
            reliability_advance(&steps, at(done), is_up);
        }
        reliability_advance(&whole, at(end), is_up);
        check_row("round %d", round);
        CHECK(llabs(whole.lost_ppm - steps.lost_ppm) <= 200);
        CHECK(llabs(whole.up_us - steps.up_us) <= 200);
        CHECK_INT(steps.counted.microseconds, whole.counted.microseconds);
        CHECK(llabs(reliability_day_ppm(&whole) - reliability_day_ppm(&steps)) <= 5);
    }
}

static void test_time_never_runs_backwards(void **state)
{
    struct reliability reliability = begun(), before;

    (void)state;
    reliability_advance(&reliability, at(9 * DAY), true);
    before = reliability;
    reliability_advance(&reliability, at(9 * DAY + HOUR), false);
    CHECK(reliability.up_us < before.up_us);
    before = reliability;
    reliability_advance(&reliability, at(8 * DAY), false);
    reliability_advance(&reliability, at(9 * DAY + HOUR), true);
    CHECK_INT(reliability.up_us, before.up_us);
    CHECK_INT(reliability.counted.microseconds, before.counted.microseconds);
    /* Nor does what is wildly ahead overflow. */
    reliability_advance(&reliability, INSTANT_NEVER, true);
    CHECK(reliability.up_us > 0 && reliability_day_ppm(&reliability) <= 1000000);
}

static void test_what_an_outage_counts_as(void **state)
{
    static const int64_t minute = 60 * US_PER_SECOND;
    static const struct {
        int64_t away_us;
        bool had_rental;
        enum reliability_cause cause;
        int64_t ppm;
    } rows[] = {
        { 2 * minute - 1, false, RELIABILITY_CONTACT_LOST, 100000 },
        { 2 * minute, false, RELIABILITY_CONTACT_LOST, 500000 },
        { 30 * minute - 1, false, RELIABILITY_CONTACT_LOST, 500000 },
        { 30 * minute, false, RELIABILITY_CONTACT_LOST, 1000000 },
        { 2 * minute - 1, true, RELIABILITY_CONTACT_LOST, 500000 },
        { 2 * minute, true, RELIABILITY_CONTACT_LOST, 2000000 },
        { 99 * minute, true, RELIABILITY_CONTACT_LOST, 2000000 },
        { 99 * minute, false, RELIABILITY_ANNOUNCED, 0 },
        { 99 * minute, true, RELIABILITY_ANNOUNCED, 1000000 },
        { 5 * minute, true, RELIABILITY_ANNOUNCED, 500000 },
        { 99 * minute, false, RELIABILITY_MARKET, 0 },
        { 99 * minute, true, RELIABILITY_MARKET, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK_INT(reliability_outage_ppm(rows[i].away_us, rows[i].had_rental, rows[i].cause),
                  rows[i].ppm);
    }
}

static void test_when_the_market_itself_was_away(void **state)
{
    static const struct {
        int64_t gone, all;
        bool is_market;
    } rows[] = {
        { 1, 1, false },  { 2, 2, false },    { 3, 3, true },    { 3, 14, true },
        { 3, 15, false }, { 20, 100, false }, { 21, 100, true }, { 0, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK(reliability_is_market(rows[i].gone, rows[i].all) == rows[i].is_market);
    }
}

static void test_how_long_it_lasts_and_is_away(void **state)
{
    struct reliability reliability = begun();

    (void)state;
    CHECK_INT(reliability_mtbf_us(&reliability), 27 * HOUR);
    CHECK_INT(reliability_mttr_us(&reliability), HOUR / 2);
    reliability_lose(&reliability, 2000000, 3 * HOUR);
    CHECK_INT(reliability_mttr_us(&reliability), 7 * HOUR / 4);
    CHECK_INT(reliability_mtbf_us(&reliability), 54 * HOUR / 10);
    CHECK_INT(reliability_available_ppm(&reliability), 755245);
}

static double uniform(void)
{
    return ((double)check_random(UINT64_C(1) << 53) + 0.5) / 0x1p53;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

static int64_t wait_us(double mean_us)
{
    return 1 + llround(-log(uniform()) * mean_us);
}

/* Of machines whose mean time between outages is drawn, what is foretold for three days beside what
 * comes to pass, and beside what the part of the time that each was up would have foretold. */
static void test_what_is_foretold_comes_to_pass(void **state)
{
    enum { MACHINES = 6000, TENTHS = 10 };
    int64_t horizon = 3 * DAY;
    double ours = 0, raw = 0, foretold[TENTHS] = { 0 }, came[TENTHS] = { 0 }, count[TENTHS] = { 0 };

    (void)state;
    for (int i = 0; i < MACHINES; i++) {
        double mean_us = 25 * (double)DAY * exp(normal());
        int64_t end = 3 * DAY + (int64_t)check_random((uint64_t)(117 * DAY)), now = 0, away = 0;
        struct reliability reliability = begun();
        int64_t next = wait_us(mean_us);

        while (next < end) {
            int64_t length = HOUR / 2 + wait_us((double)HOUR);

            reliability_advance(&reliability, at(next), true);
            now = next + length;
            reliability_advance(&reliability, at(now), false);
            reliability_lose(&reliability, reliability_outage_ppm(length, false, 0), length);
            away += length;
            next = now + wait_us(mean_us);
        }
        end = now > end ? now : end;
        reliability_advance(&reliability, at(end), true);
        double lasts = next - end > horizon ? 1 : 0, said = chance(&reliability, horizon);
        double uptime = 1 - (double)away / (double)end;
        int tenth = (int)(said * TENTHS);

        ours += (said - lasts) * (said - lasts) / MACHINES;
        raw += (uptime - lasts) * (uptime - lasts) / MACHINES;
        foretold[tenth] += said;
        came[tenth] += lasts;
        count[tenth]++;
    }
    printf("Brier score, no interruption in 72 h, %d machines: %.4f; by raw uptime %.4f\n",
           MACHINES, ours, raw);
    CHECK(ours < raw * 0.95);
    for (int i = 0; i < TENTHS; i++) {
        check_row("%.0f machines: said %.3f, came %.3f", count[i], foretold[i] / count[i],
                  came[i] / count[i]);
        if (count[i] >= 200)
            CHECK(fabs(foretold[i] / count[i] - came[i] / count[i]) < 0.1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean_days_are_worth_what_is_said),
        cmocka_unit_test(test_an_outage_costs_and_is_forgotten),
        cmocka_unit_test(test_steps_do_not_matter),
        cmocka_unit_test(test_time_never_runs_backwards),
        cmocka_unit_test(test_what_an_outage_counts_as),
        cmocka_unit_test(test_when_the_market_itself_was_away),
        cmocka_unit_test(test_how_long_it_lasts_and_is_away),
        cmocka_unit_test(test_what_is_foretold_comes_to_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
