/* SPDX-License-Identifier: Apache-2.0 */
/* What Stripe answers: an object, or an error, read down to what Berth acts on.
 *
 * A status that is not known here is STRIPE_UNKNOWN, whatever object has it: nobody acts on it, and
 * somebody is told. Texts live as long as the JSON. */

#ifndef BERTH_PROTO_STRIPE_OBJECT_H
#define BERTH_PROTO_STRIPE_OBJECT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum stripe_kind {
    STRIPE_OTHER, /* nothing that Berth acts on */
    STRIPE_CUSTOMER,
    STRIPE_PAGE_OBJECT, /* checkout.session */
    STRIPE_INTENT,      /* payment_intent */
    STRIPE_SETUP,       /* setup_intent */
    STRIPE_CARD,        /* payment_method, card */
    STRIPE_REFUND,
    STRIPE_DISPUTE,
    STRIPE_ACCOUNT,
    STRIPE_LINK,
    STRIPE_TRANSFER,
    STRIPE_REVERSAL,
    STRIPE_PAYOUT,
};

enum stripe_status {
    STRIPE_UNKNOWN, /* no action, and an alarm */
    STRIPE_WAITS,   /* not yet decided */
    STRIPE_DONE,    /* paid, arrived, won */
    STRIPE_FAILED,  /* declined, returned, lost */
    STRIPE_ENDED,   /* cancelled or expired: nothing will come of it */
    STRIPE_ASKS,    /* the customer must do something */
};

/* An entry of our balance at Stripe. Cents. */
struct stripe_txn {
    const char *id; /* "": none is known */
    int64_t cents, fee_cents;
};

struct stripe_object {
    enum stripe_kind kind;
    const char *id; /* "" where it has none */
    enum stripe_status status;
    const char *status_text;
    const char *installation; /* of Berth; "" */
    int64_t ref;              /* which deposit, refund, payout, card page, user or host; 0: none */
    int64_t cents;
    const char *customer, *intent, *charge; /* ids; "" */
    const char *url;
    const char *reason; /* of a failure: the most telling code; "" */
    struct stripe_txn txns[2];
    const char *brand, *last4, *fingerprint; /* of a card */
    int64_t card_month, card_year;
    int64_t due_s;       /* of a dispute: until when evidence is taken, since 1970; 0: not said */
    int64_t submissions; /* of evidence, as the bank was given it */
    bool is_asked;       /* a dispute that waits for evidence */
    bool is_setup;       /* a page for a card */
    bool is_ready;       /* an account that money may be sent to */
    bool is_expanded;    /* an intent whose charge is known with its transaction */
};

/* ERROR_INVALID: a member that every such object has is missing or is something else;
 * ERROR_OUT_OF_RANGE: an amount that cannot be. */
NODISCARD bool stripe_object_read(const json_t *json, struct stripe_object *ret, struct error *err);

struct stripe_failure {
    const char *type, *code, *decline_code, *advice, *message, *intent; /* "" where not said */
};
/* False: it is no error of Stripe's. */
NODISCARD bool stripe_failure_read(const json_t *json, struct stripe_failure *ret);

/* Whether a card that was declined for this is not to be tried again. */
bool stripe_decline_is_final(const char *reason, const char *advice);

#endif
