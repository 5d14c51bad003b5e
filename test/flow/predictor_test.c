/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/predictor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "flow/bench.h"
#include "flow/offers.h"
#include "market/offer.h"
#include "support.h"

static struct run_list planted;

/* Every model writes as fast as its memory to the power of 0.4 and its processors to that of 0.4:
 * less by memory, and more by processors, than the formula says. */
static void plant(void)
{
    size_t models;
    const struct gpu_model *all = gpu_models(&models);

    planted = (struct run_list){ .series_count = 1 };
    for (size_t i = 0; i < models; i++) {
        struct dlperf_rates rates = dlperf_of_model(&all[i]);

        planted.runs[planted.count++] = (struct run){ DLPERF_TASK_LLM_DECODE, 0, &all[i],
                                                      pow((double)rates.of[DLPERF_BANDWIDTH], 0.4) *
                                                          pow((double)rates.of[DLPERF_F32], 0.4) };
    }
}

static int64_t learn(struct world *world)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_predictor(&world->flow, &count, &err), &err);
    return (int64_t)count;
}

static struct predictor_row shown(struct world *world)
{
    struct predictor_row row;
    struct error err;

    CHECK_OK(flow_predictor_show(&world->flow, &row, &err), &err);
    return row;
}

static void measure(struct world *world, const struct world_machine *machine, int64_t seq,
                    int64_t f32_gflops)
{
    struct bench_report report = { .gpu_count = 1 };
    enum take_outcome outcome;
    struct error err;

    memcpy(report.gpus[0].uuid, machine->facts.gpus[0].uuid, sizeof report.gpus[0].uuid);
    report.gpus[0].f32_gflops = f32_gflops;
    report.gpus[0].f16_gflops = 160000;
    report.gpus[0].memory_mbs = 900000;
    CHECK_OK(flow_bench(&world->flow, machine->id, machine->epoch, seq, &report, &outcome, &err),
             &err);
    CHECK_INT(outcome, TAKE_DONE);
}

static const struct machine *market_machine(struct world *world,
                                            const struct world_machine *machine)
{
    struct offer *offers;
    struct error err;
    size_t count;

    CHECK_OK(
        flow_offers_of_machine(&world->flow, machine->id, &world->arena, &offers, &count, &err),
        &err);
    CHECK(count > 0);
    return offers[0].machine;
}

/* What is known of runs does not beat the formula: machines are as they were. */
static void test_by_itself_the_formula_holds(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    measure(&world, &machine, 1, 80000);
    int64_t before = market_machine(&world, &machine)->dlperf_milli;
    CHECK_INT(learn(&world), 0);
    struct predictor_row row = shown(&world);
    CHECK_INT(row.revision, 0);
    CHECK_INT(row.fitted.microseconds, clock_now(&world.clock).microseconds);
    for (int task = 0; task < DLPERF_TASKS; task++)
        CHECK(row.fits[task].state != PREDICTOR_USED);
    CHECK(row.fits[DLPERF_TASK_RESNET50_FP32].runs == 30);
    CHECK_INT(market_machine(&world, &machine)->dlperf_milli, before);
    CHECK_INT(market_machine(&world, &machine)->learned, 0);
    world_close(&world);
}

/* With runs that it does not fit, those that were measured before and after are told; it is looked
 * at anew once an hour, and taken back when the operator says so. */
static void test_what_is_learned_is_told_and_taken_back(void **state)
{
    struct world world;
    struct world_machine machine, later;

    plant();
    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    world_host(&world, &later, "b", 1);
    measure(&world, &machine, 1, 80000);
    int64_t before = market_machine(&world, &machine)->profiles_milli[DLPERF_LLM_DECODE];
    world.flow.runs = &planted;
    CHECK_INT(learn(&world), 1);
    struct predictor_row row = shown(&world);
    CHECK_INT(row.revision, 1);
    CHECK_INT(row.fits[DLPERF_TASK_LLM_DECODE].state, PREDICTOR_USED);
    const struct machine *told = market_machine(&world, &machine);
    int64_t after = told->profiles_milli[DLPERF_LLM_DECODE];
    CHECK_INT(told->learned, 1u << DLPERF_TASK_LLM_DECODE);
    double want = 21e3 * pow(80000 / 15700.0, 0.4) * pow(900 / 900.0, 0.4);
    CHECK(before == 21000 && fabs((double)after / want - 1) < 0.05);
    measure(&world, &later, 1, 80000);
    CHECK_INT(market_machine(&world, &later)->profiles_milli[DLPERF_LLM_DECODE], after);
    CHECK_INT(learn(&world), 0);

    world.flow.uses_formula = true;
    world_pass(&world, PREDICTOR_PERIOD_US - 60 * US_PER_SECOND);
    CHECK_INT(learn(&world), 0);
    CHECK_INT(shown(&world).revision, 1);
    world_pass(&world, 60 * US_PER_SECOND);
    CHECK_INT(learn(&world), 2);
    CHECK_INT(shown(&world).revision, 2);
    CHECK_INT(shown(&world).fits[DLPERF_TASK_LLM_DECODE].state, PREDICTOR_OFF);
    CHECK_INT(market_machine(&world, &machine)->profiles_milli[DLPERF_LLM_DECODE], before);
    CHECK_INT(market_machine(&world, &later)->learned, 0);
    world_close(&world);
}

/* What three hosts measured of a model counts for it, and not what its maker says. */
static void test_measurements_are_learned_from(void **state)
{
    struct world world;
    struct world_machine machines[3];

    plant();
    world_open(&world, *state);
    world.flow.runs = &planted;
    CHECK_INT(learn(&world), 0);
    int64_t error_ppm = shown(&world).fits[DLPERF_TASK_LLM_DECODE].error_ppm;
    for (int i = 0; i < 3; i++) {
        world_host(&world, &machines[i], (const char *[]){ "a", "b", "c" }[i], 1);
        measure(&world, &machines[i], 1, 40000);
        world_pass(&world, PREDICTOR_PERIOD_US);
        (void)learn(&world);
        int64_t now_ppm = shown(&world).fits[DLPERF_TASK_LLM_DECODE].error_ppm;
        /* Half as fast as its maker says, it fits what it was seen to do less well. */
        CHECK(i < 2 ? now_ppm == error_ppm : now_ppm > error_ppm * 2);
    }
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_itself_the_formula_holds),
        cmocka_unit_test(test_what_is_learned_is_told_and_taken_back),
        cmocka_unit_test(test_measurements_are_learned_from),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}
