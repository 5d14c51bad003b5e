/* SPDX-License-Identifier: Apache-2.0 */
/* A watch over disks without a limit of their own. Where a host's storage holds an instance to its
 * size, writing fails there and no more happens; everywhere else its renter is warned when little
 * is left, and it is stopped when it has taken more than it rented. Its files stay, whatever
 * happens: they can be copied away while it is stopped. */

#ifndef BERTH_MARKET_DISK_WATCH_H
#define BERTH_MARKET_DISK_WATCH_H

#include <stdint.h>

#include "base/instant.h"

enum {
    DISK_WATCH_WARN_PERCENT = 90,
    DISK_WATCH_CALM_PERCENT = 80, /* below it, the next warning is a new one */
    DISK_WATCH_RUNAWAY_PERCENT = 150,
};

/* From the warning, and from its start, until it is stopped: time to delete something. */
#define DISK_WATCH_GRACE_US (INT64_C(120) * US_PER_SECOND)

enum disk_watch_ruling {
    DISK_WATCH_FINE,
    DISK_WATCH_WARN, /* and nothing more: a warning comes before a stop */
    DISK_WATCH_STOP,
};

struct disk_watch_facts {
    int64_t used_mb; /* -1: unknown, which is fine */
    int64_t disk_gb; /* rented; of 1024 MB */
    struct instant running_since, now;
};

/* `warned` is kept with the instance: when it was warned, 0 while nothing is the matter. */
enum disk_watch_ruling disk_watch(const struct disk_watch_facts *facts, struct instant *warned);

#endif
