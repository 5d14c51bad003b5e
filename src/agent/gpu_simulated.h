/* SPDX-License-Identifier: Apache-2.0 */
/* GPUs that do not exist, for trying Berth without one (--simulate-gpus). Everything that knows of
 * them says that they are simulated. */

#ifndef BERTH_AGENT_GPU_SIMULATED_H
#define BERTH_AGENT_GPU_SIMULATED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "market/machine.h"

/* Fill gpus, gpu_count, driver_version, cuda_version and is_simulated from lines "name, memory
 * MB, count"; '#' starts a comment. `seed` makes their uuids: the same each time, and nobody
 * else's. ERROR_INVALID names the line. */
NODISCARD bool gpu_simulated_parse(const char *text, const void *seed, size_t seed_size,
                                   struct machine_facts *facts, struct error *err);

#endif
