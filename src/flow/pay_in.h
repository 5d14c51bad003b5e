/* SPDX-License-Identifier: Apache-2.0 */
/* Credit that is bought at a provider: its page, what was paid there, and the receipt.
 *
 * A deposit is a row before anything is asked of the provider. The user pays on the provider's
 * page; credit is there when the provider says that the money is, with what it keeps of it: one
 * journal. */

#ifndef BERTH_FLOW_PAY_IN_H
#define BERTH_FLOW_PAY_IN_H

#include "flow/caller.h"
#include "flow/pay.h"
#include "store/deposit.h"

enum {
    PAY_REUSE_SECONDS = 30 * 60, /* the same amount again is the same page */
    PAY_DEPOSITS_MAX = 100,      /* shown */
};
#define PAY_CREDIT_MIN INT64_C(5000000000)     /* $5 */
#define PAY_CREDIT_MAX INT64_C(10000000000000) /* $10,000 */

enum pay_in_outcome {
    PAY_IN_DONE,
    PAY_IN_OFF,        /* there is no provider */
    PAY_IN_BAD_AMOUNT, /* not whole cents, too little or too much */
    PAY_IN_NONE,       /* the user has no such deposit */
};

/* A page to pay on: `ret->url` is "" until the provider has made it. */
NODISCARD bool flow_pay_in(const struct flow *flow, const struct caller *caller,
                           struct money amount, struct arena *arena, struct deposit_row *ret,
                           enum pay_in_outcome *ret_outcome, struct error *err);

NODISCARD bool flow_pay_in_show(const struct flow *flow, const struct caller *caller, int64_t id,
                                struct arena *arena, struct deposit_row *ret,
                                enum pay_in_outcome *ret_outcome, struct error *err);
NODISCARD bool flow_pay_in_list(const struct flow *flow, const struct caller *caller,
                                struct arena *arena, struct deposit_row **ret, size_t *ret_count,
                                struct error *err);

/* The rest is part of flow/pay.c's transactions. */
struct pay {
    struct db *db;
    const struct flow *flow;
    struct instant now;
    struct arena *arena;
};

/* Send what waits of the user's: first for its name at the provider, then for its pages. */
NODISCARD bool pay_in_send(const struct pay *pay, int64_t user_id, struct error *err);

NODISCARD bool pay_in_intent(const struct pay *pay, const struct stripe_object *intent,
                             enum pay_effect *ret, struct error *err);
NODISCARD bool pay_in_page(const struct pay *pay, const struct stripe_object *page,
                           enum pay_effect *ret, struct error *err);

/* One that was charged with nobody there: declined, as that intent, if it is known. */
NODISCARD bool pay_in_fail_as(const struct pay *pay, int64_t deposit_id, const char *intent,
                              const char *reason, struct error *err);

/* It will not be paid, for that reason. */
NODISCARD bool pay_in_fail(const struct pay *pay, int64_t deposit_id, enum deposit_state state,
                           const char *reason, struct error *err);

#endif
