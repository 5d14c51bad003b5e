/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks' speeds learned from runs (market/run_list.h), beside the formula (market/dlperf.h).
 *
 * What is learned of a task is how the logarithm of its speed goes with that of what the formula
 * says and of each rate: a sum with weights, none of them negative, so that no rate ever slows a
 * task down; drawn to the formula (1 for that, 0 for rates) the more the fewer runs there are
 * (ridge). Each series of runs has its own scale. How well it does is seen on models that it was
 * not fitted on, one left out after the other; it is used only where it then errs less than the
 * formula by a tenth at least, is seen on enough models, among them the V100 that speeds are
 * relative to, and does not make twice the rates more than twice the speed. So a V100 always has a
 * speed of 1, and where nothing is learned the formula holds. The same runs give the same weights,
 * bit for bit. */

#ifndef BERTH_MARKET_PREDICTOR_H
#define BERTH_MARKET_PREDICTOR_H

#include "market/run_list.h"

enum {
    PREDICTOR_FORMULA, /* the first weight: of what the formula says; then those of rates */
    PREDICTOR_WEIGHTS = 1 + DLPERF_RATES,
    PREDICTOR_MODELS_MIN = 8,
    PREDICTOR_MODELS_MAX = 128,
};

/* Whether it is used, or why not. Stored in predictor.state. */
enum predictor_state {
    PREDICTOR_FEW,          /* runs on too few models, or on none left out that can be told */
    PREDICTOR_NO_REFERENCE, /* none on a V100 */
    PREDICTOR_NOT_BETTER,
    PREDICTOR_STEEP,
    PREDICTOR_OFF, /* it would be, but the operator wants the formula (--predictor off) */
    PREDICTOR_USED,
    PREDICTOR_STATES,
};
const char *predictor_state_name(enum predictor_state state); /* "few runs" */

struct predictor_fit {
    enum predictor_state state;
    int64_t runs, models;           /* that it errs by less or more on */
    int64_t error_ppm, formula_ppm; /* root of the mean square of logarithms, millionths */
    int64_t weights_milli[PREDICTOR_WEIGHTS];
};

/* A run, with the rates of such a GPU, complete. */
struct predictor_sample {
    struct run run;
    struct dlperf_rates rates;
};

/* Of one task; what is of others is passed over. */
struct predictor_fit predictor_learn(enum dlperf_task task, const struct predictor_sample *samples,
                                     size_t count);

/* How much faster a task is than by the formula, millionths: 1,000,000 where it is not used, and
 * never beyond half and twice. Rates are complete. */
int64_t predictor_factor_ppm(enum dlperf_task task, const struct predictor_fit *fit,
                             const struct dlperf_rates *rates);

#endif
