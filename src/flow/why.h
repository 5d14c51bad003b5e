/* SPDX-License-Identifier: Apache-2.0 */
/* Why an instance is in the state it is in, and what would change that. */

#ifndef BERTH_FLOW_WHY_H
#define BERTH_FLOW_WHY_H

#include "base/arena.h"
#include "flow/caller.h"
#include "flow/flow.h"

enum { WHY_EVENTS_MAX = 100 };

struct why_event {
    struct instant at;
    const char *state; /* from then on */
    const char *code;  /* NULL: nothing stopped it */
    const char *sentence;
};

struct why {
    const char *code;     /* "no_credit", "user_stop", "running", ... */
    const char *sentence; /* what happened */
    const char *advice;   /* what would change it; "" where nothing needs to */
    struct instant since;
    size_t event_count;
    const struct why_event *events; /* newest first */
};

NODISCARD bool flow_why(const struct flow *flow, const struct caller *caller, int64_t instance_id,
                        struct arena *arena, struct why *ret, bool *ret_has, struct error *err);

#endif
