/* SPDX-License-Identifier: Apache-2.0 */
#include "market/disk_watch.h"

#include <assert.h>
#include <stdbool.h>

enum { MB_PER_GB = 1024 };

/* In 128 bits: the product of three numbers below 2^63, 2^11 and 2^8 fits. */
static bool is_above(const struct disk_watch_facts *facts, int64_t percent)
{
    return facts->used_mb > (__int128)facts->disk_gb * MB_PER_GB * percent / 100;
}

enum disk_watch_ruling disk_watch(const struct disk_watch_facts *facts, struct instant *warned)
{
    assert(facts->disk_gb > 0);
    if (facts->used_mb < 0)
        return DISK_WATCH_FINE;
    if (!is_above(facts, DISK_WATCH_CALM_PERCENT))
        warned->microseconds = 0;
    if (!is_above(facts, DISK_WATCH_WARN_PERCENT))
        return DISK_WATCH_FINE;
    if (warned->microseconds == 0) {
        *warned = facts->now;
        return DISK_WATCH_WARN;
    }
    bool has_had_time = instant_until(facts->running_since, facts->now) >= DISK_WATCH_GRACE_US &&
                        (instant_until(*warned, facts->now) >= DISK_WATCH_GRACE_US ||
                         is_above(facts, DISK_WATCH_RUNAWAY_PERCENT));
    return has_had_time && is_above(facts, 100) ? DISK_WATCH_STOP : DISK_WATCH_FINE;
}
