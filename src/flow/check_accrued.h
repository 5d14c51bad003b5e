/* SPDX-License-Identifier: Apache-2.0 */
/* What renters run up by the clock, as it is kept, beside all of it summed up anew: I-21. Inside
 * src/flow/check*.c only. */

#ifndef BERTH_FLOW_CHECK_ACCRUED_H
#define BERTH_FLOW_CHECK_ACCRUED_H

#include "flow/check_run.h"

NODISCARD bool check_accrued(struct check_run *run, struct error *err);

#endif
