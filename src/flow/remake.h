/* SPDX-License-Identifier: Apache-2.0 */
/* An instance is made from its image again, from the same one or with another launch: its files go,
 * its number, price, GPUs and disk stay, and so does where SSH finds it. What does not run is made
 * again when it is next started. */

#ifndef BERTH_FLOW_REMAKE_H
#define BERTH_FLOW_REMAKE_H

#include "flow/caller.h"
#include "flow/flow.h"
#include "proto/desired.h"

enum remake_outcome {
    REMAKE_DONE,
    REMAKE_NO_INSTANCE,
    REMAKE_BAD_SPEC, /* reply.why says what */
    REMAKE_PORTS,    /* behind a relay, ports are given once: they have to stay as they are */
    REMAKE_ENDING,   /* it is being ended, or has to make way at this moment */
};

struct remake_request {
    int64_t instance_id;
    const struct instance_spec
        *launch;         /* NULL: as it is. Size, share and keys are not its to say */
    int64_t template_id; /* the template that was part of it, to be counted; 0 */
};

struct remake_reply {
    enum remake_outcome outcome;
    char why[ERROR_TEXT_SIZE];
};

NODISCARD bool flow_remake(const struct flow *flow, const struct caller *caller,
                           const struct remake_request *request, struct remake_reply *ret,
                           struct error *err);

#endif
