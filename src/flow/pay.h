/* SPDX-License-Identifier: Apache-2.0 */
/* What payment providers say, and what comes of it (payments.md 2).
 *
 * Three things reach us from a provider: the answer to a call, an object that was read anew because
 * an event was about it, and a list that somebody looked through. Each is dealt with in one
 * transaction, and dealing with it again changes nothing: money moves once for an object, whoever
 * hears of it how often, in whatever order. Nothing here opens a socket. */

#ifndef BERTH_FLOW_PAY_H
#define BERTH_FLOW_PAY_H

#include "flow/flow.h"
#include "flow/pay_call.h"
#include "proto/stripe_object.h"
#include "store/payment.h"
#include "store/psp_event.h"

/* The setting that says when a server last looked at everything. */
#define PAY_SWEPT "stripe_swept"

struct pay_settings {
    char installation[INSTALLATION_SIZE]; /* what we made carries this name */
    const char *site;                     /* where people come back to from a provider's page */
    bool has_stripe, has_paypal;
    bool is_live;             /* real money: events of the other kind are not ours */
    struct money test_credit; /* for a verified email with a card; 0: none */
};

/* In a fresh database it gets a name, which stays. */
NODISCARD bool flow_installation(struct store *store, char ret[static INSTALLATION_SIZE],
                                 struct error *err);

enum pay_effect {
    PAY_DONE,    /* or it was done before, or is not ours */
    PAY_LATER,   /* not yet: look again */
    PAY_STRANGE, /* nothing was done: a person must look */
};

/* The answer to a call, a success; or one that was refused for good, with the provider's reason. */
NODISCARD bool flow_pay_answer(const struct flow *flow, const struct outbox_item *item,
                               const struct stripe_object *object, enum pay_effect *ret,
                               struct error *err);
NODISCARD bool flow_pay_refused(const struct flow *flow, const struct outbox_item *item,
                                const struct stripe_failure *failure, struct error *err);

/* The call came to nothing, and is made anew: under the next group. False in `*ret_is_left` where
 * there were PAY_GROUPS_MAX. */
NODISCARD bool flow_pay_again(const struct flow *flow, const struct outbox_item *item,
                              bool *ret_is_left, struct error *err);

/* An object as it stands now; `account`: the connected one that it was read as, "" ours. */
NODISCARD bool flow_pay_object(const struct flow *flow, const struct stripe_object *object,
                               const char *account, enum pay_effect *ret, struct error *err);

/* All cards that a customer has now. */
NODISCARD bool flow_pay_cards(const struct flow *flow, const char *customer,
                              const struct stripe_object *cards, size_t count, struct error *err);

/* Entries of our balance at Stripe that no journal has, though they are old enough: to suspense,
 * until somebody finds out. `*ret_is_new` false: a journal has it. */
struct pay_txn {
    const char *id, *type;
    int64_t cents, fee_cents, created_s;
};
NODISCARD bool flow_pay_txn(const struct flow *flow, const struct pay_txn *txn, bool *ret_is_new,
                            struct error *err);

/* Look at everything soon, not at night. */
NODISCARD bool flow_pay_sweep(const struct flow *flow, struct error *err);

/* What was sent to us, and is genuine: kept, once. */
NODISCARD bool flow_pay_event(const struct flow *flow, const struct psp_event_row *event,
                              bool *ret_is_new, struct error *err);

#endif
