/* SPDX-License-Identifier: Apache-2.0 */
/* What Stripe says to us unasked: an event, signed.
 *
 * The header is "t=<seconds>,v1=<hex>[,v1=...]": HMAC-SHA256 over "<seconds>.<body>" by a secret
 * that both know; two of them while one is being replaced. Nothing in an event is believed but
 * which object it is about: that one is read anew, since events come late, twice, and in any
 * order. */

#ifndef BERTH_PROTO_STRIPE_EVENT_H
#define BERTH_PROTO_STRIPE_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    STRIPE_TOLERANCE_S = 300, /* either way */
    STRIPE_SIGNATURES_MAX = 8,
    STRIPE_SIGNATURE_SIZE = 32,
    STRIPE_EVENT_MAX = 1 << 20,
};

struct stripe_signature {
    int64_t seconds;
    size_t count;
    uint8_t signatures[STRIPE_SIGNATURES_MAX][STRIPE_SIGNATURE_SIZE];
};

/* False: it is malformed, or has nothing that we could check. Schemes other than v1 are passed
 * over, and what is no lower-case hexadecimal of the right length is none. */
NODISCARD bool stripe_signature_read(const char *header, struct stripe_signature *ret);

/* Whether it was made about now: a clock may be STRIPE_TOLERANCE_S off, and no more. */
bool stripe_signature_is_fresh(const struct stripe_signature *signature, int64_t now_s);

/* Texts live as long as the parsed body. */
struct stripe_event {
    const char *id, *type;
    const char *account;      /* the connected one that it is about; "" ours */
    const char *object_id;    /* "" where the object has none */
    const char *object_kind;  /* "payment_intent" */
    const char *customer;     /* of the object; "" */
    const char *installation; /* whose the object is, as it says itself; "" */
    bool is_live;
};
NODISCARD bool stripe_event_read(const json_t *body, struct stripe_event *ret, struct error *err);

#endif
