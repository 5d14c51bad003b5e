/* SPDX-License-Identifier: Apache-2.0 */
/* A renter takes an offer, or bids for one: contract, meters, claims, the decision about who runs
 * and the host's new desired state, all in one transaction or not at all.
 *
 * On demand, an offer is rented once. Bidding leaves it for others. */

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
    RENTAL_REPEATED,       /* the same as one just made: that one's id */
    RENTAL_REFUSED,        /* reply.refusal says why: rent_outcome_sentence() */
    RENTAL_BAD_SPEC,       /* reply.why says what */
    RENTAL_BAD_LABEL,      /* or name of a volume */
    RENTAL_BAD_VOLUME,     /* reply.volume_id is not one of the renter's on that machine */
    RENTAL_VOLUME_FILLING, /* reply.volume_id is a clone whose host still copies */
    RENTAL_ORDER_OVER,     /* the standing order does not wait any more: nothing was rented */
};

/* A volume that is made with the instance, and mounted there. */
struct rental_volume {
    int64_t offer_id; /* of space on the same machine; 0: none is made */
    int64_t size_gb;
    const char *name; /* NULL: none */
    const char *path; /* volume_path_is_good() */
};

struct rental_request {
    int64_t offer_id;
    struct instance_spec spec; /* image, runtype, env, ..., disk_gb; its keys are the account's.
                                * Volumes: those that the renter has, whatever their size here */
    struct rental_volume volume;
    const char *label;   /* NULL: none */
    bool starts_stopped; /* target_state "stopped" */
    int64_t order_id;    /* the standing order that it ends; 0: none */
    int64_t template_id; /* the template that was part of it, to be counted; 0: none */

    bool is_bid;            /* else on demand; what follows is for bids alone */
    struct money price;     /* of the slice, by the hour; what is over whole ticks is not bid */
    struct money max_price; /* likewise: it raises itself up to here to go on running; 0: not */
    int64_t grace_s;        /* notice before it has to make way: 0 to AUCTION_GRACE_S_MAX */
    bool stays_stopped;     /* once it had to make way: it does not resume by itself */
    bool must_run;          /* refuse it rather than let it wait */
    int64_t rule_version;   /* that the renter expects; 0: any */
};

struct rental_reply {
    enum rental_outcome outcome;
    enum rent_outcome refusal; /* market/rent.h */
    bool is_about_volume;      /* the refusal: see volume_outcome_sentence() */
    int64_t volume_id;         /* RENTAL_BAD_VOLUME, or one that was made; else 0 */
    int64_t instance_id;
    bool waits; /* a bid that does not run at the moment */
    int64_t num_gpus;
    int64_t lowest_bid;            /* in ticks, where RENT_BID_TOO_LOW */
    int64_t run_ticks;             /* of a bid that waits: what would run now; -1: nothing would */
    char api_key[TOKEN_TEXT_SIZE]; /* the instance's own, shown this once; "" where repeated */
    char why[ERROR_TEXT_SIZE];
};

/* Whether its spec is one that a host can run; `ret_why` says what is wrong with it. */
bool rental_request_check(const struct rental_request *request, struct error *ret_why);

NODISCARD bool flow_rent(const struct flow *flow, const struct caller *caller,
                         const struct rental_request *request, struct rental_reply *ret,
                         struct error *err);

#endif
