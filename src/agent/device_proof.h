/* SPDX-License-Identifier: Apache-2.0 */
/* An engine for proofs of compute (sys/proof.h) on a device. Whole rounds stay there: what comes
 * back of one is the hashes of its rows. */

#ifndef BERTH_AGENT_DEVICE_PROOF_H
#define BERTH_AGENT_DEVICE_PROOF_H

#include "agent/device.h"
#include "sys/proof.h"

struct device_proof;
#define auto_device_proof __attribute__((cleanup(device_proof_close)))

/* Makes both matrices on the device, which is borrowed. NULL: it has no room for them. */
struct device_proof *device_proof_open(struct device *device, const struct proof_terms *terms,
                                       struct error *err);
void device_proof_close(struct device_proof **proof);

struct proof_engine device_proof_engine(struct device_proof *proof);

/* Whether the device ever failed: then what the engine made is worth nothing. */
bool device_proof_has_failed(const struct device_proof *proof);

#endif
