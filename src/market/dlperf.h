/* SPDX-License-Identifier: Apache-2.0 */
/* DLPerf: how fast a GPU is at deep learning, as one number of which twice as much is twice as
 * fast; a Tesla V100 has 21.
 *
 * What is measured of a GPU are five rates. Each task spends its time, on a V100, in fixed parts on
 * what these rates say; so a rate of twice the V100's halves its part. How many times as fast as a
 * V100 a task then is, goes into the score as a weighted geometric mean over the tasks of a
 * profile. Tasks, parts, weights and profiles are rows of data/dlperf.json; profile 0 is the one
 * that offers are listed by, and each task is a profile of its own. */

#ifndef BERTH_MARKET_DLPERF_H
#define BERTH_MARKET_DLPERF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"
#include "market/gpu.h"

enum dlperf_rate {
    DLPERF_TF32, /* matrices of fp32 with whatever the GPU has for that */
    DLPERF_F32,
    DLPERF_F16, /* matrices of fp16, summed in fp32 */
    DLPERF_BF16,
    DLPERF_BANDWIDTH,
    DLPERF_RATES,
};

/* Of one GPU, sustained: GFLOP/s, and MB/s. Above 0 if it was measured. */
struct dlperf_rates {
    int64_t of[DLPERF_RATES];
};

enum dlperf_task {
#define DLPERF_TASK(id, ...) DLPERF_TASK_##id,
#include "market/dlperf_tables.inc"
#undef DLPERF_TASK
    DLPERF_TASKS,
};

enum dlperf_profile {
#define DLPERF_PROFILE(id, ...) DLPERF_##id,
#include "market/dlperf_tables.inc"
#undef DLPERF_PROFILE
    DLPERF_PROFILES,
};

enum dlperf_precision { DLPERF_ANY, DLPERF_ONLY_FP32, DLPERF_ONLY_FP16 };

#define DLPERF_STALE_US (30 * 24 * US_PER_HOUR) /* what was measured longer ago is stale */

/* Rates of which some were not measured are filled up from those that were: TF32 from F32, F16 from
 * F32, BF16 from F16 where the GPU has it (compute capability 8.0) and else from F32. False: F32 or
 * bandwidth are missing, or a rate is impossible. */
bool dlperf_complete(struct dlperf_rates *rates, int64_t compute_cap);

/* What its maker and others say of a model: no measurement of a machine. */
struct dlperf_rates dlperf_of_model(const struct gpu_model *model);

/* How many times as fast as a V100. Rates are complete. */
double dlperf_task_speed(enum dlperf_task task, const struct dlperf_rates *rates);

/* 21 for a V100. Rates are complete. Where something was learned of a task (market/predictor.h),
 * its speed is so many millionths of the formula's; 0, or NULL for all: the formula holds. */
double dlperf_score(enum dlperf_profile profile, const struct dlperf_rates *rates);
double dlperf_score_learned(enum dlperf_profile profile, const struct dlperf_rates *rates,
                            const int32_t *learned_ppm);

/* What a machine loses with each further GPU of a job, as a part of one GPU's time: `score` is one
 * GPU's, the links are measured, MB/s, 0 for none. Without any nothing is known, and nothing lost.
 * So `count` of them are worth count / (1 + loss * (count - 1)) of one. */
double dlperf_link_loss(double score, int64_t pcie_mbs, int64_t nvlink_mbs);
double dlperf_efficiency(double loss, int64_t count);

/* What too few hardware threads leave of the speed: 0 to 1. */
double dlperf_cpu_factor(int64_t cpu_cores, int64_t gpu_count);

/* The score as it is kept, in thousandths, of a GPU in a machine of that many threads and GPUs; and
 * dlperf_link_loss() of that, in millionths. */
int32_t dlperf_milli(enum dlperf_profile profile, const struct dlperf_rates *rates,
                     const int32_t *learned_ppm, int64_t cpu_cores, int64_t gpu_count);
int64_t dlperf_link_loss_ppm(int32_t score_milli, int64_t pcie_mbs, int64_t nvlink_mbs);

/* For showing how a score comes about. */
enum { DLPERF_PARTS = DLPERF_RATES + 1 }; /* the last is time that no GPU shortens */
const char *dlperf_rate_name(enum dlperf_rate rate);
const char *dlperf_task_name(enum dlperf_task task);
const char *dlperf_task_title(enum dlperf_task task);
const double *dlperf_task_parts(enum dlperf_task task); /* DLPERF_PARTS of them */
double dlperf_weight(enum dlperf_profile profile, enum dlperf_task task);
const char *dlperf_profile_name(enum dlperf_profile profile);
const char *dlperf_profile_title(enum dlperf_profile profile);
struct dlperf_rates dlperf_reference(void);

/* False: there is none of that name. */
bool dlperf_profile_find(const char *name, enum dlperf_profile *ret);

/* What images of that name are used for; DLPERF_DEFAULT where nobody knows. */
enum dlperf_profile dlperf_profile_of_image(const char *image);

/* Where all work is of one precision, that decides, whatever the work is. */
enum dlperf_profile dlperf_profile_of_precision(enum dlperf_profile profile,
                                                enum dlperf_precision precision);

#endif
