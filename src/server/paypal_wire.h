/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes to and from PayPal: keys from a file, a token for a while, one call and its answer.
 *
 * The file of --paypal-keys has a line each: "client ID", "secret KEY", and "webhook ID", PayPal's
 * name for our endpoint. Only its owner may read it. The keys are in no log, no reply, no database.
 */

#ifndef BERTH_SERVER_PAYPAL_WIRE_H
#define BERTH_SERVER_PAYPAL_WIRE_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "proto/psp_call.h"
#include "server/options.h"
#include "server/psp_keys.h"
struct http_client; /* sys/http_client.h, whose requests are not those of server/http.h */

enum {
    PAYPAL_REPLY_MAX = 4 << 20,
    PAYPAL_TIMEOUT_MS = 80000,
    PAYPAL_TOKEN_SIZE = 4097,
    PAYPAL_PAUSE_S = 10,       /* after a look that failed */
    PAYPAL_TOKEN_SPARE_S = 60, /* so long before its end it is not used any more */
};

struct paypal_wire {
    char base[PSP_BASE_SIZE]; /* "https://api-m.paypal.com" */
    char client[PSP_KEY_SIZE], secret[PSP_KEY_SIZE];
    char webhook[PSP_KEY_SIZE]; /* "": events are not listened to */
};

/* As --paypal-keys and --paypal-url say; false in `*ret_has`: there is no PayPal. */
NODISCARD bool paypal_wire_read(const struct options *options, struct paypal_wire *ret,
                                bool *ret_has, struct error *err);

/* One thread's: the token that it has. Zeroes: none yet. */
struct paypal_session {
    char token[PAYPAL_TOKEN_SIZE];
    int64_t until_s, pause_s; /* of the server's clock; nothing is looked at before the latter */
};

struct paypal_reply {
    int status;
    json_t *json; /* owned; NULL: it was no JSON */
};
#define auto_paypal_reply __attribute__((cleanup(paypal_reply_release)))
void paypal_reply_release(struct paypal_reply *reply);

/* With a token, which is asked for where there is none; one that is refused is asked for anew,
 * once. `once`: PayPal-Request-Id; NULL: none. False: there was no answer, or not all of it. */
struct paypal_request {
    const char *method, *path, *body; /* body "": none */
    const char *once;
    int64_t now_s;
};
NODISCARD bool paypal_wire_send(const struct paypal_wire *wire, struct paypal_session *session,
                                struct http_client *client, const struct paypal_request *request,
                                struct paypal_reply *ret, struct error *err);

#endif
