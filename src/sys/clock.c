/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/clock.h"

#include <assert.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec time;
    int result = clock_gettime(id, &time);

    assert(result == 0);
    return time.tv_sec * US_PER_SECOND + time.tv_nsec / 1000;
}

static struct instant system_now(const struct clock *clock)
{
    (void)clock;
    return (struct instant){ read_us(CLOCK_REALTIME) };
}

static int64_t system_boot_us(const struct clock *clock)
{
    (void)clock;
    return read_us(CLOCK_BOOTTIME);
}

const struct clock clock_system = { .now = system_now, .boot_us = system_boot_us };

static struct instant held_now(const struct clock *clock)
{
    return clock->held_now;
}

static int64_t held_boot_us(const struct clock *clock)
{
    return clock->held_boot_us;
}

struct clock clock_held(struct instant now)
{
    return (struct clock){ .now = held_now, .boot_us = held_boot_us, .held_now = now };
}

void clock_advance(struct clock *clock, int64_t duration_us)
{
    assert(clock->now == held_now && duration_us >= 0);
    clock->held_now = instant_add(clock->held_now, duration_us);
    clock->held_boot_us += duration_us;
}
