/* SPDX-License-Identifier: Apache-2.0 */
/* What we say to PayPal Payouts: every call that Berth makes, as the bytes that go out.
 *
 * The bytes are those that PayPal's own library sends for the same call; test/proto/golden/ has
 * them, made by that library. A batch carries our name for it, which PayPal takes once in thirty
 * days: asked again, it says which batch that was. */

#ifndef BERTH_PROTO_PAYPAL_H
#define BERTH_PROTO_PAYPAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "proto/psp_call.h"

enum {
    PAYPAL_ITEMS_MAX = 500, /* of a batch; PayPal takes 15,000, a person reads fewer */
    PAYPAL_PAGE = 100,      /* items of a batch that are read at once */
    PAYPAL_PATH_MAX = 256,
    PAYPAL_BODY_MAX = 512 << 10,
    PAYPAL_ID_MAX = 30,
    PAYPAL_EMAIL_MAX = 127,
    PAYPAL_HEADER_MAX = 512, /* of an event: a signature, an address */
    PAYPAL_KNOWN_DAYS = 30,  /* so long a batch of one name is made once */
};

#define PAYPAL_TOKEN_PATH  "/v1/oauth2/token"
#define PAYPAL_TOKEN_BODY  "grant_type=client_credentials"
#define PAYPAL_PAYOUTS     "/v1/payments/payouts"
#define PAYPAL_VERIFY_PATH "/v1/notifications/verify-webhook-signature"

struct paypal_item {
    int64_t payout_id, cents;
    const char *receiver; /* an address of mail that a PayPal account has, or will have */
};

struct paypal_batch {
    const char *installation;
    int64_t id;
    const struct paypal_item *items;
    size_t count; /* 1 to PAYPAL_ITEMS_MAX */
};
struct psp_call paypal_create(const struct paypal_batch *batch);

/* Whether it may stand in a path: letters, digits, '-', up to PAYPAL_ID_MAX. */
bool paypal_is_id(const char *text);

/* A page of a batch's items, from 1 on. */
struct psp_call paypal_read(const char *batch, int64_t page);

/* Is this event yours? Of the five headers that came with it, and its body as it came, which is
 * JSON. `webhook` is our name for the endpoint. */
struct paypal_event_headers {
    const char *algorithm, *cert_url, *transmission_id, *signature, *time;
};
struct psp_call paypal_verify(const struct paypal_event_headers *headers, const char *webhook,
                              const char *body);

/* PayPal signs with certificates of its own hosts and no others. */
bool paypal_is_cert_url(const char *url);

#endif
