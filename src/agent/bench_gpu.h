/* SPDX-License-Identifier: Apache-2.0 */
/* How fast one device is: each rate after a warm-up, as the median of five runs; and how warm that
 * made it, what it drew, and what kept its clocks down. */

#ifndef BERTH_AGENT_BENCH_GPU_H
#define BERTH_AGENT_BENCH_GPU_H

#include "agent/device.h"
#include "proto/bench.h"

struct bench_gpu_options {
    const struct device_about *about;
    size_t copy_max; /* of the buffers that are copied, bytes */
    size_t items;    /* that work at once, whole groups of 256; 0: enough for any GPU */
    int64_t run_us;  /* how long one run takes at least; 0: until clocks are settled */
};

/* Fills in all but peer_mbs; `ret->uuid` says which one of NVML's it is, and may be "". What could
 * not be measured is 0, and what the driver does not tell is -1. */
void bench_gpu(struct device *device, const struct bench_gpu_options *options,
               struct bench_gpu *ret);

/* MB/s from one device to the other; 0: there is no way, or it failed. */
int64_t bench_gpu_peer(struct device *from, struct device *to);

#endif
