/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts that are paid by a provider: how they say where to, and what becomes of each payout.
 *
 * By Stripe a payout is two steps: a transfer to the host's connected account, and from there to
 * its bank. The second one may fail, even after it was said to have arrived: it is tried again each
 * day, since the host may mend its bank details; after two weeks the transfer is taken back, and
 * the host is owed the money again. Nothing is "paid" before the provider says so.
 *
 * A market without a provider pays by hand (flow/payout.h); so it does hosts in countries that its
 * providers do not serve. */

#ifndef BERTH_FLOW_PAY_OUT_H
#define BERTH_FLOW_PAY_OUT_H

#include "flow/pay_in.h"
#include "store/payout.h"
#include "store/payout_method.h"

#define PAY_OUT_SUBMIT_US  (6 * US_PER_HOUR) /* after the cut */
#define PAY_OUT_RETRY_US   (24 * US_PER_HOUR)
#define PAY_OUT_SHORT_US   (6 * US_PER_HOUR) /* where our balance is too short */
#define PAY_OUT_GIVE_UP_US (14 * 24 * US_PER_HOUR)

enum pay_out_outcome {
    PAY_OUT_DONE,
    PAY_OUT_OFF,
    PAY_OUT_BAD_COUNTRY,
    PAY_OUT_BAD_RECEIVER, /* no address of mail was said, and the account has none that works */
    PAY_OUT_NONE,         /* the host has said nothing yet, or is paid by hand: there is no page */
};

/* What a host sees: when it is paid next, what, how, and at which fee, which is the house's. */
struct pay_out_view {
    bool has_method;
    struct payout_method_row method;
    struct instant next_cut;
    struct money accrued, payable, minimum;
    struct money paid_out; /* or on its way: with the two above, all that was ever earned */
};
NODISCARD bool flow_pay_out_show(const struct flow *flow, const struct caller *caller,
                                 struct arena *arena, struct pay_out_view *ret, struct error *err);

/* The host's payouts, newest first, a page at a time: of the weeks that ended before `before`, at
 * most `max`. The first two members ask, the others answer. */
enum { PAY_OUT_PAGE_MAX = 100 };
struct pay_out_page {
    struct instant before;      /* INSTANT_NEVER: the newest */
    size_t max;                 /* 1 to PAY_OUT_PAGE_MAX */
    struct payout_row *payouts; /* in the arena */
    size_t count;
    struct instant next; /* what `before` is for the page after; INSTANT_NEVER: there is none */
};
NODISCARD bool flow_pay_out_list(const struct flow *flow, const struct caller *caller,
                                 struct arena *arena, struct pay_out_page *page, struct error *err);

/* By whom follows from the country (flow/provider.h). Saying it again changes nothing. Another way
 * in place of one that worked is told by mail, and no payout is made for PAY_OUT_HELD_US. */
#define PAY_OUT_HELD_US (72 * US_PER_HOUR)
struct pay_out_where {
    const char *country;  /* "US" */
    const char *receiver; /* PayPal's address of the host; NULL: the one that it logs in with */
};
NODISCARD bool flow_pay_out_set(const struct flow *flow, const struct caller *caller,
                                const struct pay_out_where *where, enum pay_out_outcome *ret,
                                struct error *err);

/* Another page for the host to tell the provider who it is; `method.link` is "" until it is there,
 * and `*ret_number` says which one it will be. */
NODISCARD bool flow_pay_out_link(const struct flow *flow, const struct caller *caller,
                                 int64_t *ret_number, enum pay_out_outcome *ret, struct error *err);

/* What of payouts and hosts a provider may have news of, which nobody told us: at most `max`. */
struct pay_out_open {
    const char *account;
    const char *object_id; /* "": of the account itself */
};
NODISCARD bool flow_pay_out_open(const struct flow *flow, size_t max, struct arena *arena,
                                 struct pay_out_open **ret, size_t *ret_count, struct error *err);
/* Whether one of our payouts has that name on the account. */
NODISCARD bool flow_pay_out_is_known(const struct flow *flow, const char *account,
                                     const char *object_id, bool *ret, struct error *err);

/* Inside src/flow/. A payout that was made: on its way, from its Friday's morning on, to where its
 * host has said. */
NODISCARD bool pay_out_start(const struct pay *pay, const struct payout_row *payout,
                             const struct payout_method_row *method, struct error *err);

NODISCARD bool pay_out_account(const struct pay *pay, int64_t user_id,
                               const struct stripe_object *account, enum pay_effect *ret,
                               struct error *err);
NODISCARD bool pay_out_linked(const struct pay *pay, int64_t user_id, int64_t number,
                              const char *url, struct error *err);
NODISCARD bool pay_out_transfer(const struct pay *pay, const struct stripe_object *transfer,
                                enum pay_effect *ret, struct error *err);
/* `payout_id` 0: whose it is follows from its name. */
NODISCARD bool pay_out_payout(const struct pay *pay, int64_t payout_id, const char *account,
                              const struct stripe_object *payout, enum pay_effect *ret,
                              struct error *err);
NODISCARD bool pay_out_reversal(const struct pay *pay, int64_t payout_id,
                                const struct stripe_object *reversal, enum pay_effect *ret,
                                struct error *err);
NODISCARD bool pay_out_refused(const struct pay *pay, const struct pay_call *call,
                               const char *reason, struct error *err);

#endif
