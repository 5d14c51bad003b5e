/* SPDX-License-Identifier: Apache-2.0 */
#include "market/identity.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* The part of their makers' figures that our kernels reach, and how far single GPUs are from that.
 * Half-precision figures are sustained ones already. */
static const struct {
    double fraction, deviation;
} axes[IDENTITY_AXES] = {
    [IDENTITY_F32] = { 0.95, 0.12 },
    [IDENTITY_F16] = { 0.70, 0.15 },
    [IDENTITY_BANDWIDTH] = { 0.90, 0.06 },
    [IDENTITY_MEMORY] = { 1.0, 0.03 },
};

#define MB_PER_GB 1024

struct identity identity_measured(const struct dlperf_rates *rates, int64_t memory_mb)
{
    return (struct identity){ .of = {
                                  [IDENTITY_F32] = (double)rates->of[DLPERF_F32],
                                  [IDENTITY_F16] = (double)rates->of[DLPERF_F16],
                                  [IDENTITY_BANDWIDTH] = (double)rates->of[DLPERF_BANDWIDTH],
                                  [IDENTITY_MEMORY] = (double)memory_mb,
                              } };
}

struct identity identity_of_model(const struct gpu_model *model)
{
    struct identity want = { .of = {
                                 [IDENTITY_F32] = (double)model->fp32_gflops,
                                 [IDENTITY_F16] = (double)model->f16_gflops,
                                 [IDENTITY_BANDWIDTH] = (double)model->memory_mbs,
                                 [IDENTITY_MEMORY] = (double)model->memory_gb * MB_PER_GB,
                             } };

    for (int i = 0; i < IDENTITY_AXES; i++)
        want.of[i] *= axes[i].fraction;
    return want;
}

double identity_deviation(enum identity_axis axis)
{
    assert(axis < IDENTITY_AXES);
    return axes[axis].deviation;
}

/* From one to the other, in deviations; 0 where the one or the other is not known. */
static double step(const struct identity *from, const struct identity *to, int axis)
{
    if (!(from->of[axis] > 0) || !(to->of[axis] > 0))
        return 0;
    return log(to->of[axis] / from->of[axis]) / axes[axis].deviation;
}

double identity_distance(const struct gpu_model *a, const struct gpu_model *b,
                         const struct identity *measured)
{
    struct identity of_a = identity_of_model(a), of_b = identity_of_model(b);
    double sum = 0;

    for (int i = 0; i < IDENTITY_AXES; i++) {
        double along = measured->of[i] > 0 ? step(&of_a, &of_b, i) : 0;

        sum += along * along;
    }
    return sqrt(sum);
}

/* How far the measured one is from the claimed model on the straight way to another. */
static double progress(const struct identity *claimed, const struct identity *other,
                       const struct identity *measured, double distance)
{
    double dot = 0;

    for (int i = 0; i < IDENTITY_AXES; i++)
        dot += step(claimed, measured, i) * step(claimed, other, i);
    return dot / distance;
}

static double apart(const struct identity *model, const struct identity *measured)
{
    double sum = 0;

    for (int i = 0; i < IDENTITY_AXES; i++) {
        double along = step(model, measured, i);

        sum += along * along;
    }
    return sum;
}

const struct gpu_model *identity_suspect(const struct gpu_model *claimed,
                                         const struct identity *measured)
{
    const struct gpu_model *suspect = NULL;
    double nearest = INFINITY;
    size_t count;
    const struct gpu_model *models = gpu_models(&count);
    struct identity own = identity_of_model(claimed);

    for (size_t i = 0; i < count; i++) {
        struct identity other = identity_of_model(&models[i]);
        double distance = identity_distance(claimed, &models[i], measured);
        double left = apart(&other, measured);

        if (!(distance > 0) || left >= nearest)
            continue;
        double way = progress(&own, &other, measured, distance);
        if (way > IDENTITY_SIGMAS && way > distance / 2) {
            suspect = &models[i];
            nearest = left;
        }
    }
    return suspect;
}

/* Sixteen lanes of each generation, before anything is lost on the way. */
int64_t identity_link_mbs_max(const struct gpu_model *model)
{
    static const struct {
        const char *architecture;
        int64_t mbs;
    } links[] = {
        { "Pascal", 15754 }, { "Volta", 15754 },  { "Turing", 15754 },    { "Ampere", 31508 },
        { "Ada", 31508 },    { "Hopper", 63015 }, { "Blackwell", 63015 },
    };

    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        if (strstr(model->architecture, links[i].architecture) != NULL)
            return links[i].mbs;
    }
    return 0;
}
