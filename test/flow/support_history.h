/* SPDX-License-Identifier: Apache-2.0 */
/* A machine's event log, and what it comes to. */

#ifndef BERTH_TEST_FLOW_SUPPORT_HISTORY_H
#define BERTH_TEST_FLOW_SUPPORT_HISTORY_H

#include "flow/history.h"
#include "support.h"

/* It is in the world's arena. */
struct history history_of(struct world *world, int64_t machine_id);

/* The chance of a day without an interruption, as whoever reads the log would work it out; and as
 * the machine's stored sums have it. */
double history_worked_out(const struct history *history);
double history_stored(const struct history *history);

#endif
