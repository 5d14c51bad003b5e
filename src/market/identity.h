/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a GPU can be the model whose name it goes by.
 *
 * Nothing that it says of itself counts, only what was measured: how fast it computes, with tensor
 * cores too, how fast its memory is, and how much of that it has proved to have. Each of these is,
 * on an honest one, its maker's figure times a known fraction, give or take a known deviation (in
 * logarithms). Counted in deviations, models are points; a suspect is who lies nearer to another
 * model than to its own, and more than IDENTITY_SIGMAS from its own on the way there. A GPU that is
 * slower for want of power or cooling keeps its memory, and so stays near its own name.
 *
 * A name that is not in our table cannot be checked. */

#ifndef BERTH_MARKET_IDENTITY_H
#define BERTH_MARKET_IDENTITY_H

#include "market/dlperf.h"
#include "market/gpu.h"

enum identity_axis {
    IDENTITY_F32,
    IDENTITY_F16,
    IDENTITY_BANDWIDTH,
    IDENTITY_MEMORY,
    IDENTITY_AXES,
};

#define IDENTITY_SIGMAS 3.0

/* GFLOP/s, GFLOP/s by tensor cores, MB/s, MB. 0: not measured. */
struct identity {
    double of[IDENTITY_AXES];
};

/* What was measured of a machine, of its slowest GPU, and what that has proved to have. */
struct identity identity_measured(const struct dlperf_rates *rates, int64_t memory_mb);

/* What is expected of a model; and the deviation of each, in natural logarithms. */
struct identity identity_of_model(const struct gpu_model *model);
double identity_deviation(enum identity_axis axis);

/* How many deviations lie between two models, along the axes that were measured. */
double identity_distance(const struct gpu_model *a, const struct gpu_model *b,
                         const struct identity *measured);

/* The model that it rather is; NULL: it may well be what it is called. */
const struct gpu_model *identity_suspect(const struct gpu_model *claimed,
                                         const struct identity *measured);

/* The most that a link of a model can carry, MB/s; what carries a third more is another's. 0: not
 * known. */
int64_t identity_link_mbs_max(const struct gpu_model *model);

#endif
