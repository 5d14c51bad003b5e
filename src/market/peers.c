/* SPDX-License-Identifier: Apache-2.0 */
#include "market/peers.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "market/identity.h"

static int compare(const void *a, const void *b)
{
    int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;

    return first < second ? -1 : first > second;
}

/* Of two in the middle the lower. */
static int64_t median(const struct dlperf_rates *peers, size_t count, int rate)
{
    int64_t known[PEERS_MAX];
    size_t known_count = 0;

    for (size_t i = 0; i < count; i++) {
        if (peers[i].of[rate] > 0)
            known[known_count++] = peers[i].of[rate];
    }
    if (known_count < PEERS_MIN)
        return 0;
    qsort(known, known_count, sizeof known[0], compare);
    return known[(known_count - 1) / 2];
}

struct dlperf_rates peers_usual(const struct dlperf_rates *peers, size_t count)
{
    struct dlperf_rates usual;

    assert(count <= PEERS_MAX);
    for (int rate = 0; rate < DLPERF_RATES; rate++)
        usual.of[rate] = median(peers, count, rate);
    return usual;
}

/* All that tensor cores do goes up and down together. */
static enum identity_axis axis_of(enum dlperf_rate rate)
{
    switch (rate) {
    case DLPERF_F32:
        return IDENTITY_F32;
    case DLPERF_BANDWIDTH:
        return IDENTITY_BANDWIDTH;
    case DLPERF_TF32:
    case DLPERF_F16:
    case DLPERF_BF16:
    case DLPERF_RATES:
        break;
    }
    return IDENTITY_F16;
}

unsigned peers_apart(const struct dlperf_rates *usual, const struct dlperf_rates *own)
{
    unsigned apart = 0;

    for (int rate = 0; rate < DLPERF_RATES; rate++) {
        if (usual->of[rate] <= 0 || own->of[rate] <= 0)
            continue;
        double way = fabs(log((double)own->of[rate] / (double)usual->of[rate]));
        if (way > IDENTITY_SIGMAS * identity_deviation(axis_of((enum dlperf_rate)rate)))
            apart |= 1u << rate;
    }
    return apart;
}
