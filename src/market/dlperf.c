/* SPDX-License-Identifier: Apache-2.0 */
#include "market/dlperf.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Above any GPU for a long time, and far below where sums of them would overflow. */
#define RATE_MAX INT64_C(1000000000000)

#define BF16_COMPUTE_CAP 800 /* Ampere and later multiply bf16 and tf32 */

static const struct {
    const char *name, *title;
    double parts[DLPERF_PARTS];
} tasks[DLPERF_TASKS] = {
#define DLPERF_TASK(id, name, title, ...) { name, title, { __VA_ARGS__ } },
#include "market/dlperf_tables.inc"
#undef DLPERF_TASK
};

static const struct {
    const char *name, *title;
    double weights[DLPERF_TASKS];
} profiles[DLPERF_PROFILES] = {
#define DLPERF_PROFILE(id, name, title, ...) { name, title, { __VA_ARGS__ } },
#include "market/dlperf_tables.inc"
#undef DLPERF_PROFILE
};

static const struct {
    double score;
    double rates[DLPERF_RATES]; /* TFLOP/s, and GB/s */
} reference = {
#define DLPERF_REFERENCE(score, ...)                                                               \
    score,                                                                                         \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#include "market/dlperf_tables.inc"
#undef DLPERF_REFERENCE
};

static const struct {
    const char *word;
    enum dlperf_profile profile;
} images[] = {
#define DLPERF_IMAGE(word, profile) { word, DLPERF_##profile },
#include "market/dlperf_tables.inc"
#undef DLPERF_IMAGE
};

bool dlperf_complete(struct dlperf_rates *rates, int64_t compute_cap)
{
    int64_t *of = rates->of;

    for (int i = 0; i < DLPERF_RATES; i++) {
        if (of[i] < 0 || of[i] > RATE_MAX)
            return false;
    }
    if (of[DLPERF_F32] == 0 || of[DLPERF_BANDWIDTH] == 0)
        return false;
    bool has_bf16 = compute_cap >= BF16_COMPUTE_CAP;
    /* Where tensor cores are no faster, the others do the work. */
    if (of[DLPERF_F16] < of[DLPERF_F32])
        of[DLPERF_F16] = of[DLPERF_F32];
    if (of[DLPERF_TF32] < of[DLPERF_F32] || !has_bf16)
        of[DLPERF_TF32] = of[DLPERF_F32];
    if (!has_bf16)
        of[DLPERF_BF16] = of[DLPERF_F32];
    else if (of[DLPERF_BF16] == 0)
        of[DLPERF_BF16] = of[DLPERF_F16];
    else if (of[DLPERF_BF16] < of[DLPERF_F32])
        of[DLPERF_BF16] = of[DLPERF_F32];
    return true;
}

struct dlperf_rates dlperf_of_model(const struct gpu_model *model)
{
    struct dlperf_rates rates = { .of = {
                                      [DLPERF_F32] = model->fp32_gflops,
                                      [DLPERF_TF32] = model->f16_gflops / 2,
                                      [DLPERF_F16] = model->f16_gflops,
                                      [DLPERF_BANDWIDTH] = model->memory_mbs,
                                  } };
    bool is_complete = dlperf_complete(&rates, model->compute_cap);

    assert(is_complete);
    return rates;
}

double dlperf_task_speed(enum dlperf_task task, const struct dlperf_rates *rates)
{
    double time = tasks[task].parts[DLPERF_RATES];

    for (int i = 0; i < DLPERF_RATES; i++) {
        assert(rates->of[i] > 0);
        time += tasks[task].parts[i] * reference.rates[i] * 1e3 / (double)rates->of[i];
    }
    return 1 / time;
}

double dlperf_score(enum dlperf_profile profile, const struct dlperf_rates *rates)
{
    return dlperf_score_learned(profile, rates, NULL);
}

double dlperf_score_learned(enum dlperf_profile profile, const struct dlperf_rates *rates,
                            const int32_t *learned_ppm)
{
    double power = 0;

    for (int task = 0; task < DLPERF_TASKS; task++) {
        double weight = profiles[profile].weights[task];

        if (!(weight > 0))
            continue;
        double speed = dlperf_task_speed((enum dlperf_task)task, rates);
        if (learned_ppm != NULL && learned_ppm[task] > 0)
            speed *= learned_ppm[task] / 1e6;
        power += weight * log(speed);
    }
    return reference.score * exp(power);
}

/* The loss was seen on a market whose scores grow faster than speed: 0.184 times ours to the power
 * of 1.49 is what they say there. */
double dlperf_link_loss(double score, int64_t pcie_mbs, int64_t nvlink_mbs)
{
    double link_gbs = ((double)pcie_mbs + 1.1 * (double)nvlink_mbs) / 1e3;

    if (!(link_gbs > 0) || !(score > 0))
        return 0;
    return 0.10 * pow(0.184 * pow(score, 1.49), 0.75) / link_gbs;
}

double dlperf_efficiency(double loss, int64_t count)
{
    return count > 1 ? 1 / (1 + loss * (double)(count - 1)) : 1;
}

double dlperf_cpu_factor(int64_t cpu_cores, int64_t gpu_count)
{
    double enough = 3, each = (double)cpu_cores / (double)(gpu_count > 0 ? gpu_count : 1);

    return each < enough ? sqrt(each / enough) : 1;
}

int32_t dlperf_milli(enum dlperf_profile profile, const struct dlperf_rates *rates,
                     const int32_t *learned_ppm, int64_t cpu_cores, int64_t gpu_count)
{
    double milli = 1e3 * dlperf_score_learned(profile, rates, learned_ppm) *
                   dlperf_cpu_factor(cpu_cores, gpu_count);

    return milli < INT32_MAX ? (int32_t)llround(milli) : INT32_MAX;
}

int64_t dlperf_link_loss_ppm(int32_t score_milli, int64_t pcie_mbs, int64_t nvlink_mbs)
{
    double loss = dlperf_link_loss(score_milli / 1e3, pcie_mbs, nvlink_mbs);

    return loss < 1e6 ? llround(loss * 1e6) : INT64_C(1000000000000);
}

const char *dlperf_rate_name(enum dlperf_rate rate)
{
    static const char *const names[DLPERF_RATES] = { "tf32", "f32", "f16", "bf16", "bandwidth" };

    assert(rate < DLPERF_RATES);
    return names[rate];
}

const char *dlperf_task_name(enum dlperf_task task)
{
    assert(task < DLPERF_TASKS);
    return tasks[task].name;
}

const char *dlperf_task_title(enum dlperf_task task)
{
    assert(task < DLPERF_TASKS);
    return tasks[task].title;
}

const double *dlperf_task_parts(enum dlperf_task task)
{
    assert(task < DLPERF_TASKS);
    return tasks[task].parts;
}

double dlperf_weight(enum dlperf_profile profile, enum dlperf_task task)
{
    assert(profile < DLPERF_PROFILES && task < DLPERF_TASKS);
    return profiles[profile].weights[task];
}

const char *dlperf_profile_name(enum dlperf_profile profile)
{
    assert(profile < DLPERF_PROFILES);
    return profiles[profile].name;
}

const char *dlperf_profile_title(enum dlperf_profile profile)
{
    assert(profile < DLPERF_PROFILES);
    return profiles[profile].title;
}

struct dlperf_rates dlperf_reference(void)
{
    struct dlperf_rates rates;

    for (int i = 0; i < DLPERF_RATES; i++)
        rates.of[i] = llround(reference.rates[i] * 1e3);
    return rates;
}

bool dlperf_profile_find(const char *name, enum dlperf_profile *ret)
{
    for (int i = 0; i < DLPERF_PROFILES; i++) {
        if (strcmp(profiles[i].name, name) == 0) {
            *ret = (enum dlperf_profile)i;
            return true;
        }
    }
    return false;
}

/* The first row whose word is anywhere in the name. */
enum dlperf_profile dlperf_profile_of_image(const char *image)
{
    for (size_t i = 0; i < sizeof images / sizeof images[0]; i++) {
        if (strstr(image, images[i].word) != NULL)
            return images[i].profile;
    }
    return DLPERF_DEFAULT;
}

enum dlperf_profile dlperf_profile_of_precision(enum dlperf_profile profile,
                                                enum dlperf_precision precision)
{
    switch (precision) {
    case DLPERF_ONLY_FP32:
        return DLPERF_FP32;
    case DLPERF_ONLY_FP16:
        return DLPERF_FP16;
    case DLPERF_ANY:
        break;
    }
    return profile;
}
