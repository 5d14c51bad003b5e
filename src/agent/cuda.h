/* SPDX-License-Identifier: Apache-2.0 */
/* NVIDIA's GPUs as devices (agent/device.h), by CUDA's driver, with kernels that were made into PTX
 * when Berth was built (agent/ptx.h). */

#ifndef BERTH_AGENT_CUDA_H
#define BERTH_AGENT_CUDA_H

#include "agent/device.h"

struct cuda;
#define auto_cuda __attribute__((cleanup(cuda_close)))

/* ERROR_UNAVAILABLE: there is no driver or no device, or Berth was built without kernels for it. */
struct cuda *cuda_open(struct error *err);
void cuda_close(struct cuda **cuda);

/* Those that there are kernels for. */
size_t cuda_devices(struct cuda *cuda, struct device_about ret[static DEVICES_MAX]);

/* NULL: it cannot be used, or does not take the kernels. */
struct device *cuda_device_open(struct cuda *cuda, const struct device_about *about,
                                struct error *err);

#endif
