/* SPDX-License-Identifier: Apache-2.0 */
/* Paying ahead for an instance (api.md 3.5): a rental on demand becomes a reserved one.
 *
 * Only bought credit can be paid: given credit ends some day, and must not come back as bought.
 * What is left of an earlier deposit counts into what the new one covers; a payment that would
 * lower the discount is refused, so nobody has that of six months for a day. The same payment again
 * within seconds is the same payment: clients repeat what got no answer. */

#ifndef BERTH_FLOW_PREPAY_H
#define BERTH_FLOW_PREPAY_H

#include "flow/caller.h"
#include "flow/flow.h"
#include "market/reserved.h"

enum {
    PREPAY_AGAIN_SECONDS = 10,
    PREPAY_PLANS = 3, /* that are shown: a month, three, six */
    RESERVATIONS_DUE_MAX = 100,
};

enum prepay_outcome {
    PREPAY_DONE,
    PREPAY_NO_INSTANCE,
    PREPAY_IS_BID,     /* interruptible: nothing can be reserved */
    PREPAY_BAD_AMOUNT, /* not above zero */
    PREPAY_FREE,
    PREPAY_TOO_LITTLE, /* not even an hour */
    PREPAY_TOO_MUCH,   /* more than can be used up: reply.most */
    PREPAY_LOWERS,     /* the discount: reply.least would not */
    PREPAY_NO_CREDIT,  /* not so much bought credit that what runs does not need */
};

struct prepay_reply {
    enum prepay_outcome outcome;
    struct reserved_plan plan; /* of all that is in the deposit */
    struct money most, least;
};

/* How many months a plan is for. */
int64_t prepay_plan_months(size_t plan);

NODISCARD bool flow_prepay(const struct flow *flow, const struct caller *caller,
                           int64_t contract_id, struct money amount, struct prepay_reply *ret,
                           struct error *err);

/* A deposit as it stands, to the microsecond; all zero but `max_ppm` and `plans` where there is
 * none. */
struct deposit_view {
    bool is_reserved;
    struct money left;  /* what is in it */
    struct money given; /* the discount that it brought */
    struct money back;  /* what its renter would get who ended the rental now */
    int64_t hours;      /* that it covered when it was last paid into */
    int64_t discount_ppm, max_ppm;
    /* What a deposit for that many months from now costs, and its discount; amount 0: it cannot be
     * had, since the contract ends before, or costs nothing. */
    struct {
        int64_t months, discount_ppm;
        struct money amount;
    } plans[PREPAY_PLANS];
};

NODISCARD bool flow_deposit_view(const struct flow *flow, const struct caller *caller,
                                 int64_t contract_id, struct deposit_view *ret, bool *ret_has,
                                 struct error *err);

/* What is in the deposit of a contract that is reserved, and the discount, at `now`. Inside
 * src/flow/. */
struct contract_row;
NODISCARD bool prepay_measure(struct db *db, const struct contract_row *contract,
                              struct instant now, struct deposit_view *ret, struct error *err);

/* Look after deposits that are due to be used up. */
NODISCARD bool flow_reservations(const struct flow *flow, size_t *ret_count, struct error *err);

#endif
