/* SPDX-License-Identifier: Apache-2.0 */
/* An engine for proofs of memory (sys/proof_memory.h) on a device. */

#ifndef BERTH_AGENT_DEVICE_MEMORY_H
#define BERTH_AGENT_DEVICE_MEMORY_H

#include "agent/device.h"
#include "sys/proof_memory.h"

struct device_memory;
#define auto_device_memory __attribute__((cleanup(device_memory_close)))

/* Takes the memory of the device, which is borrowed. NULL: it has not so much. */
struct device_memory *device_memory_open(struct device *device, const struct memory_terms *terms,
                                         struct error *err);
void device_memory_close(struct device_memory **memory);

struct memory_engine device_memory_engine(struct device_memory *memory);

#endif
