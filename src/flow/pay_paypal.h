/* SPDX-License-Identifier: Apache-2.0 */
/* Payouts by PayPal: many at a time, in batches, each to an address of mail (payments.md 2.7).
 *
 * From its Friday's morning on a payout goes into a batch, which is one call. Once PayPal has the
 * batch, its items are asked for, again and again, less and less often: what they say is all that
 * counts, and an event is but a reason to ask now. An item that nobody claims comes back after
 * thirty days; even one that was paid may be taken back, so a batch is looked at for two months. */

#ifndef BERTH_FLOW_PAY_PAYPAL_H
#define BERTH_FLOW_PAY_PAYPAL_H

#include "flow/pay_out.h"
#include "proto/paypal.h"
#include "proto/paypal_object.h"
#include "store/payout_batch.h"

#define PAY_PAYPAL_LOOK_US  (60 * US_PER_SECOND)    /* after it was taken, then twice as late */
#define PAY_PAYPAL_OVER_US  (60 * 24 * US_PER_HOUR) /* nothing more is to be heard of it */
#define PAY_PAYPAL_KNOWN_US (29 * 24 * US_PER_HOUR) /* so long a call may be made again */

/* Inside src/flow/: it waits for a batch. */
NODISCARD bool pay_paypal_start(const struct pay *pay, const struct payout_row *payout,
                                const struct payout_method_row *method, struct error *err);

/* One batch of what waits, at most PAYPAL_ITEMS_MAX; `*ret_count` is how many are in it. */
NODISCARD bool flow_paypal_gather(const struct flow *flow, size_t *ret_count, struct error *err);

/* PayPal has the batch that the call made, under that name. */
NODISCARD bool flow_paypal_taken(const struct flow *flow, const struct outbox_item *item,
                                 const char *object_id, struct error *err);

/* It has not, and will not. Where our balance is short all of it goes again later; where items are
 * at fault those come to nothing, and the others go again. Else nothing of it is paid. */
NODISCARD bool flow_paypal_refused(const struct flow *flow, const struct outbox_item *item,
                                   const struct paypal_failure *failure, struct error *err);

NODISCARD bool flow_paypal_due(const struct flow *flow, size_t max, struct arena *arena,
                               struct payout_batch_row **ret, size_t *ret_count, struct error *err);

/* Some items of a batch. `*ret_strange` counts those on which nobody acts: a person must look. */
NODISCARD bool flow_paypal_items(const struct flow *flow, int64_t batch_id,
                                 const struct paypal_item_seen *items, size_t count,
                                 size_t *ret_strange, struct error *err);

/* The batch was looked at, wholly: when next. One that was denied has no items that say so. */
NODISCARD bool flow_paypal_looked(const struct flow *flow, int64_t batch_id,
                                  const struct paypal_batch_seen *seen, struct error *err);

/* Somebody says that there is news of a batch, and may be lying: kept to be asked about, if it is a
 * batch of ours. */
NODISCARD bool flow_paypal_event(const struct flow *flow, const struct psp_event_row *event,
                                 bool *ret_is_new, struct error *err);
/* It is true: look at the batch now. */
NODISCARD bool flow_paypal_look_now(const struct flow *flow, const char *object_id,
                                    struct error *err);

#endif
