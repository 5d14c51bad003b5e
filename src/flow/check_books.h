/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts and journals: I-1 to I-5, I-8, I-15, I-19 and I-20. Inside src/flow/check*.c only. */

#ifndef BERTH_FLOW_CHECK_BOOKS_H
#define BERTH_FLOW_CHECK_BOOKS_H

#include "flow/check_run.h"

NODISCARD bool check_books(struct check_run *run, struct error *err);

#endif
