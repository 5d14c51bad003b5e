/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes to and from Stripe: keys from a file, one call and its answer, and whether what came in is
 * Stripe's.
 *
 * The file of --stripe-keys has a line each: "secret sk_...", "webhook whsec_...", and more of the
 * latter for other endpoints and while one is being replaced. Only its owner may read it. The keys
 * are in no log, no reply, no database. */

#ifndef BERTH_SERVER_STRIPE_WIRE_H
#define BERTH_SERVER_STRIPE_WIRE_H

#include <jansson.h>

#include "base/error.h"
#include "server/options.h"
#include "server/psp_keys.h"
struct http_client; /* sys/http_client.h, whose requests are not those of server/http.h */

enum {
    STRIPE_KEY_SIZE = PSP_KEY_SIZE,
    STRIPE_SECRETS_MAX = 4,
    STRIPE_BASE_SIZE = PSP_BASE_SIZE,
    STRIPE_REPLY_MAX = 4 << 20,
    STRIPE_TIMEOUT_MS = 80000,
    STRIPE_REQUEST_ID_SIZE = 64,
};

struct stripe_wire {
    char base[STRIPE_BASE_SIZE]; /* "https://api.stripe.com" */
    char key[STRIPE_KEY_SIZE];
    char secrets[STRIPE_SECRETS_MAX][STRIPE_KEY_SIZE]; /* that events are signed with */
    size_t secret_count;
    bool is_live;
};

/* As --stripe-keys and --stripe-url say; false in `*ret_has`: there is no Stripe. */
NODISCARD bool stripe_wire_read(const struct options *options, struct stripe_wire *ret,
                                bool *ret_has, struct error *err);

struct stripe_request {
    const char *method, *path, *body; /* body "": none */
    const char *account;              /* connected, that it is done as; "" ours */
    const char *once;                 /* Idempotency-Key; NULL: none */
};

enum stripe_advice { STRIPE_SAYS_NOTHING, STRIPE_SAYS_RETRY, STRIPE_SAYS_STOP };

struct stripe_reply {
    int status;
    json_t *json; /* owned; NULL: it was no JSON */
    enum stripe_advice advice;
    bool is_replayed; /* the answer to the same call before */
    char request_id[STRIPE_REQUEST_ID_SIZE];
};
#define auto_stripe_reply __attribute__((cleanup(stripe_reply_release)))
void stripe_reply_release(struct stripe_reply *reply);

/* False: there was no answer, or not all of it. */
NODISCARD bool stripe_wire_send(const struct stripe_wire *wire, struct http_client *client,
                                const struct stripe_request *request, struct stripe_reply *ret,
                                struct error *err);

/* Whether the body is signed, about now, with a secret that we have. */
bool stripe_wire_is_genuine(const struct stripe_wire *wire, const char *header, const char *body,
                            size_t length, int64_t now_s);

#endif
