/* SPDX-License-Identifier: Apache-2.0 */
/* A host takes its machine back (market/reclaim.h). It goes off the market at once; lifetimes on it
 * end at the deadline, and who has something on it is told why and until when, in the instance's
 * events and by mail. Who runs on demand is paid for what is taken from their lifetime, at the rate
 * of downtime (--downtime-credit). Extending calls it off. */

#ifndef BERTH_FLOW_RECLAIM_H
#define BERTH_FLOW_RECLAIM_H

#include "flow/caller.h"
#include "flow/change.h"
#include "flow/flow.h"

enum reclaim_outcome {
    RECLAIM_DONE,
    RECLAIM_NO_MACHINE,
    RECLAIM_TOO_SOON,   /* see reply.due for the first deadline there may be */
    RECLAIM_BAD_REASON, /* none, or longer than RECLAIM_REASON_MAX */
};

struct reclaim_request {
    int64_t machine_id;
    bool has_due; /* else as soon as may be */
    struct instant due;
    const char *reason;
};

struct reclaim_reply {
    enum reclaim_outcome outcome;
    struct instant due;
    int64_t told; /* instances that end earlier for it */
};

NODISCARD bool flow_reclaim(const struct flow *flow, const struct caller *caller,
                            const struct reclaim_request *request, struct reclaim_reply *ret,
                            struct error *err);

/* Why a lifetime on the machine that ended at `end` did: what its host said, or NULL where it ran
 * out. Inside src/flow/. */
NODISCARD bool reclaim_reason(struct change *change, struct instant end, const char **ret,
                              struct error *err);

#endif
