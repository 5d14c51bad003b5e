/* SPDX-License-Identifier: Apache-2.0 */
/* Learning how fast tasks are from runs, and telling machines what was learned
 * (market/predictor.h). */

#ifndef BERTH_FLOW_PREDICTOR_H
#define BERTH_FLOW_PREDICTOR_H

#include "flow/flow.h"
#include "store/machine.h"
#include "store/predictor.h"

#define PREDICTOR_PERIOD_US US_PER_HOUR /* it is fitted anew so often */
enum { PREDICTOR_BATCH_MAX = 50, PREDICTOR_MEASURED_MAX = 4096 };

/* Fits it where it is time to: rates of a model are the medians of what was measured of it on three
 * hosts or more, and else its maker's. Then works out machines, so many at a time, whose DLPerf is
 * another by what is used since. */
NODISCARD bool flow_predictor(const struct flow *flow, size_t *ret_count, struct error *err);

/* For everybody to see. */
NODISCARD bool flow_predictor_show(const struct flow *flow, struct predictor_row *ret,
                                   struct error *err);

/* Within a transaction of another flow: what was learned of tasks on GPUs with these rates. */
void predictor_apply(const struct predictor_row *predictor, int64_t compute_cap,
                     struct machine_bench *bench);

#endif
