/* SPDX-License-Identifier: Apache-2.0 */
/* Saved cards that are charged with nobody there (market/autopay.h): for debts, whatever an account
 * may owe, and to top up, where its owner has asked for it. */

#ifndef BERTH_FLOW_AUTOPAY_H
#define BERTH_FLOW_AUTOPAY_H

#include "flow/pay_in.h"
#include "store/autopay.h"

enum { AUTOPAY_BATCH_MAX = 64, AUTOPAY_LOOK_SECONDS = 30 };

/* The account's own settings; false in `*ret_is_good`: amounts are 0 to $10,000, in whole cents,
 * and a top-up at least $5. */
NODISCARD bool flow_autopay_show(const struct flow *flow, const struct caller *caller,
                                 struct autopay_row *ret, struct error *err);
NODISCARD bool flow_autopay_set(const struct flow *flow, const struct caller *caller,
                                struct money threshold, struct money topup, bool *ret_is_good,
                                struct error *err);

/* Below that, by as much as is set, or else by as much as that and at least $5; 0: not any more. */
NODISCARD bool flow_autopay_below(const struct flow *flow, const struct caller *caller,
                                  struct money threshold, bool *ret_is_good, struct error *err);

/* A job: charge whoever is due. */
NODISCARD bool flow_autopay(const struct flow *flow, size_t *ret_count, struct error *err);

/* Part of flow/pay.c's transactions. A charge was declined; a payment has arrived, or a card was
 * left: what was given up is tried again. */
NODISCARD bool autopay_declined(const struct pay *pay, int64_t deposit_id, const char *intent,
                                const char *reason, const char *advice, struct error *err);
NODISCARD bool autopay_renew(const struct pay *pay, int64_t user_id, struct error *err);

#endif
