/* SPDX-License-Identifier: Apache-2.0 */
#include "market/traffic.h"

#include <assert.h>

#include "base/instant.h"
#include "market/meter.h"

struct traffic_step traffic_read(struct traffic_counter last, struct traffic_counter reading,
                                 int64_t cap)
{
    assert(cap >= 0);
    assert(last.epoch >= 0 && last.bytes >= 0 && reading.epoch >= 0 && reading.bytes >= 0);

    bool is_same = reading.epoch == last.epoch;
    if (reading.epoch < last.epoch || (is_same && reading.bytes < last.bytes))
        return (struct traffic_step){ .is_rewound = true, .next = last };

    int64_t bytes = is_same ? reading.bytes - last.bytes : reading.bytes;
    int64_t charged = bytes < cap ? bytes : cap;
    return (struct traffic_step){ .charged = charged, .over = bytes - charged, .next = reading };
}

int64_t traffic_cap(int64_t link_bytes_per_second, int64_t elapsed_us)
{
    assert(link_bytes_per_second >= 0 && elapsed_us >= 0);

    numerator link = link_bytes_per_second > 0 ? link_bytes_per_second : TRAFFIC_LINK_UNKNOWN;
    /* Below 2^63 times below 2^63 fits; five times that need not. Rounded down once. */
    numerator carried = link * elapsed_us, per = 4 * US_PER_SECOND;
    numerator cap = carried / per * 5 + carried % per * 5 / per;
    return cap < INT64_MAX ? (int64_t)cap : INT64_MAX;
}
