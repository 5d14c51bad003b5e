/* SPDX-License-Identifier: Apache-2.0 */
/* Money that comes in and credit that runs out: I-12, I-13 and I-16. After check_books(), whose
 * sums it uses. Inside src/flow/check*.c only. */

#ifndef BERTH_FLOW_CHECK_MONEY_H
#define BERTH_FLOW_CHECK_MONEY_H

#include "flow/check_run.h"

NODISCARD bool check_money(struct check_run *run, struct error *err);

#endif
