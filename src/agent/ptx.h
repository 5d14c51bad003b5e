/* SPDX-License-Identifier: Apache-2.0 */
/* Our kernels for NVIDIA's GPUs, made when Berth was built, where the compiler could: as PTX, which
 * the driver turns into what its GPU speaks. Each was made for a compute capability and runs on
 * that and on all later ones. */

#ifndef BERTH_AGENT_PTX_H
#define BERTH_AGENT_PTX_H

#include <stdint.h>

/* The best for a GPU of that compute capability, as in machine facts: 860. NULL: there is none. */
const char *ptx_for(int64_t compute_cap);

#endif
