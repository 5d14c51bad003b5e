/* SPDX-License-Identifier: Apache-2.0 */
/* The clock, passed to whoever needs one: the system's in programs, a held one in tests.
 *
 * now() is wall time and is the time of the books on the server. boot_us() is
 * CLOCK_BOOTTIME: it only grows and counts sleep; hosts measure durations with it. */

#ifndef BERTH_SYS_CLOCK_H
#define BERTH_SYS_CLOCK_H

#include <stdint.h>

#include "base/instant.h"

struct clock {
    struct instant (*now)(const struct clock *clock);
    int64_t (*boot_us)(const struct clock *clock);
    struct instant held_now; /* of a held clock */
    int64_t held_boot_us;
};

extern const struct clock clock_system;

/* A clock that stands until clock_advance() moves it. */
struct clock clock_held(struct instant now);
void clock_advance(struct clock *clock, int64_t duration_us);

static inline struct instant clock_now(const struct clock *clock)
{
    return clock->now(clock);
}

static inline int64_t clock_boot_us(const struct clock *clock)
{
    return clock->boot_us(clock);
}

#endif
