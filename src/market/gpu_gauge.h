/* SPDX-License-Identifier: Apache-2.0 */
/* How a GPU is at a moment, as its driver tells: how busy, how warm, how fast, and what slows it
 * down. For people to look at, and to judge a measurement by; nothing is charged by it. */

#ifndef BERTH_MARKET_GPU_GAUGE_H
#define BERTH_MARKET_GPU_GAUGE_H

#include <stdbool.h>
#include <stdint.h>

#include "market/machine.h"

/* Why its clocks are lower than they could be, one bit each. */
enum gpu_brake {
    GPU_BRAKE_POWER,    /* its own power limit */
    GPU_BRAKE_HEAT,     /* it is too warm */
    GPU_BRAKE_SUPPLY,   /* the power supply says so */
    GPU_BRAKE_HARDWARE, /* heat or power, and it does not say which */
    GPU_BRAKE_SETTING,  /* somebody set its clocks */
    GPU_BRAKE_OTHERS,   /* it keeps step with other GPUs */
    GPU_BRAKES,
};

enum { GPU_BRAKES_ALL = (1 << GPU_BRAKES) - 1 };

/* "power", "heat", ... */
const char *gpu_brake_name(enum gpu_brake brake);

#define GPU_CLOCK_MAX_MHZ INT64_C(100000)
#define GPU_POWER_MAX_W   INT64_C(100000)

struct gpu_gauge {
    char uuid[GPU_UUID_SIZE];
    int64_t permille;       /* of the last second or so that it worked */
    int64_t memory_used_mb; /* all of these: -1 unknown */
    int64_t temperature_c;
    int64_t power_w;              /* drawn now */
    int64_t core_mhz, memory_mhz; /* now */
    int64_t brakes;               /* bits of enum gpu_brake */
};

/* What nothing is known of but its name. */
struct gpu_gauge gpu_gauge_unknown(const char *uuid);

/* Whether it is so much different that people would want to see it. */
bool gpu_gauge_is_news(const struct gpu_gauge *before, const struct gpu_gauge *now);

#endif
