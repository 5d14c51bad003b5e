/* SPDX-License-Identifier: Apache-2.0 */
/* Runs: how much of a task one GPU of a model did, a second, as somebody measured it. Lines of
 * text, data/runs.csv and what an operator adds to it:
 *
 *     task,series,gpu_name,per_second
 *
 * A series is one set of measurements, made alike: only what is of one can be compared. */

#ifndef BERTH_MARKET_RUN_LIST_H
#define BERTH_MARKET_RUN_LIST_H

#include "base/error.h"
#include "market/dlperf.h"
#include "market/gpu.h"

enum { RUN_LIST_MAX = 1024, RUN_SERIES_MAX = 64, RUN_SERIES_SIZE = 48 };

struct run {
    enum dlperf_task task;
    int series; /* of the list's */
    const struct gpu_model *model;
    double per_second; /* above 0 */
};

struct run_list {
    size_t count, series_count;
    struct run runs[RUN_LIST_MAX];
    struct {
        char name[RUN_SERIES_SIZE];
        enum dlperf_task task;
    } series[RUN_SERIES_MAX];
};

/* The runs of data/runs.csv, which are part of the program. */
extern const char run_list_known[];

/* Adds lines to a list, below a heading as above. A task or a model that nobody knows, a series of
 * two tasks, the same run twice, and what is no number or no line, are errors, and the list is as
 * before. */
NODISCARD bool run_list_add(struct run_list *list, const char *text, struct error *err);

#endif
