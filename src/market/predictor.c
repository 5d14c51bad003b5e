/* SPDX-License-Identifier: Apache-2.0 */
#include "market/predictor.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* As strong as a tenth of one run that is e times as fast by each weight's own reason. */
#define RIDGE 0.1

#define BETTER         0.9  /* of the formula's error, at most */
#define STEEP_MILLI    1050 /* a twentieth above one is noise */
#define FACTOR_MAX     2.0
#define REFERENCE_NAME "Tesla V100"

enum { SWEEPS = 400, MILLI = 1000, PPM = 1000000 };

struct point {
    int series;
    const struct gpu_model *model;
    double x[PREDICTOR_WEIGHTS], y;
};

struct cloud {
    size_t count, model_count;
    struct point points[RUN_LIST_MAX];
    const struct gpu_model *models[PREDICTOR_MODELS_MAX];
};

/* Means of each series, and how things go together around them. */
struct moments {
    int count[RUN_SERIES_MAX];
    double mean_x[RUN_SERIES_MAX][PREDICTOR_WEIGHTS], mean_y[RUN_SERIES_MAX];
    double gram[PREDICTOR_WEIGHTS][PREDICTOR_WEIGHTS], cross[PREDICTOR_WEIGHTS];
};

/* All zeros for a V100. */
static void features(enum dlperf_task task, const struct dlperf_rates *rates,
                     double x[static PREDICTOR_WEIGHTS])
{
    struct dlperf_rates reference = dlperf_reference();

    x[PREDICTOR_FORMULA] = log(dlperf_task_speed(task, rates));
    for (int i = 0; i < DLPERF_RATES; i++)
        x[1 + i] = log((double)rates->of[i] / (double)reference.of[i]);
}

static bool add_model(struct cloud *cloud, const struct gpu_model *model)
{
    for (size_t i = 0; i < cloud->model_count; i++) {
        if (cloud->models[i] == model)
            return true;
    }
    if (cloud->model_count == PREDICTOR_MODELS_MAX)
        return false;
    cloud->models[cloud->model_count++] = model;
    return true;
}

static void gather(enum dlperf_task task, const struct predictor_sample *samples, size_t count,
                   struct cloud *cloud)
{
    for (size_t i = 0; i < count && cloud->count < RUN_LIST_MAX; i++) {
        const struct run *run = &samples[i].run;

        if (run->task != task || !add_model(cloud, run->model))
            continue;
        struct point *point = &cloud->points[cloud->count++];
        point->series = run->series;
        point->model = run->model;
        point->y = log(run->per_second);
        features(task, &samples[i].rates, point->x);
    }
}

/* Of all but one model's. */
static void sum_up(const struct cloud *cloud, const struct gpu_model *without, struct moments *ret)
{
    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < cloud->count; i++) {
        const struct point *p = &cloud->points[i];

        if (p->model == without)
            continue;
        ret->count[p->series]++;
        ret->mean_y[p->series] += p->y;
        for (int j = 0; j < PREDICTOR_WEIGHTS; j++)
            ret->mean_x[p->series][j] += p->x[j];
    }
    for (int s = 0; s < RUN_SERIES_MAX; s++) {
        ret->mean_y[s] /= ret->count[s] > 0 ? ret->count[s] : 1;
        for (int j = 0; j < PREDICTOR_WEIGHTS; j++)
            ret->mean_x[s][j] /= ret->count[s] > 0 ? ret->count[s] : 1;
    }
    for (size_t i = 0; i < cloud->count; i++) {
        const struct point *p = &cloud->points[i];
        const double *mean = ret->mean_x[p->series];

        if (p->model == without)
            continue;
        for (int j = 0; j < PREDICTOR_WEIGHTS; j++) {
            ret->cross[j] += (p->x[j] - mean[j]) * (p->y - ret->mean_y[p->series]);
            for (int k = 0; k < PREDICTOR_WEIGHTS; k++)
                ret->gram[j][k] += (p->x[j] - mean[j]) * (p->x[k] - mean[k]);
        }
    }
}

/* The weights of which the squares of errors, and of ways from the formula, are least together: one
 * weight after the other is set to its best for the others, which only ever gets nearer. */
static void solve(const struct moments *moments, double weights[static PREDICTOR_WEIGHTS])
{
    static const double drawn_to[PREDICTOR_WEIGHTS] = { [PREDICTOR_FORMULA] = 1 };

    memcpy(weights, drawn_to, sizeof drawn_to);
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        for (int j = 0; j < PREDICTOR_WEIGHTS; j++) {
            double rest = moments->cross[j] + RIDGE * drawn_to[j];

            for (int k = 0; k < PREDICTOR_WEIGHTS; k++)
                rest -= k != j ? moments->gram[j][k] * weights[k] : 0;
            double best = rest / (moments->gram[j][j] + RIDGE);
            weights[j] = best > 0 ? best : 0;
        }
    }
}

static double weigh(const double weights[static PREDICTOR_WEIGHTS], const double *x,
                    const double *from)
{
    double sum = 0;

    for (int j = 0; j < PREDICTOR_WEIGHTS; j++)
        sum += weights[j] * (x[j] - (from != NULL ? from[j] : 0));
    return sum;
}

struct errors {
    int64_t count;
    double learned, formula; /* sums of squares */
};

/* On the runs of one model, by what all the others say. */
static void try_without(const struct cloud *cloud, const struct gpu_model *without,
                        struct errors *errors)
{
    double weights[PREDICTOR_WEIGHTS];
    struct moments moments;

    sum_up(cloud, without, &moments);
    solve(&moments, weights);
    for (size_t i = 0; i < cloud->count; i++) {
        const struct point *p = &cloud->points[i];

        if (p->model != without || moments.count[p->series] == 0)
            continue;
        const double *mean = moments.mean_x[p->series];
        double y = p->y - moments.mean_y[p->series];
        double learned = y - weigh(weights, p->x, mean);
        double formula = y - (p->x[PREDICTOR_FORMULA] - mean[PREDICTOR_FORMULA]);
        errors->learned += learned * learned;
        errors->formula += formula * formula;
        errors->count++;
    }
}

static enum predictor_state judge(const struct cloud *cloud, const struct predictor_fit *fit)
{
    const struct gpu_model *reference = gpu_model(REFERENCE_NAME);
    bool has_reference = false;
    int64_t sum_milli = 0;

    assert(reference != NULL);
    for (size_t i = 0; i < cloud->model_count; i++)
        has_reference = has_reference || cloud->models[i] == reference;
    for (int j = 0; j < PREDICTOR_WEIGHTS; j++)
        sum_milli += fit->weights_milli[j];
    if (fit->models < PREDICTOR_MODELS_MIN || fit->runs < PREDICTOR_MODELS_MIN)
        return PREDICTOR_FEW;
    if (!has_reference)
        return PREDICTOR_NO_REFERENCE;
    if ((double)fit->error_ppm >= BETTER * (double)fit->formula_ppm)
        return PREDICTOR_NOT_BETTER;
    return sum_milli > STEEP_MILLI ? PREDICTOR_STEEP : PREDICTOR_USED;
}

struct predictor_fit predictor_learn(enum dlperf_task task, const struct predictor_sample *samples,
                                     size_t count)
{
    struct cloud cloud = { 0 };
    struct predictor_fit fit = { .state = PREDICTOR_FEW };
    double weights[PREDICTOR_WEIGHTS];
    struct errors errors = { 0 };
    struct moments moments;

    gather(task, samples, count, &cloud);
    for (size_t i = 0; i < cloud.model_count; i++)
        try_without(&cloud, cloud.models[i], &errors);
    sum_up(&cloud, NULL, &moments);
    solve(&moments, weights);
    for (int j = 0; j < PREDICTOR_WEIGHTS; j++)
        fit.weights_milli[j] = llround(weights[j] * MILLI);
    fit.runs = errors.count;
    fit.models = (int64_t)cloud.model_count;
    if (errors.count > 0) {
        fit.error_ppm = llround(sqrt(errors.learned / (double)errors.count) * PPM);
        fit.formula_ppm = llround(sqrt(errors.formula / (double)errors.count) * PPM);
    }
    fit.state = judge(&cloud, &fit);
    return fit;
}

int64_t predictor_factor_ppm(enum dlperf_task task, const struct predictor_fit *fit,
                             const struct dlperf_rates *rates)
{
    double x[PREDICTOR_WEIGHTS], weights[PREDICTOR_WEIGHTS];

    if (fit->state != PREDICTOR_USED)
        return PPM;
    features(task, rates, x);
    for (int j = 0; j < PREDICTOR_WEIGHTS; j++)
        weights[j] = (double)fit->weights_milli[j] / MILLI;
    double factor = exp(weigh(weights, x, NULL) - x[PREDICTOR_FORMULA]);
    factor = factor > FACTOR_MAX ? FACTOR_MAX : factor < 1 / FACTOR_MAX ? 1 / FACTOR_MAX : factor;
    return llround(factor * PPM);
}

const char *predictor_state_name(enum predictor_state state)
{
    static const char *const names[PREDICTOR_STATES] = {
        [PREDICTOR_FEW] = "few runs",
        [PREDICTOR_NO_REFERENCE] = "no run on a V100",
        [PREDICTOR_NOT_BETTER] = "not better",
        [PREDICTOR_STEEP] = "too steep",
        [PREDICTOR_OFF] = "off",
        [PREDICTOR_USED] = "used",
    };

    assert(state < PREDICTOR_STATES);
    return names[state];
}
