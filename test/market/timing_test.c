/* SPDX-License-Identifier: Apache-2.0 */
/* The clock's rules, and who breaks them how often: one GPU that goes for several, memory of the
 * host that goes for the GPU's, answers that came too soon; four hundred of each, and a hundred
 * thousand honest ones. The noise is that of market/support_noise.h. */
#include "market/timing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "market/support_noise.h"

enum { TRIALS = 400, HONEST_RUNS = 100000, MEMORY_LAYERS = 20 };

static struct instant at(int64_t us)
{
    return (struct instant){ us };
}

static void test_round_trips_are_taken_off_up_to_a_limit(void **state)
{
    (void)state;
    CHECK_INT(timing_net_us(at(5), at(3000005), 20000, 1), 2980000);
    CHECK_INT(timing_net_us(at(5), at(3000005), 20000, 21), 2580000);
    CHECK_INT(timing_net_us(at(0), at(3000000), 2000000, 1), 2700000); /* a host can lengthen it */
    CHECK_INT(timing_net_us(at(0), at(100), 20000, 1), 1);
    CHECK_INT(timing_net_us(at(0), at(3000000), 0, 0), 3000000);
}

static void test_no_gpu_is_faster_than_its_hardware(void **state)
{
    const struct gpu_model model = { .name = "x", .f16_gflops = 100000 };
    (void)state;
    /* 2 * 8192^3 * 10 operations at 2 * 10^14 a second. */
    CHECK_INT(timing_model_floor_us(&model, 8192, 10), 54975);
    CHECK_INT(timing_model_floor_us(NULL, 8192, 10), 0);
    CHECK_INT(timing_floor_us(54975, 999, 60000), 54975);
    CHECK_INT(timing_floor_us(54975, 1000, 60000), 60000);
    CHECK_INT(timing_floor_us(70000, 1000, 60000), 70000);
}

static void test_rounds_fill_three_seconds(void **state)
{
    (void)state;
    CHECK_INT(timing_rounds(15000), 200);
    CHECK_INT(timing_rounds(0), TIMING_ROUNDS_MAX);
    CHECK_INT(timing_rounds(1), TIMING_ROUNDS_MAX);
    CHECK_INT(timing_rounds(10000000), 1);
}

static void test_matrices_grow_with_who_multiplies_them(void **state)
{
    static const struct timing_sizes sizes = { 1024, 8192, 21 };
    static const struct {
        int64_t n, round_us, want;
    } rows[] = {
        { 1024, 8929, 1024 },   { 1024, 8928, 2048 },      { 2048, 8928, 4096 },
        { 1024, 1115, 4096 },   { 1024, 139, 8192 },       { 1024, 1, 8192 },
        { 1024, 0, 8192 },      { 8192, 285714, 8192 },    { 8192, 285715, 4096 },
        { 4096, 285714, 4096 }, { 8192, 100000000, 1024 }, { 1024, 100000000, 1024 },
        { 512, 139, 8192 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%d in %d us", (int)rows[i].n, (int)rows[i].round_us);
        CHECK_INT(timing_n(sizes, rows[i].n, rows[i].round_us), rows[i].want);
    }
    CHECK_INT(timing_n((struct timing_sizes){ 1024, 2048, 21 }, 1024, 1), 2048);
    CHECK_INT(timing_n((struct timing_sizes){ 1024, 1024, 21 }, 4096, 1), 1024);
    /* Whatever it takes, give or take a half: once it is chosen, it stays. */
    for (int64_t round_us = 1; round_us < 3000000; round_us += 1 + round_us / 50) {
        int64_t n = timing_n(sizes, 1024, round_us), there_us = round_us;

        for (int64_t at = 1024; at < n; at *= 2)
            there_us *= 8;
        check_row("%d us", (int)round_us);
        CHECK_INT(timing_n(sizes, n, there_us), n);
        CHECK_INT(timing_n(sizes, n, there_us * 3 / 2), n);
        CHECK(n == 8192 || timing_n(sizes, n, there_us * 2 / 3) <= 2 * n);
    }
}

/* GPUs of a machine, and how many there really are. Alone each has all of one; together they share.
 * Two tests running, as market/audit.h has it. */
static bool is_shared_once(int count, double real)
{
    struct timing_pair gpus[8];

    for (int i = 0; i < count; i++)
        gpus[i] = (struct timing_pair){ (int64_t)noise_time_us(TIMING_NOMINAL_US),
                                        (int64_t)noise_time_us(TIMING_NOMINAL_US * count / real) };
    return timing_is_shared(gpus, (size_t)count);
}

static int64_t count_shared(int count, double real, int64_t trials)
{
    int64_t caught = 0;

    for (int64_t trial = 0; trial < trials; trial++) {
        bool first = is_shared_once(count, real), second = is_shared_once(count, real);

        caught += first && second ? 1 : 0;
    }
    return caught;
}

/* With sums of rates nearly normal: each GPU's is off by NOISE_TIME, alone and together. */
static double foretold_shared(int count, double real)
{
    double ratio = real / count, deviation = NOISE_TIME * sqrt(2.0 / count);
    double once = noise_below((log((double)TIMING_TOGETHER_PPM / 1e6) - log(ratio)) / deviation);

    return once * once;
}

static void test_one_gpu_that_goes_for_several_is_caught_as_foretold(void **state)
{
    static const struct {
        int count;
        double real; /* GPUs' worth of work that they do together */
    } rows[] = {
        { 2, 1 }, { 4, 1 }, { 8, 1 }, { 8, 7 }, { 8, 6 }, { 2, 1.6 }, { 2, 1.66 }, { 4, 3.3 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double part = foretold_shared(rows[i].count, rows[i].real);
        int64_t caught = count_shared(rows[i].count, rows[i].real, TRIALS);

        check_row("%d that are %.2f", rows[i].count, rows[i].real);
        printf("%d GPUs that are %.2f: caught %d of %d, foretold %.1f\n", rows[i].count,
               rows[i].real, (int)caught, TRIALS, part * TRIALS);
        /* The network and hesitation are not in what was foretold: a twentieth for them. */
        CHECK(fabs((double)caught - part * TRIALS) <= noise_margin(TRIALS, part) + TRIALS / 20.0);
        CHECK(rows[i].real > 6 || rows[i].real / rows[i].count > 0.76 || caught == TRIALS);
    }
}

static void test_gpus_that_are_there_are_not_suspected(void **state)
{
    (void)state;
    for (int count = 2; count <= 8; count *= 2) {
        int64_t caught = count_shared(count, count, HONEST_RUNS);

        printf("%d GPUs that are there: %d of %d suspected\n", count, (int)caught, HONEST_RUNS);
        CHECK(caught * 10000 <= HONEST_RUNS);
    }
    struct timing_pair one[] = { { 85, 100 }, { 84, 100 } };
    CHECK(!timing_is_shared(&one[0], 1) && timing_is_shared(&one[1], 1));
}

/* 24 GB of an RTX 4090, of which a part lies behind PCI Express 4.0, 25 GB/s each way. */
static double memory_time_us(double part_elsewhere)
{
    double bytes = 24e9, nominal = (double)timing_memory_us((int64_t)bytes, MEMORY_LAYERS, 907000);

    return nominal + part_elsewhere * bytes * MEMORY_LAYERS * 1.5 / 25e3;
}

static bool is_elsewhere(double part)
{
    int64_t nominal = timing_memory_us(INT64_C(24000000000), MEMORY_LAYERS, 907000);
    bool first = timing_is_elsewhere((int64_t)noise_time_us(memory_time_us(part)), nominal);
    bool second = timing_is_elsewhere((int64_t)noise_time_us(memory_time_us(part)), nominal);

    return first && second;
}

static void test_memory_that_is_not_the_gpus_is_caught_as_foretold(void **state)
{
    static const double parts[] = { 0.02, 0.028, 0.03, 0.032, 0.05, 0.1, 0.5, 1 };
    double limit = 1.5 * (double)timing_memory_us(INT64_C(24000000000), MEMORY_LAYERS, 907000);

    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        double time = memory_time_us(parts[i]);
        double once = noise_below(log(time / (limit + 250e3 - NOISE_NET_US)) / NOISE_TIME);
        int caught = 0;

        check_row("%.1f%% elsewhere", parts[i] * 100);
        for (int trial = 0; trial < TRIALS; trial++)
            caught += is_elsewhere(parts[i]) ? 1 : 0;
        printf("%.1f%% of the memory elsewhere: %.2f s, caught %d of %d, foretold %.1f\n",
               parts[i] * 100, time / 1e6, caught, TRIALS, once * once * TRIALS);
        CHECK(fabs(caught - once * once * TRIALS) <=
              noise_margin(TRIALS, once * once) + TRIALS / 20.0);
        CHECK(parts[i] < 0.05 || caught == TRIALS);
    }
}

static void test_memory_that_is_the_gpus_is_not_suspected(void **state)
{
    int64_t caught = 0;

    (void)state;
    CHECK_INT(timing_memory_us(1000000000, 20, 1000000), 50000);
    for (int run = 0; run < HONEST_RUNS; run++)
        caught += is_elsewhere(0) ? 1 : 0;
    printf("memory that is the GPU's: %d of %d suspected\n", (int)caught, HONEST_RUNS);
    CHECK(caught * 10000 <= HONEST_RUNS);
}

static void test_trials_are_of_a_size_and_slow_ones_are_seen(void **state)
{
    static const struct timing_bounds bounds = { 1000, 5000000 };

    (void)state;
    CHECK_INT(timing_amount(0, bounds), 1000);
    CHECK_INT(timing_amount(499, bounds), 1000);
    CHECK_INT(timing_amount(501, bounds), 1002);
    CHECK_INT(timing_amount(2500000, bounds), 5000000);
    CHECK_INT(timing_amount(INT64_MAX, bounds), 5000000);
    CHECK(!timing_is_slower(INT64_MAX, 1000, 0)); /* who says nothing */
    CHECK(!timing_is_slower(4750000, 2000, 1000));
    CHECK(timing_is_slower(4750001, 2000, 1000));
    CHECK_INT(timing_per_second(1000, 2000000), 500);
    CHECK_INT(timing_per_second(1000, 0), 1000000000);
}

/* A claim that is so many times too high, in two seconds' worth, twice running. */
static int64_t count_slow(double times, int64_t trials)
{
    int64_t caught = 0, amount = timing_amount(1000000, (struct timing_bounds){ 1, INT64_MAX });

    for (int64_t trial = 0; trial < trials; trial++) {
        double took_us = times * TIMING_TRIAL_US;
        bool first = timing_is_slower((int64_t)noise_time_us(took_us), amount, 1000000);
        bool second = timing_is_slower((int64_t)noise_time_us(took_us), amount, 1000000);

        caught += first && second ? 1 : 0;
    }
    return caught;
}

static void test_false_claims_of_disk_and_network_are_caught_as_foretold(void **state)
{
    static const double times[] = { 2, 2.2, 2.35, 2.4, 2.6, 3, 10 };
    double limit_us = 2 * (double)TIMING_TRIAL_US + (double)TIMING_TRIAL_SLACK_US;

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        int64_t caught = count_slow(times[i], TRIALS);
        double once =
            noise_below(log(times[i] * TIMING_TRIAL_US / (limit_us - NOISE_NET_US)) / NOISE_TIME);

        check_row("%.2f times", times[i]);
        printf("a claim %.2f times too high: caught %d of %d, foretold %.1f\n", times[i],
               (int)caught, TRIALS, once * once * TRIALS);
        CHECK(fabs((double)caught - once * once * TRIALS) <=
              noise_margin(TRIALS, once * once) + TRIALS / 20.0);
        CHECK(times[i] < 3 || caught == TRIALS);
    }
    int64_t honest = count_slow(1, HONEST_RUNS);
    printf("claims that are true: %d of %d suspected\n", (int)honest, HONEST_RUNS);
    CHECK(honest * 10000 <= HONEST_RUNS);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Hardware that is a tenth faster than the class ever was, and honest runs of the class: of these
 * one in a thousand is below its own floor, and one in a million twice running. */
static void test_who_answers_too_soon_is_caught_and_the_class_is_not(void **state)
{
    enum { CLASS = 20000 };
    int64_t *class_us = calloc(CLASS, sizeof *class_us), caught = 0, honest = 0;

    (void)state;
    for (int i = 0; i < CLASS; i++)
        class_us[i] = (int64_t)noise_time_us(TIMING_NOMINAL_US);
    qsort(class_us, CLASS, sizeof *class_us, compare);
    int64_t floor_us = timing_floor_us(0, CLASS, class_us[CLASS / 1000]);
    for (int trial = 0; trial < TRIALS; trial++)
        caught += (int64_t)noise_time_us(0.8 * TIMING_NOMINAL_US) < floor_us &&
                          (int64_t)noise_time_us(0.8 * TIMING_NOMINAL_US) < floor_us
                      ? 1
                      : 0;
    for (int run = 0; run < HONEST_RUNS; run++)
        honest += (int64_t)noise_time_us(TIMING_NOMINAL_US) < floor_us &&
                          (int64_t)noise_time_us(TIMING_NOMINAL_US) < floor_us
                      ? 1
                      : 0;
    double once = noise_below((log((double)floor_us / 0.8 / TIMING_NOMINAL_US)) / NOISE_TIME);
    printf("a fifth too soon: caught %d of %d, foretold %.1f; honest: %d of %d\n", (int)caught,
           TRIALS, once * once * TRIALS, (int)honest, HONEST_RUNS);
    CHECK(fabs((double)caught - once * once * TRIALS) <=
          noise_margin(TRIALS, once * once) + TRIALS / 20.0);
    CHECK(honest * 10000 <= HONEST_RUNS);
    free(class_us);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips_are_taken_off_up_to_a_limit),
        cmocka_unit_test(test_no_gpu_is_faster_than_its_hardware),
        cmocka_unit_test(test_rounds_fill_three_seconds),
        cmocka_unit_test(test_matrices_grow_with_who_multiplies_them),
        cmocka_unit_test(test_one_gpu_that_goes_for_several_is_caught_as_foretold),
        cmocka_unit_test(test_gpus_that_are_there_are_not_suspected),
        cmocka_unit_test(test_memory_that_is_not_the_gpus_is_caught_as_foretold),
        cmocka_unit_test(test_memory_that_is_the_gpus_is_not_suspected),
        cmocka_unit_test(test_trials_are_of_a_size_and_slow_ones_are_seen),
        cmocka_unit_test(test_false_claims_of_disk_and_network_are_caught_as_foretold),
        cmocka_unit_test(test_who_answers_too_soon_is_caught_and_the_class_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
