/* SPDX-License-Identifier: Apache-2.0 */
/* Contracts, their meters, their time and their GPUs: I-6, I-7, I-9 to I-11, and "state". Inside
 * src/flow/check*.c only. */

#ifndef BERTH_FLOW_CHECK_CONTRACTS_H
#define BERTH_FLOW_CHECK_CONTRACTS_H

#include "flow/check_run.h"

NODISCARD bool check_contracts(struct check_run *run, struct error *err);
NODISCARD bool check_gpus(struct check_run *run, struct error *err);

#endif
