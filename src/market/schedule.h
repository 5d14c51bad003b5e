/* SPDX-License-Identifier: Apache-2.0 */
/* When a scheduled job runs next (api.md 3.4): at whole hours of UTC, on a day of the week and at
 * an hour of the day, or on any. */

#ifndef BERTH_MARKET_SCHEDULE_H
#define BERTH_MARKET_SCHEDULE_H

#include "base/instant.h"

enum { SCHEDULE_ANY = -1 };

struct schedule {
    int64_t day;  /* 0 to 6, 0 is Sunday; or SCHEDULE_ANY */
    int64_t hour; /* 0 to 23; or SCHEDULE_ANY */
    struct instant start, end;
};

bool schedule_is_valid(const struct schedule *schedule);

/* The first whole hour behind `after`, from `start` on, that fits; INSTANT_NEVER where that is not
 * before `end`. */
struct instant schedule_next(const struct schedule *schedule, struct instant after);

#endif
