/* SPDX-License-Identifier: Apache-2.0 */
/* What was learned of tasks (market/predictor.h), and what it makes of machines. */

#ifndef BERTH_STORE_PREDICTOR_H
#define BERTH_STORE_PREDICTOR_H

#include "base/arena.h"
#include "market/predictor.h"
#include "store/db.h"

/* Of all tasks. A task that is not stored has runs of 0, and the formula. */
struct predictor_row {
    struct predictor_fit fits[DLPERF_TASKS];
    int64_t revision;
    struct instant fitted; /* 0: never */
};
NODISCARD bool predictor_load(struct db *db, struct predictor_row *ret, struct error *err);
NODISCARD bool predictor_store(struct db *db, const struct predictor_row *row, struct error *err);

/* Text of machine.bench_learned: what is neither 0 nor a million is written. What it does not name,
 * or nobody knows, is 0. */
enum { LEARNED_TEXT_SIZE = 512 };
char *learned_text(const int32_t ppm[static DLPERF_TASKS], char text[static LEARNED_TEXT_SIZE]);
void learned_read(const char *text, int32_t ret_ppm[static DLPERF_TASKS]);

/* What was measured lately of the newest machine of each host with each model: ordered by model. */
struct measured_row {
    const char *model;
    struct dlperf_rates rates;
};
NODISCARD bool predictor_measured(struct db *db, struct instant since, size_t max,
                                  struct arena *arena, struct measured_row **ret, size_t *ret_count,
                                  struct error *err);

/* Machines that were measured, and were worked out with another revision. */
NODISCARD bool predictor_stale(struct db *db, int64_t revision, int64_t *ret_ids, size_t max,
                               size_t *ret_count, struct error *err);

#endif
