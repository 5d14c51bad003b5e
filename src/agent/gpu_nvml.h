/* SPDX-License-Identifier: Apache-2.0 */
/* NVIDIA's GPUs, as their driver's library tells (libnvidia-ml.so.1, NVML).
 *
 * The library is opened at run time, so that one program serves hosts with and without it. It may
 * hang where a GPU is broken, and it is large: it belongs in a worker (agent/probe.h). */

#ifndef BERTH_AGENT_GPU_NVML_H
#define BERTH_AGENT_GPU_NVML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "market/gpu_gauge.h"
#include "market/machine.h"

/* Fill gpus, gpu_count, driver_version and cuda_version. A host without the library or without a
 * GPU has none, which is a success. ERROR_IO: the driver is there and does not work. */
NODISCARD bool gpu_nvml_probe(struct machine_facts *facts, struct error *err);

/* How all of them are now: at most GPUS_MAX. No driver is none. */
NODISCARD bool gpu_nvml_gauge(struct gpu_gauge *gpus, size_t *ret_count, struct error *err);

#endif
