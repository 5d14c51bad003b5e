/* SPDX-License-Identifier: Apache-2.0 */
/* Zeros over a GPU's memory, by CUDA's driver library, which is opened when it is needed. */

#ifndef BERTH_AGENT_SCRUB_CUDA_H
#define BERTH_AGENT_SCRUB_CUDA_H

#include <stdbool.h>

#include "base/error.h"

/* Take all of the memory that the driver gives and write zeros to it. Fails where that is not
 * nearly all that there is: then somebody else has it, or has had it and still is there. */
NODISCARD bool scrub_cuda(const char *uuid, struct error *err);

#endif
