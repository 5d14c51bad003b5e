/* SPDX-License-Identifier: Apache-2.0 */
/* Names and what is behind them: slower models under the names of faster ones, four hundred of
 * each, and honest machines of every model. The noise is that of market/support_noise.h. */
#include "market/identity.h"

#include <math.h>
#include <stdio.h>

#include "check.h"
#include "market/support_noise.h"

enum { TRIALS = 400, HONEST_RUNS = 1200 };

static const struct gpu_model *need(const char *name)
{
    const struct gpu_model *model = gpu_model(name);

    if (model == NULL)
        fail_msg("no model is called %s", name);
    return model;
}

struct card {
    const struct gpu_model *model;
    double bias[IDENTITY_AXES]; /* deviations */
};

static struct card card_of(const struct gpu_model *model)
{
    struct card card = { .model = model };

    for (int i = 0; i < IDENTITY_MEMORY; i++)
        card.bias[i] = NOISE_CARD * noise_normal();
    return card;
}

/* Memory has no luck: it is there or it is not. */
static struct identity measure(const struct card *card)
{
    struct identity measured = identity_of_model(card->model);

    for (int i = 0; i < IDENTITY_MEMORY; i++)
        measured.of[i] *= exp((card->bias[i] + NOISE_RUN * noise_normal()) *
                              identity_deviation((enum identity_axis)i));
    return measured;
}

/* Two tests running: the rule of market/audit.h. */
static bool is_caught(const struct card *card, const struct gpu_model *claimed)
{
    struct identity first = measure(card), second = measure(card);

    return identity_suspect(claimed, &first) != NULL && identity_suspect(claimed, &second) != NULL;
}

/* The chance that both tests show it, for one at that distance whose card is one of all. */
static double foretold(double distance)
{
    double limit = distance / 2 > IDENTITY_SIGMAS ? distance / 2 : IDENTITY_SIGMAS, sum = 0;
    double width = 0.01;

    for (double x = -6; x < 6; x += width) {
        double once = noise_below((distance + NOISE_CARD * x - limit) / NOISE_RUN);

        sum += once * once * exp(-x * x / 2) * width;
    }
    return sum / sqrt(2 * acos(-1.0));
}

/* Others that are nearer still only add to it; so it is at least as foretold. */
static void test_a_slower_gpu_under_a_faster_ones_name_is_caught_as_foretold(void **state)
{
    static const struct {
        const char *claimed, *is;
        double at_least; /* what the table of models makes of it */
    } rows[] = {
        { "RTX 4090", "RTX 3090", 0.99 },    { "RTX 4090", "RTX 4080", 0.99 },
        { "RTX 3090", "RTX 3080", 0.99 },    { "H100 SXM", "A100 SXM4", 0.99 },
        { "RTX 4080", "RTX 4070 Ti", 0.99 }, { "RTX 4070 Ti", "RTX 4070", 0.3 },
        { "RTX A6000", "RTX A5000", 0.99 },  { "Tesla V100", "GTX 1080 Ti", 0.99 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct gpu_model *claimed = need(rows[i].claimed), *is = need(rows[i].is);
        struct identity all = identity_of_model(is);
        double distance = identity_distance(claimed, is, &all), part = foretold(distance);
        int caught = 0;

        check_row("%s as %s", rows[i].is, rows[i].claimed);
        for (int trial = 0; trial < TRIALS; trial++) {
            struct card card = card_of(is);

            caught += is_caught(&card, claimed) ? 1 : 0;
        }
        printf("%s as %s: %.1f deviations apart, caught %d of %d, foretold %.1f\n", rows[i].is,
               rows[i].claimed, distance, caught, TRIALS, part * TRIALS);
        CHECK(part > rows[i].at_least);
        CHECK(caught >= TRIALS * part - noise_margin(TRIALS, part));
    }
}

/* Below one in ten thousand, over all models. */
static void test_honest_machines_keep_their_names(void **state)
{
    size_t count;
    const struct gpu_model *models = gpu_models(&count);
    int64_t runs = 0, caught = 0;

    (void)state;
    for (size_t i = 0; i < count; i++) {
        for (int run = 0; run < HONEST_RUNS; run++, runs++) {
            struct card card = card_of(&models[i]);

            caught += is_caught(&card, &models[i]) ? 1 : 0;
        }
    }
    printf("honest machines: %d of %d suspected\n", (int)caught, (int)runs);
    CHECK(caught * 10000 <= runs);
}

/* 300 W of 450: a quarter slower, and the same card. */
static void test_slow_is_no_cheating(void **state)
{
    struct identity measured = identity_of_model(need("RTX 4090"));

    (void)state;
    measured.of[IDENTITY_F32] *= 0.77;
    measured.of[IDENTITY_F16] *= 0.77;
    CHECK(identity_suspect(need("RTX 4090"), &measured) == NULL);
    measured.of[IDENTITY_F16] = 0; /* no path to the tensor cores */
    CHECK(identity_suspect(need("RTX 4090"), &measured) == NULL);
}

static void test_what_was_not_measured_says_nothing(void **state)
{
    struct identity nothing = { 0 }, memory = { .of[IDENTITY_MEMORY] = 24 * 1024 };

    (void)state;
    CHECK(identity_suspect(need("RTX 4090"), &nothing) == NULL);
    CHECK(identity_distance(need("RTX 4090"), need("RTX 3090"), &memory) < 1e-9);
    CHECK(identity_suspect(need("RTX 4090"), &memory) == NULL);
    memory.of[IDENTITY_MEMORY] = 10 * 1024;
    CHECK(identity_suspect(need("RTX 4090"), &memory) != NULL);
}

static void test_rates_are_those_of_the_bench(void **state)
{
    struct dlperf_rates rates = {
        .of = { [DLPERF_F32] = 1, [DLPERF_F16] = 2, [DLPERF_BANDWIDTH] = 3 }
    };
    struct identity measured = identity_measured(&rates, 4);

    (void)state;
    for (int i = 0; i < IDENTITY_AXES; i++)
        CHECK_INT((int64_t)measured.of[i], i + 1);
}

static void test_links_are_those_of_their_generation(void **state)
{
    (void)state;
    CHECK_INT(identity_link_mbs_max(need("GTX 1080 Ti")), 15754);
    CHECK_INT(identity_link_mbs_max(need("RTX 3090")), 31508);
    CHECK_INT(identity_link_mbs_max(need("H100 SXM")), 63015);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_slower_gpu_under_a_faster_ones_name_is_caught_as_foretold),
        cmocka_unit_test(test_honest_machines_keep_their_names),
        cmocka_unit_test(test_slow_is_no_cheating),
        cmocka_unit_test(test_what_was_not_measured_says_nothing),
        cmocka_unit_test(test_rates_are_those_of_the_bench),
        cmocka_unit_test(test_links_are_those_of_their_generation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
