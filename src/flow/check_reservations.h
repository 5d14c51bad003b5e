/* SPDX-License-Identifier: Apache-2.0 */
/* Deposits of reserved rentals, to the nanodollar (I-22): inside src/flow/, for flow/check.c. */

#ifndef BERTH_FLOW_CHECK_RESERVATIONS_H
#define BERTH_FLOW_CHECK_RESERVATIONS_H

#include "flow/check_run.h"

NODISCARD bool check_reservations(struct check_run *run, struct error *err);

#endif
