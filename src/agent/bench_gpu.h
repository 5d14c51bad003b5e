/* SPDX-License-Identifier: Apache-2.0 */
/* How fast one OpenCL device is: each rate after a warm-up, as the median of five runs. */

#ifndef BERTH_AGENT_BENCH_GPU_H
#define BERTH_AGENT_BENCH_GPU_H

#include "agent/opencl.h"
#include "proto/bench.h"

/* All but the uuid. `copy_max` bounds the buffers that are copied, bytes. What could not be
 * measured is 0. Matrices by tensor cores are not: OpenCL has no word for them. */
void bench_gpu(struct opencl_device_open *open, const struct opencl_device *device, size_t copy_max,
               struct bench_gpu *ret);

#endif
