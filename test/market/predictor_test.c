/* SPDX-License-Identifier: Apache-2.0 */
#include "market/predictor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "market/support_noise.h"

static struct predictor_sample samples[RUN_LIST_MAX];

static double rate(const struct dlperf_rates *rates, enum dlperf_rate which)
{
    return (double)rates->of[which] / (double)dlperf_reference().of[which];
}

/* What a task is made to be. */
typedef double truth(const struct dlperf_rates *rates);

static double by_formula(const struct dlperf_rates *rates)
{
    return dlperf_task_speed(DLPERF_TASK_LLM_DECODE, rates);
}

/* A third of it goes with bandwidth, and a half with single precision. */
static double by_rates(const struct dlperf_rates *rates)
{
    return pow(rate(rates, DLPERF_BANDWIDTH), 0.3) * pow(rate(rates, DLPERF_F32), 0.5);
}

static double steep(const struct dlperf_rates *rates)
{
    return pow(rate(rates, DLPERF_BANDWIDTH), 1.5);
}

/* The faster the memory is, the slower it gets. */
static double backwards(const struct dlperf_rates *rates)
{
    return 1 / rate(rates, DLPERF_BANDWIDTH);
}

/* Each model once in each of two series, which have scales of their own. */
static size_t make(truth *of, double noise, size_t most)
{
    size_t models, count = 0;
    const struct gpu_model *all = gpu_models(&models);

    for (size_t back = 0; back < models && back < most; back++) {
        const struct gpu_model *model = &all[models - 1 - back]; /* of which the V100 is one */
        struct dlperf_rates rates = dlperf_of_model(model);

        for (int series = 0; series < 2; series++)
            samples[count++] = (struct predictor_sample){ { DLPERF_TASK_LLM_DECODE, series, model,
                                                            (series == 0 ? 7 : 4000) * of(&rates) *
                                                                exp(noise * noise_normal()) },
                                                          rates };
    }
    return count;
}

static struct predictor_fit learn(size_t count)
{
    return predictor_learn(DLPERF_TASK_LLM_DECODE, samples, count);
}

static void test_what_was_planted_is_found(void **state)
{
    (void)state;
    for (int noisy = 0; noisy < 2; noisy++) {
        size_t models, count = make(by_rates, noisy * 0.05, SIZE_MAX);
        const struct gpu_model *all = gpu_models(&models);
        struct predictor_fit fit = learn(count);

        CHECK_INT(fit.state, PREDICTOR_USED);
        CHECK_INT(fit.runs, (int64_t)count);
        CHECK_INT(fit.models, (int64_t)models);
        CHECK(fit.error_ppm < (noisy ? 60000 : 10000) && fit.formula_ppm > 100000);
        double worst = 0;
        for (size_t i = 0; i < models; i++) {
            struct dlperf_rates rates = dlperf_of_model(&all[i]);
            double factor =
                (double)predictor_factor_ppm(DLPERF_TASK_LLM_DECODE, &fit, &rates) / 1e6;
            double want = fmin(2, fmax(0.5, by_rates(&rates) / by_formula(&rates)));

            worst = fmax(worst, fabs(log(factor / want)));
        }
        CHECK(worst < (noisy ? 0.1 : 0.05));
    }
}

/* With the formula's own world nothing is won, however much noise there is or is not. */
static void test_the_formula_stays_where_it_is_as_good(void **state)
{
    int used = 0;

    (void)state;
    for (int i = 0; i < 200; i++) {
        size_t count = make(by_formula, i % 10 * 0.03, 10 + (size_t)check_random(60));
        struct predictor_fit fit = learn(count);

        used += fit.state == PREDICTOR_USED ? 1 : 0;
        if (fit.state != PREDICTOR_USED)
            CHECK_INT(predictor_factor_ppm(DLPERF_TASK_LLM_DECODE, &fit, &samples[0].rates),
                      1000000);
    }
    CHECK_INT(used, 0);
}

static void test_what_is_not_used(void **state)
{
    size_t few = make(by_rates, 0, PREDICTOR_MODELS_MIN - 1);
    size_t models, count;
    const struct gpu_model *all = gpu_models(&models);

    (void)state;
    CHECK_INT(learn(few).state, PREDICTOR_FEW);
    CHECK_INT(learn(0).state, PREDICTOR_FEW);
    CHECK_INT(learn(0).runs, 0);
    CHECK(learn(make(by_rates, 0, PREDICTOR_MODELS_MIN)).state != PREDICTOR_FEW);
    CHECK_INT(learn(make(steep, 0, SIZE_MAX)).state, PREDICTOR_STEEP);
    /* Runs of another task are not its own. */
    count = make(by_rates, 0, SIZE_MAX);
    CHECK_INT(predictor_learn(DLPERF_TASK_LLM_PREFILL, samples, count).state, PREDICTOR_FEW);
    /* Each model in a series of its own: there is nothing to compare. */
    for (size_t i = 0; i < models; i++)
        samples[i] = (struct predictor_sample){ { DLPERF_TASK_LLM_DECODE, (int)(i % RUN_SERIES_MAX),
                                                  &all[i], 5 },
                                                dlperf_of_model(&all[i]) };
    CHECK_INT(learn(RUN_SERIES_MAX < models ? RUN_SERIES_MAX : models).state, PREDICTOR_FEW);
    /* Without a V100 nobody knows the scale. */
    count = make(by_rates, 0, SIZE_MAX);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(samples[i].run.model->name, "Tesla V100") == 0)
            samples[i--] = samples[--count];
    }
    CHECK_INT(learn(count).state, PREDICTOR_NO_REFERENCE);
}

/* Whatever is seen: no weight is below zero, a faster GPU is never slower, a V100 is a V100, and
 * the same runs in any order give the same. */
static void test_laws(void **state)
{
    static truth *const truths[] = { by_formula, by_rates, steep, backwards };
    struct dlperf_rates reference = dlperf_reference();

    (void)state;
    for (int i = 0; i < 200; i++) {
        size_t count = make(truths[i % 4], 0.1 * (double)check_random(5), 8 + check_random(80));
        struct predictor_fit fit = learn(count), again = learn(count);

        CHECK(memcmp(&fit, &again, sizeof fit) == 0);
        CHECK_INT(predictor_factor_ppm(DLPERF_TASK_LLM_DECODE, &fit, &reference), 1000000);
        fit.state = PREDICTOR_USED; /* for what it would do */
        for (int j = 0; j < PREDICTOR_WEIGHTS; j++)
            CHECK(fit.weights_milli[j] >= 0);
        for (int j = 0; j < DLPERF_RATES; j++) {
            struct dlperf_rates slow = samples[check_random(count)].rates, fast = slow;

            fast.of[j] += fast.of[j] / 2;
            double slow_ppm = (double)predictor_factor_ppm(DLPERF_TASK_LLM_DECODE, &fit, &slow);
            double fast_ppm = (double)predictor_factor_ppm(DLPERF_TASK_LLM_DECODE, &fit, &fast);
            CHECK(slow_ppm >= 500000 && slow_ppm <= 2000000);
            CHECK(fast_ppm * by_formula(&fast) >= slow_ppm * by_formula(&slow) * 0.99999);
        }
    }
}

/* What is known of real runs: where they can be put beside a V100's, the formula, which was fitted
 * on some of them, is not beaten; of language models nobody ran one on a V100. */
static void test_real_runs(void **state)
{
    static struct run_list list;
    struct error err;

    (void)state;
    list = (struct run_list){ 0 };
    CHECK_OK(run_list_add(&list, run_list_known, &err), &err);
    for (size_t i = 0; i < list.count; i++)
        samples[i] = (struct predictor_sample){ list.runs[i], dlperf_of_model(list.runs[i].model) };
    for (int task = 0; task < DLPERF_TASKS; task++) {
        struct predictor_fit fit = predictor_learn((enum dlperf_task)task, samples, list.count);
        bool is_llm = task == DLPERF_TASK_LLM_DECODE || task == DLPERF_TASK_LLM_PREFILL;

        check_row("%s", dlperf_task_name((enum dlperf_task)task));
        print_message("%s: %s, %d runs on %d models, %.4f learned, %.4f by the formula\n",
                      dlperf_task_name((enum dlperf_task)task), predictor_state_name(fit.state),
                      (int)fit.runs, (int)fit.models, (double)fit.error_ppm / 1e6,
                      (double)fit.formula_ppm / 1e6);
        CHECK(fit.state != PREDICTOR_USED);
        if (is_llm)
            CHECK_INT(fit.state, PREDICTOR_NO_REFERENCE);
        if (is_llm)
            CHECK(fit.error_ppm * 10 < fit.formula_ppm * 8);
        if (fit.state == PREDICTOR_NOT_BETTER)
            CHECK(fit.runs >= 19 && fit.formula_ppm < 130000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_planted_is_found),
        cmocka_unit_test(test_the_formula_stays_where_it_is_as_good),
        cmocka_unit_test(test_what_is_not_used),
        cmocka_unit_test(test_laws),
        cmocka_unit_test(test_real_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
