/* SPDX-License-Identifier: Apache-2.0 */
#include "market/gpu_gauge.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

const char *gpu_brake_name(enum gpu_brake brake)
{
    static const char *const names[GPU_BRAKES] = {
        [GPU_BRAKE_POWER] = "power",     [GPU_BRAKE_HEAT] = "heat",
        [GPU_BRAKE_SUPPLY] = "supply",   [GPU_BRAKE_HARDWARE] = "hardware",
        [GPU_BRAKE_SETTING] = "setting", [GPU_BRAKE_OTHERS] = "others",
    };

    assert(brake < GPU_BRAKES);
    return names[brake];
}

struct gpu_gauge gpu_gauge_unknown(const char *uuid)
{
    struct gpu_gauge gauge = { .permille = -1,
                               .memory_used_mb = -1,
                               .temperature_c = -1,
                               .power_w = -1,
                               .core_mhz = -1,
                               .memory_mhz = -1,
                               .brakes = -1 };

    (void)snprintf(gauge.uuid, sizeof gauge.uuid, "%s", uuid);
    return gauge;
}

/* To become known, or unknown, is news as well. */
static bool has_moved(int64_t before, int64_t now, int64_t step)
{
    return (before < 0) != (now < 0) || before - now >= step || now - before >= step;
}

bool gpu_gauge_is_news(const struct gpu_gauge *before, const struct gpu_gauge *now)
{
    return strcmp(before->uuid, now->uuid) != 0 || before->brakes != now->brakes ||
           has_moved(before->permille, now->permille, 100) ||
           has_moved(before->memory_used_mb, now->memory_used_mb, 512) ||
           has_moved(before->temperature_c, now->temperature_c, 3) ||
           has_moved(before->power_w, now->power_w, 20) ||
           has_moved(before->core_mhz, now->core_mhz, 150) ||
           has_moved(before->memory_mhz, now->memory_mhz, 150);
}
