/* SPDX-License-Identifier: Apache-2.0 */
#include "market/schedule.h"

#include <assert.h>

#define HOUR_US (3600 * US_PER_SECOND)

enum { HOURS_A_DAY = 24, DAYS_A_WEEK = 7, EPOCH_DAY = 4 }; /* 1 January 1970 was a Thursday */

bool schedule_is_valid(const struct schedule *schedule)
{
    return schedule->day >= SCHEDULE_ANY && schedule->day < DAYS_A_WEEK &&
           schedule->hour >= SCHEDULE_ANY && schedule->hour < HOURS_A_DAY &&
           schedule->start.microseconds >= 0 && instant_compare(schedule->start, schedule->end) < 0;
}

static bool fits(const struct schedule *schedule, int64_t hours)
{
    int64_t day = (hours / HOURS_A_DAY + EPOCH_DAY) % DAYS_A_WEEK;

    return (schedule->day == SCHEDULE_ANY || schedule->day == day) &&
           (schedule->hour == SCHEDULE_ANY || schedule->hour == hours % HOURS_A_DAY);
}

struct instant schedule_next(const struct schedule *schedule, struct instant after)
{
    assert(schedule_is_valid(schedule));
    /* Not before the start, and behind `after`: the start itself counts. */
    int64_t least = schedule->start.microseconds;
    if (after.microseconds >= least)
        least = after.microseconds == INT64_MAX ? INT64_MAX : after.microseconds + 1;
    if (least >= schedule->end.microseconds)
        return INSTANT_NEVER;
    int64_t hours = least / HOUR_US + (least % HOUR_US > 0);
    /* Every day and hour comes within a week. */
    for (int i = 0; i < HOURS_A_DAY * DAYS_A_WEEK && !fits(schedule, hours); i++)
        hours++;
    if (hours > schedule->end.microseconds / HOUR_US ||
        hours * HOUR_US >= schedule->end.microseconds)
        return INSTANT_NEVER;
    return (struct instant){ hours * HOUR_US };
}
