/* SPDX-License-Identifier: Apache-2.0 */
/* Devices (agent/device.h) by whatever OpenCL there is, for which the kernels are built where they
 * run. */

#ifndef BERTH_AGENT_OPENCL_H
#define BERTH_AGENT_OPENCL_H

#include "agent/device.h"

struct opencl;

/* ERROR_UNAVAILABLE: there is none. */
struct opencl *opencl_open(struct error *err);
void opencl_close(struct opencl **opencl);

/* Returns how many, processors too. */
size_t opencl_devices(struct opencl *opencl, struct device_about ret[static DEVICES_MAX]);

/* NULL: it cannot be used, or does not take the kernels. */
struct device *opencl_device_open(struct opencl *opencl, const struct device_about *about,
                                  struct error *err);

#endif
