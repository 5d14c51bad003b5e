/* SPDX-License-Identifier: Apache-2.0 */
/* Looks after the server's clock: time in the books passes as it passes, and whoever sets the wall
 * clock is told that the books do not follow. */

#ifndef BERTH_SERVER_TIMEKEEPER_H
#define BERTH_SERVER_TIMEKEEPER_H

#include "flow/flow.h"
#include "sys/clock.h"
#include "sys/log.h"

struct timekeeper;

/* A thread that compares the clocks every second. `log` is copied, `source` borrowed. */
NODISCARD bool timekeeper_open(const struct clock *source, const struct log *log,
                               struct timekeeper **ret, struct error *err);
void timekeeper_close(struct timekeeper **timekeeper);

const struct clock *timekeeper_clock(const struct timekeeper *timekeeper);

/* By how much the wall clock is ahead of the books, in microseconds, as of the last look. */
int64_t timekeeper_apart_us(const struct timekeeper *timekeeper);

/* ERROR_CONFLICT, and what to do, where the clock is before the last sign of life in the database
 * by more than CLOCK_APART_US, or after it by more than TIMEKEEPER_ABSENCE_DAYS. */
enum { TIMEKEEPER_ABSENCE_DAYS = 7 };
NODISCARD bool timekeeper_check(const struct flow *flow, struct error *err);

#endif
