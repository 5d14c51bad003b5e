/* SPDX-License-Identifier: Apache-2.0 */
/* An engine for proofs of compute (sys/proof.h) on an OpenCL device. */

#ifndef BERTH_AGENT_OPENCL_PROOF_H
#define BERTH_AGENT_OPENCL_PROOF_H

#include "agent/opencl.h"
#include "sys/proof.h"

struct opencl_proof;
#define auto_opencl_proof __attribute__((cleanup(opencl_proof_close)))

/* Makes B on the device, which is borrowed. NULL: it has no room for it. */
struct opencl_proof *opencl_proof_open(struct opencl_device_open *device,
                                       const struct proof_terms *terms, struct error *err);
void opencl_proof_close(struct opencl_proof **proof);

struct proof_engine opencl_proof_engine(struct opencl_proof *proof);

/* Whether the device ever failed: then what the engine made is worth nothing. */
bool opencl_proof_has_failed(const struct opencl_proof *proof);

#endif
