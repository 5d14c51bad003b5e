/* SPDX-License-Identifier: Apache-2.0 */
/* What PayPal answers, read down to what Berth acts on: a token, a batch of payouts with a page of
 * its items, an error, an event.
 *
 * That a batch has succeeded says nothing about its items: each has a status of its own, and one
 * that is not known here is PAYPAL_ITEM_UNKNOWN, on which nobody acts. Texts live as long as the
 * JSON. */

#ifndef BERTH_PROTO_PAYPAL_OBJECT_H
#define BERTH_PROTO_PAYPAL_OBJECT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { PAYPAL_TOKEN_MAX = 4096 };

struct paypal_token {
    const char *text;
    int64_t lives_s;
};
NODISCARD bool paypal_token_read(const json_t *json, struct paypal_token *ret, struct error *err);

enum paypal_batch_status {
    PAYPAL_BATCH_UNKNOWN,
    PAYPAL_BATCH_OPEN,   /* pending, processing */
    PAYPAL_BATCH_DONE,   /* all was tried */
    PAYPAL_BATCH_DENIED, /* or cancelled: nothing was paid */
};

struct paypal_batch_seen {
    const char *id, *sender_id; /* theirs, and ours; the latter "" where not said */
    enum paypal_batch_status status;
    int64_t pages; /* at least 1 */
    const char *reason;
};
NODISCARD bool paypal_batch_read(const json_t *json, struct paypal_batch_seen *ret,
                                 struct error *err);

enum paypal_item_status {
    PAYPAL_ITEM_UNKNOWN,
    PAYPAL_ITEM_WAITS,     /* pending, on hold */
    PAYPAL_ITEM_UNCLAIMED, /* no account has that address yet: it comes back after thirty days */
    PAYPAL_ITEM_PAID,
    PAYPAL_ITEM_FAILED,   /* or was blocked: it never left */
    PAYPAL_ITEM_RETURNED, /* or refunded: it left, and came back */
    PAYPAL_ITEM_REVERSED, /* it was paid, and is taken back */
};

struct paypal_item_seen {
    const char *id, *txn; /* "" not known yet */
    int64_t payout_id;    /* of ours; 0: it is none */
    int64_t cents, fee_cents;
    enum paypal_item_status status;
    const char *status_text, *reason; /* "" */
};
NODISCARD bool paypal_item_read(const json_t *json, struct paypal_item_seen *ret,
                                struct error *err);

enum { PAYPAL_BAD_MAX = 16 };

struct paypal_failure {
    const char *name, *message, *debug_id;
    const char *batch;          /* the one that was made of the same name before; "" */
    size_t bad[PAYPAL_BAD_MAX]; /* which items are at fault, from 0 on */
    size_t bad_count;
};
/* False: it is no error of PayPal's. */
NODISCARD bool paypal_failure_read(const json_t *json, struct paypal_failure *ret);

/* An event, and the batch that it is about; "" where it is about none. */
struct paypal_event {
    const char *id, *type, *batch;
};
NODISCARD bool paypal_event_read(const json_t *json, struct paypal_event *ret, struct error *err);

#endif
