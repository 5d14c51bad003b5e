/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker has to say of its step (agent/work.h), as the agent reads it. */

#ifndef BERTH_AGENT_WORK_RESULT_H
#define BERTH_AGENT_WORK_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/pull.h"
#include "agent/seen.h"
#include "base/error.h"
#include "base/json.h"

struct work_result {
    bool is_done;
    struct error err;
    bool is_final;              /* trying again would not help */
    bool has_no_quota;          /* the engine's storage cannot limit a container */
    int64_t engine_us;          /* spent waiting for the engine */
    struct pull_measure pulled; /* of PLAN_PREPARE; us 0: nothing was */
    bool has_image;
    struct pull_image image; /* of PLAN_PREPARE */
    bool has_seen;           /* else the engine could not be asked any more */
    int64_t seen_count;
    struct seen seen[2];
};
NODISCARD bool work_result_decode(const json_t *root, const char *host, struct work_result *ret,
                                  struct error *err);

#endif
