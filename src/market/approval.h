/* SPDX-License-Identifier: Apache-2.0 */
/* Money that goes back by hand takes two people where it is much (assurance.md 2.3.5): one operator
 * asks for it, and it is done when another asks for the very same.
 *
 * What goes to or from one account within a day counts together, so that nothing is gained by
 * asking for it in parts. Who asks twice has asked once. What nobody joins in is forgotten after
 * three days; what differs from it is asked for anew, by whoever does. */

#ifndef BERTH_MARKET_APPROVAL_H
#define BERTH_MARKET_APPROVAL_H

#include "base/instant.h"
#include "base/money.h"

/* As much as one person may give back, to an account and in a day. */
#define APPROVAL_FREE_MAX ((struct money){ 100 * NANODOLLARS_PER_DOLLAR })

enum {
    APPROVAL_DAY_HOURS = 24,
    APPROVAL_WAIT_HOURS = 72, /* for the other one */
};

struct approval_request {
    const char *body;    /* what is to be done, exactly */
    struct money amount; /* above zero */
    struct money lately; /* what went the same way in the day before; never negative */
    int64_t operator_id; /* 0: somebody who has not said who they are */
    struct instant at;
};

/* What was asked for before, and by whom. */
struct approval_asked {
    const char *body;
    struct money amount;
    int64_t operator_id;
    struct instant at;
};

enum approval_outcome {
    APPROVAL_FREE,   /* it takes nobody else */
    APPROVAL_GIVEN,  /* by this request: do it */
    APPROVAL_ASKED,  /* for the first time: keep it, and wait for another operator */
    APPROVAL_WAITS,  /* the same one has asked again */
    APPROVAL_NOBODY, /* it takes two, and this is nobody */
};

/* `asked` NULL: nothing waits. While it waited the amount may have grown by a tenth: all of what an
 * instance that runs was charged is more by then. */
enum approval_outcome approval_decide(const struct approval_request *request,
                                      const struct approval_asked *asked);

#endif
