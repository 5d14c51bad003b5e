/* SPDX-License-Identifier: Apache-2.0 */
/* A machine joins: its owner makes a one-time token, its agent trades it for an identity. And one
 * whose key was revoked (flow/revoke_key.h) comes back by a token that is for it alone: it is the
 * same machine with what runs on it, and has another key. */

#ifndef BERTH_FLOW_ENROLL_H
#define BERTH_FLOW_ENROLL_H

#include "flow/caller.h"
#include "flow/flow.h"
#include "proto/hello.h"

enum { ENROLL_TOKEN_SECONDS = 15 * 60 };

enum enroll_token_outcome {
    ENROLL_TOKEN_MADE,
    ENROLL_TOKEN_NO_MACHINE,  /* none of the caller's */
    ENROLL_TOKEN_KEY_IS_GOOD, /* it needs no other */
};

struct enroll_token_reply {
    enum enroll_token_outcome outcome;
    char token[TOKEN_TEXT_SIZE]; /* where it is made */
    struct instant expires;
};

/* For `machine_id` to come back, or, where that is 0, for a new machine. */
NODISCARD bool flow_enroll_token(const struct flow *flow, const struct caller *caller,
                                 int64_t machine_id, struct enroll_token_reply *ret,
                                 struct error *err);

enum enroll_outcome {
    ENROLL_DONE,
    ENROLL_BAD_TOKEN,  /* unknown, expired or used */
    ENROLL_KEY_IN_USE, /* the public key belongs to another machine */
    ENROLL_GPU_IN_USE, /* a GPU of it is live on another machine */
    ENROLL_SIMULATED,  /* simulated GPUs, and the server does not allow them */
    ENROLL_BAD_FACTS,  /* reply.facts says why: machine_facts_check() */
    ENROLL_NOT_IT,     /* the token is for a new machine or for another one, or its key is good */
};

struct enroll_outcome_reply {
    enum enroll_outcome outcome;
    enum machine_outcome facts;
    struct enroll_reply reply; /* proto/hello.h */
};

NODISCARD bool flow_enroll(const struct flow *flow, const struct enroll_request *request,
                           struct enroll_outcome_reply *ret, struct error *err);

#endif
