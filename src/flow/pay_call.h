/* SPDX-License-Identifier: Apache-2.0 */
/* A call to a payment provider, on its way through the outbox. Inside src/flow/ and for who sends
 * it (server/payments.h).
 *
 * What it is for, and whose, is in its key; so an answer finds its way back, whichever server gets
 * it. A key has a group: while a call's outcome may still be learnt by asking again, the group
 * stays, and with it the key that the provider knows it by. A new group is a new call, which is
 * made only after looking that the old one came to nothing. */

#ifndef BERTH_FLOW_PAY_CALL_H
#define BERTH_FLOW_PAY_CALL_H

#include "proto/stripe.h"
#include "store/db.h"
#include "store/outbox.h"

enum pay_purpose {
    PAY_CUSTOMER,  /* of a user */
    PAY_PAGE,      /* of a deposit */
    PAY_CARD_PAGE, /* of a card page */
    PAY_CHARGE,    /* of a deposit that nobody is there for */
    PAY_REFUND,    /* of a refund */
    PAY_ACCOUNT,   /* of a host, by its user */
    PAY_LINK,      /* the same; its group is the number of the link */
    PAY_TRANSFER,  /* of a payout; likewise the next two. PAY_PAYOUT's group is the try */
    PAY_PAYOUT,
    PAY_REVERSAL,
    PAY_EVIDENCE, /* of a dispute */
    PAY_BATCH,    /* of a batch of payouts, by PayPal; all others are Stripe's */
    PAY_PURPOSE_COUNT,
};

enum {
    PAY_GROUPS_MAX = 5, /* then a person looks at it */
    PAY_KEY_SIZE = 96,
};

struct pay_call {
    enum pay_purpose purpose;
    int64_t ref; /* whose: a user's, deposit's, ... id */
    int64_t group;
    const char *account; /* connected, that it is done as; NULL is ours */
};

const char *pay_purpose_name(enum pay_purpose purpose);

/* Within a transaction: leave it in the outbox. The same purpose, ref and group again changes
 * nothing. Takes over the bytes. */
NODISCARD bool pay_call_leave(struct db *db, const struct pay_call *call, struct psp_call *bytes,
                              struct instant now, struct error *err);

/* The same for what may be done again, and is to be: unless one of its groups waits, a new one. */
NODISCARD bool pay_call_renew(struct db *db, const struct pay_call *call, struct psp_call *bytes,
                              struct instant now, struct error *err);

/* What an item of the outbox is; false: it is no such call. */
NODISCARD bool pay_call_read(const struct outbox_item *item, struct pay_call *ret);

/* What the provider is to do once for: "berth:<installation>:<item>:<group>". */
char *pay_call_key(const struct outbox_item *item, const char *installation,
                   char text[static PAY_KEY_SIZE]);

#endif
