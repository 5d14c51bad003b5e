/* SPDX-License-Identifier: Apache-2.0 */
/* A renter takes an offer: contract, meters, claims and the host's new desired state, all in one
 * transaction or not at all. */

#ifndef BERTH_FLOW_RENT_H
#define BERTH_FLOW_RENT_H

#include "flow/caller.h"
#include "flow/flow.h"
#include "proto/desired.h"

enum {
    LABEL_LENGTH_MAX = 1024,
    RENT_AGAIN_SECONDS = 30, /* the same request within this long is the same rental */
    CONTRACTS_PER_USER_MAX = 256,
};

enum rent_outcome {
    RENT_DONE,
    RENT_NO_OFFER,       /* unknown, or taken */
    RENT_OWN_MACHINE,    /* the caller is its host */
    RENT_UNAVAILABLE,    /* the host is offline or quarantined */
    RENT_DISK_TOO_LARGE, /* more than the offer has, or less than 1 GB */
    RENT_BAD_SPEC,       /* reply.why says what */
    RENT_NO_CREDIT,      /* reply.needed says how much there should be */
    RENT_TOO_MANY,       /* instances on this account */
};

struct rent_request {
    int64_t offer_id;
    struct instance_spec spec; /* image, runtype, env, ...; its keys come from the account */
    const char *label;         /* NULL: none */
    bool starts_stopped;       /* target_state "stopped" */
};

struct rent_reply {
    enum rent_outcome outcome;
    int64_t instance_id;
    char api_key[TOKEN_TEXT_SIZE]; /* the instance's own; "" where an earlier rental is repeated */
    struct money needed;           /* RENT_NO_CREDIT */
    char why[128];                 /* RENT_BAD_SPEC */
};

NODISCARD bool flow_rent(const struct flow *flow, const struct caller *caller,
                         const struct rent_request *request, struct rent_reply *ret,
                         struct error *err);

#endif
