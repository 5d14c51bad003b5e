/* SPDX-License-Identifier: Apache-2.0 */
/* A renter takes an offer: contract, meters, claims and the host's new desired state, all in one
 * transaction or not at all. */

#ifndef BERTH_FLOW_RENT_H
#define BERTH_FLOW_RENT_H

#include "flow/caller.h"
#include "flow/flow.h"
#include "market/rent.h"
#include "proto/desired.h"

enum {
    LABEL_LENGTH_MAX = 1024,
    RENT_AGAIN_SECONDS = 30, /* the same request within this long is the same rental */
};

enum rental_outcome {
    RENTAL_MADE,
    RENTAL_REPEATED, /* the same as one just made: that one's id */
    RENTAL_REFUSED,  /* reply.refusal says why: rent_outcome_sentence() */
    RENTAL_BAD_SPEC, /* reply.why says what */
    RENTAL_BAD_LABEL,
    RENTAL_ORDER_OVER, /* the standing order does not wait any more: nothing was rented */
};

struct rental_request {
    int64_t offer_id;
    struct instance_spec spec; /* image, runtype, env, ..., disk_gb; its keys are the account's */
    const char *label;         /* NULL: none */
    bool starts_stopped;       /* target_state "stopped" */
    int64_t order_id;          /* the standing order that it ends; 0: none */
};

struct rental_reply {
    enum rental_outcome outcome;
    enum rent_outcome refusal; /* market/rent.h */
    int64_t instance_id;
    char api_key[TOKEN_TEXT_SIZE]; /* the instance's own, shown this once; "" where repeated */
    char why[ERROR_TEXT_SIZE];
};

/* Whether its spec is one that a host can run; `ret_why` says what is wrong with it. */
bool rental_request_check(const struct rental_request *request, struct error *ret_why);

NODISCARD bool flow_rent(const struct flow *flow, const struct caller *caller,
                         const struct rental_request *request, struct rental_reply *ret,
                         struct error *err);

#endif
