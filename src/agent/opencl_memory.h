/* SPDX-License-Identifier: Apache-2.0 */
/* An engine for proofs of memory (sys/proof_memory.h) on an OpenCL device. */

#ifndef BERTH_AGENT_OPENCL_MEMORY_H
#define BERTH_AGENT_OPENCL_MEMORY_H

#include "agent/opencl.h"
#include "sys/proof_memory.h"

struct opencl_memory;
#define auto_opencl_memory __attribute__((cleanup(opencl_memory_close)))

/* Takes the memory of the device, which is borrowed. NULL: it has not so much. */
struct opencl_memory *opencl_memory_open(struct opencl_device_open *device,
                                         const struct memory_terms *terms, struct error *err);
void opencl_memory_close(struct opencl_memory **memory);

struct memory_engine opencl_memory_engine(struct opencl_memory *memory);

#endif
