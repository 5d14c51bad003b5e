/* SPDX-License-Identifier: Apache-2.0 */
#include "market/image_start.h"

enum { MS_PER_SECOND = 1000 };

int64_t image_start_ms(const struct image_start_facts *facts)
{
    if (facts->start_ms < 0 ||
        (!facts->is_cached && (facts->pull_bytes < 0 || facts->pull_rate < 1)))
        return -1;
    /* In 128 bits: the product of two numbers below 2^63 always fits. */
    __int128 pull_ms =
        facts->is_cached ? 0 : (__int128)facts->pull_bytes * MS_PER_SECOND / facts->pull_rate;
    __int128 total_ms = pull_ms + facts->start_ms;
    return total_ms <= INT64_MAX ? (int64_t)total_ms : -1;
}

int64_t image_start_mean(int64_t mean, int64_t newest)
{
    return mean < 0 ? newest : mean - mean / 4 + newest / 4;
}
