/* SPDX-License-Identifier: Apache-2.0 */
/* Held against dlperf_real.csv: the scores that another market showed for single GPUs in 2024 and
 * 2026, and what GPUs were timed at in four tasks of 2020 to 2023 that no part of the formula was
 * made from. */
#include "market/dlperf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { MODELS_MAX = 128, LINE_SIZE = 512 };

enum column { VAST_2024, VAST_2026, MASK_RCNN, GNMT, WAVEGLOW, TACOTRON, COLUMNS };

static struct {
    const struct gpu_model *model;
    double of[COLUMNS]; /* NAN: not known */
} real[MODELS_MAX];
static size_t real_count;

static int read_real(void **state)
{
    char path[512], line[LINE_SIZE];

    (void)state;
    (void)snprintf(path, sizeof path, "%.*s_real.csv", (int)(strlen(__FILE__) - strlen("_test.c")),
                   __FILE__);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL && fgets(line, sizeof line, file) != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        char *at = line + strcspn(line, ",");

        CHECK(real_count < MODELS_MAX);
        *at++ = '\0';
        real[real_count].model = gpu_model(line);
        CHECK(real[real_count].model != NULL);
        for (int i = 0; i < COLUMNS; i++) {
            size_t length = strcspn(at, ",\n");

            real[real_count].of[i] = length > 0 ? strtod(at, NULL) : NAN;
            at += length + (at[length] != '\0');
        }
        real_count++;
    }
    (void)fclose(file);
    return 0;
}

/* What is compared: pairs of which both are known. */
struct pairs {
    double a[MODELS_MAX], b[MODELS_MAX];
    size_t count;
};

static double default_score(const struct gpu_model *model)
{
    struct dlperf_rates rates = dlperf_of_model(model);

    return dlperf_score(DLPERF_DEFAULT, &rates);
}

static double fp32(const struct gpu_model *model)
{
    return (double)model->fp32_gflops;
}

static struct pairs pairs_of(double (*score)(const struct gpu_model *), enum column column)
{
    struct pairs pairs = { .count = 0 };

    for (size_t i = 0; i < real_count; i++) {
        if (isnan(real[i].of[column]))
            continue;
        pairs.a[pairs.count] = score(real[i].model);
        pairs.b[pairs.count++] = real[i].of[column];
    }
    return pairs;
}

/* Equal ones share the middle of their places. */
static void places_of(const double *values, size_t count, double *places)
{
    for (size_t i = 0; i < count; i++) {
        size_t below = 0, equal = 0;

        for (size_t j = 0; j < count; j++) {
            below += values[j] < values[i];
            equal += values[j] == values[i];
        }
        places[i] = (double)below + (double)(equal - 1) / 2;
    }
}

static double spearman(const struct pairs *pairs)
{
    double a[MODELS_MAX], b[MODELS_MAX], mean = (double)(pairs->count - 1) / 2;
    double both = 0, of_a = 0, of_b = 0;

    places_of(pairs->a, pairs->count, a);
    places_of(pairs->b, pairs->count, b);
    for (size_t i = 0; i < pairs->count; i++) {
        both += (a[i] - mean) * (b[i] - mean);
        of_a += (a[i] - mean) * (a[i] - mean);
        of_b += (b[i] - mean) * (b[i] - mean);
    }
    return both / sqrt(of_a * of_b);
}

static double kendall(const struct pairs *pairs)
{
    int64_t with = 0, against = 0, only_a = 0, only_b = 0;

    for (size_t i = 0; i < pairs->count; i++) {
        for (size_t j = 0; j < i; j++) {
            double a = pairs->a[i] - pairs->a[j], b = pairs->b[i] - pairs->b[j];

            with += a * b > 0;
            against += a * b < 0;
            only_a += b == 0 && a != 0;
            only_b += a == 0 && b != 0;
        }
    }
    return (double)(with - against) /
           sqrt((double)(with + against + only_a) * (double)(with + against + only_b));
}

static void test_the_anchors_hold(void **state)
{
    static const struct {
        const char *name;
        enum dlperf_profile profile;
        double wanted, within;
    } rows[] = {
        { "Tesla V100", DLPERF_DEFAULT, 21, 1e-9 },
        { "GTX 1080 Ti", DLPERF_DEFAULT, 10, 1 },
        { "RTX 2080 Ti", DLPERF_DEFAULT, 14, 2.5 },
        { "Tesla V100", DLPERF_CLASSIC, 21, 1e-9 },
        { "GTX 1080 Ti", DLPERF_CLASSIC, 10, 1 },
        { "RTX 2080 Ti", DLPERF_CLASSIC, 14, 2.5 },
        /* Worked out by hand from what makers say. */
        { "RTX 3090", DLPERF_LLM_DECODE, 21.8, 0.05 },
        { "RTX 3090", DLPERF_RENDERING, 41.6, 0.05 },
        { "RTX 4090", DLPERF_LLM_DECODE, 23.4, 0.05 },
        { "RTX 4090", DLPERF_DEFAULT, 63.7, 0.2 },
        { "H100 SXM", DLPERF_DEFAULT, 171.5, 1 },
        { "B200", DLPERF_DEFAULT, 274.7, 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dlperf_rates rates = dlperf_of_model(gpu_model(rows[i].name));
        double score = dlperf_score(rows[i].profile, &rates);

        check_row("%s %s: %f", rows[i].name, dlperf_profile_name(rows[i].profile), score);
        CHECK(fabs(score - rows[i].wanted) <= rows[i].within);
    }
    for (int profile = 0; profile < DLPERF_PROFILES; profile++) {
        struct dlperf_rates rates = dlperf_reference();

        CHECK(fabs(dlperf_score((enum dlperf_profile)profile, &rates) - 21) < 1e-9);
    }
}

static void test_it_ranks_as_another_market_does(void **state)
{
    struct pairs now = pairs_of(default_score, VAST_2026);
    struct pairs then = pairs_of(default_score, VAST_2024);

    (void)state;
    check_row("2026: %zu models, Spearman %.4f, Kendall %.4f; 2024: %zu, %.4f, %.4f", now.count,
              spearman(&now), kendall(&now), then.count, spearman(&then), kendall(&then));
    CHECK(now.count >= 75 && spearman(&now) >= 0.98 && kendall(&now) >= 0.90);
    CHECK(then.count >= 50 && spearman(&then) >= 0.98 && kendall(&then) >= 0.90);
    now = pairs_of(fp32, VAST_2026);
    CHECK(spearman(&now) < 0.98 && kendall(&now) < 0.90);
}

static void test_it_foretells_more_than_fp32_where_it_was_not_fitted(void **state)
{
    (void)state;
    for (int column = MASK_RCNN; column < COLUMNS; column++) {
        struct pairs ours = pairs_of(default_score, (enum column)column);
        struct pairs makers = pairs_of(fp32, (enum column)column);

        check_row("column %d: %zu GPUs, %.3f beside %.3f", column, ours.count, spearman(&ours),
                  spearman(&makers));
        CHECK(ours.count >= 10);
        CHECK(spearman(&ours) > spearman(&makers) + 0.2);
        CHECK(spearman(&ours) > 0.8);
    }
}

static struct dlperf_rates some_rates(void)
{
    struct dlperf_rates rates;

    for (int i = 0; i < DLPERF_RATES; i++)
        rates.of[i] = 1000 + (int64_t)check_random(3000000);
    return rates;
}

/* Twice the rates on all that a GPU decides is at most twice the score, and never less; a faster
 * rate never lowers it. */
static void test_what_is_faster_scores_higher(void **state)
{
    (void)state;
    for (int step = 0; step < 2000; step++) {
        struct dlperf_rates rates = some_rates(), faster = rates;
        enum dlperf_profile profile = (enum dlperf_profile)check_random(DLPERF_PROFILES);

        check_row("step %d", step);
        faster.of[check_random(DLPERF_RATES)] += 1 + (int64_t)check_random(100000);
        CHECK(dlperf_score(profile, &faster) >= dlperf_score(profile, &rates));
        for (int i = 0; i < DLPERF_RATES; i++)
            faster.of[i] = rates.of[i] * 2;
        CHECK(dlperf_score(profile, &faster) <= 2.0000001 * dlperf_score(profile, &rates));
        CHECK(dlperf_score(profile, &faster) > dlperf_score(profile, &rates));
    }
}

static void test_the_score_is_the_weighted_mean_of_its_tasks(void **state)
{
    (void)state;
    for (int step = 0; step < 200; step++) {
        struct dlperf_rates rates = some_rates();

        for (int profile = 0; profile < DLPERF_PROFILES; profile++) {
            double product = 21, weights = 0;

            for (int task = 0; task < DLPERF_TASKS; task++) {
                double weight = dlperf_weight((enum dlperf_profile)profile, (enum dlperf_task)task);

                product *= pow(dlperf_task_speed((enum dlperf_task)task, &rates), weight);
                weights += weight;
            }
            check_row("step %d, %s", step, dlperf_profile_name((enum dlperf_profile)profile));
            CHECK(fabs(weights - 1) < 1e-9);
            CHECK(fabs(dlperf_score((enum dlperf_profile)profile, &rates) / product - 1) < 1e-9);
        }
    }
}

static void test_what_was_not_measured_is_filled_up(void **state)
{
    static const struct {
        int64_t compute_cap, tf32, f32, f16, bf16;
        int64_t want_tf32, want_f16, want_bf16;
    } rows[] = {
        { 610, 0, 100, 0, 0, 100, 100, 100 },       /* Pascal: nothing but fp32 */
        { 700, 0, 100, 600, 0, 100, 600, 100 },     /* Volta: fp16 and no bf16 */
        { 799, 300, 100, 600, 500, 100, 600, 100 }, /* says it has, and cannot */
        { 800, 300, 100, 600, 0, 300, 600, 600 },   /* Ampere: as fast as fp16 */
        { 860, 300, 100, 600, 550, 300, 600, 550 },
        { 860, 50, 100, 20, 30, 100, 100, 100 }, /* no slower than fp32 */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dlperf_rates rates = { .of = { rows[i].tf32, rows[i].f32, rows[i].f16, rows[i].bf16,
                                              900 } };

        check_row("row %zu", i);
        CHECK(dlperf_complete(&rates, rows[i].compute_cap));
        CHECK_INT(rates.of[DLPERF_F32], 100);
        CHECK_INT(rates.of[DLPERF_TF32], rows[i].want_tf32);
        CHECK_INT(rates.of[DLPERF_F16], rows[i].want_f16);
        CHECK_INT(rates.of[DLPERF_BF16], rows[i].want_bf16);
    }
}

static void test_impossible_rates_have_no_score(void **state)
{
    static const int64_t most = INT64_C(1000000000000);
    static const struct {
        int64_t of[DLPERF_RATES];
        bool is_good;
    } rows[] = {
        { { 0, 1, 0, 0, 1 }, true },         { { 0, 0, 9, 9, 1 }, false },
        { { 0, 1, 0, 0, 0 }, false },        { { -1, 1, 0, 0, 1 }, false },
        { { 0, 1, 0, -1, 1 }, false },       { { 0, most, 0, 0, most }, true },
        { { 0, most + 1, 0, 0, 1 }, false }, { { 0, 1, 0, 0, INT64_MAX }, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dlperf_rates rates;

        memcpy(rates.of, rows[i].of, sizeof rates.of);
        check_row("row %zu", i);
        CHECK(dlperf_complete(&rates, 890) == rows[i].is_good);
    }
}

static void test_many_gpus_lose_by_their_link(void **state)
{
    double pcie = dlperf_link_loss(63.7, 12700, 0);

    (void)state;
    /* Eight RTX 4090 without NVLink: about 0.37 of eight. */
    CHECK(fabs(dlperf_efficiency(pcie, 8) - 0.37) < 0.04);
    CHECK(dlperf_efficiency(pcie, 1) == 1 && dlperf_efficiency(pcie, 0) == 1);
    for (int64_t count = 1; count < 64; count++) {
        CHECK(dlperf_efficiency(pcie, count + 1) < dlperf_efficiency(pcie, count));
        /* One more never makes the whole slower. */
        CHECK((double)(count + 1) * dlperf_efficiency(pcie, count + 1) >=
                  (double)count * dlperf_efficiency(pcie, count) * 0.999 ||
              pcie > 1);
    }
    CHECK(dlperf_link_loss(63.7, 12700, 300000) < pcie / 10);
    CHECK(dlperf_link_loss(63.7, 0, 0) == 0 && dlperf_link_loss(0, 12700, 0) == 0);
    CHECK(dlperf_link_loss(127.4, 12700, 0) > pcie);
}

static void test_few_threads_hold_a_gpu_back(void **state)
{
    (void)state;
    CHECK(dlperf_cpu_factor(3, 1) == 1 && dlperf_cpu_factor(64, 8) == 1);
    CHECK(fabs(dlperf_cpu_factor(12, 8) - sqrt(0.5)) < 1e-12);
    CHECK(fabs(dlperf_cpu_factor(1, 1) - sqrt(1.0 / 3)) < 1e-12);
}

static void test_profiles_are_found_by_name_image_and_precision(void **state)
{
    enum dlperf_profile profile;

    (void)state;
    for (int i = 0; i < DLPERF_PROFILES; i++) {
        CHECK(dlperf_profile_find(dlperf_profile_name((enum dlperf_profile)i), &profile));
        CHECK_INT(profile, i);
    }
    CHECK_INT(DLPERF_DEFAULT, 0);
    CHECK(!dlperf_profile_find("", &profile) && !dlperf_profile_find("Default", &profile));
    CHECK_INT(dlperf_profile_of_image("pytorch/pytorch:2.4.0-cuda12.4"), DLPERF_TRAINING);
    CHECK_INT(dlperf_profile_of_image("vllm/vllm-openai:latest"), DLPERF_INFERENCE);
    CHECK_INT(dlperf_profile_of_image("ubuntu:22.04"), DLPERF_DEFAULT);
    CHECK_INT(dlperf_profile_of_image(""), DLPERF_DEFAULT);
    CHECK_INT(dlperf_profile_of_precision(DLPERF_TRAINING, DLPERF_ANY), DLPERF_TRAINING);
    CHECK_INT(dlperf_profile_of_precision(DLPERF_TRAINING, DLPERF_ONLY_FP16), DLPERF_FP16);
    CHECK_INT(dlperf_profile_of_precision(DLPERF_TRAINING, DLPERF_ONLY_FP32), DLPERF_FP32);
}

/* Two cards of about equal fp32: with fp16 alone, the one without tensor cores falls behind. */
static void test_without_tensor_cores_fp16_is_slow(void **state)
{
    struct dlperf_rates pascal = dlperf_of_model(gpu_model("GTX 1080 Ti"));
    struct dlperf_rates turing = dlperf_of_model(gpu_model("Q RTX 5000"));
    double fp32_ratio = dlperf_score(DLPERF_FP32, &turing) / dlperf_score(DLPERF_FP32, &pascal);
    double fp16_ratio = dlperf_score(DLPERF_FP16, &turing) / dlperf_score(DLPERF_FP16, &pascal);

    (void)state;
    CHECK(fp32_ratio < 1 && fp16_ratio > 1.3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_anchors_hold),
        cmocka_unit_test(test_it_ranks_as_another_market_does),
        cmocka_unit_test(test_it_foretells_more_than_fp32_where_it_was_not_fitted),
        cmocka_unit_test(test_what_is_faster_scores_higher),
        cmocka_unit_test(test_the_score_is_the_weighted_mean_of_its_tasks),
        cmocka_unit_test(test_what_was_not_measured_is_filled_up),
        cmocka_unit_test(test_impossible_rates_have_no_score),
        cmocka_unit_test(test_many_gpus_lose_by_their_link),
        cmocka_unit_test(test_few_threads_hold_a_gpu_back),
        cmocka_unit_test(test_profiles_are_found_by_name_image_and_precision),
        cmocka_unit_test(test_without_tensor_cores_fp16_is_slow),
    };

    return cmocka_run_group_tests(tests, read_real, NULL);
}
