/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/clock_steady.h"

static struct instant steady_now(const struct clock *clock)
{
    const struct clock_steady *steady = (const struct clock_steady *)clock;

    return (struct instant){ clock_boot_us(steady->source) + atomic_load(&steady->offset_us) };
}

static int64_t steady_boot_us(const struct clock *clock)
{
    return clock_boot_us(((const struct clock_steady *)clock)->source);
}

void clock_steady_open(struct clock_steady *steady, const struct clock *source)
{
    int64_t boot_us = clock_boot_us(source);

    *steady = (struct clock_steady){ .clock = { .now = steady_now, .boot_us = steady_boot_us },
                                     .source = source,
                                     .looked_us = boot_us };
    atomic_init(&steady->offset_us, clock_now(source).microseconds - boot_us);
}

static int64_t limit(int64_t value, int64_t most)
{
    return value > most ? most : value < -most ? -most : value;
}

enum clock_news clock_steady_look(struct clock_steady *steady, int64_t *ret_apart_us)
{
    int64_t boot_us = clock_boot_us(steady->source);
    int64_t offset_us = atomic_load(&steady->offset_us);
    int64_t apart_us = clock_now(steady->source).microseconds - (boot_us + offset_us);
    bool was_apart = steady->is_apart;

    steady->is_apart = apart_us > CLOCK_APART_US || apart_us < -CLOCK_APART_US;
    if (!steady->is_apart) {
        int64_t slew_us = limit(apart_us, (boot_us - steady->looked_us) / CLOCK_SLEW_PART);
        atomic_store(&steady->offset_us, offset_us + slew_us);
    }
    steady->looked_us = boot_us;
    *ret_apart_us = apart_us;
    if (was_apart == steady->is_apart)
        return CLOCK_NO_NEWS;
    return steady->is_apart ? CLOCK_WAS_SET : CLOCK_AGREES_AGAIN;
}
