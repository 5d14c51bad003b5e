/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP on the loop: requests that go on beside each other, to the server and to the engine.
 *
 * An answer with any status is a success; failing means that there was no answer. A call ends by
 * its `on_done`, once, or by web_cancel(), after which nothing is called. Redirects are not
 * followed; TLS is verified. */

#ifndef BERTH_AGENT_WEB_H
#define BERTH_AGENT_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/loop.h"
#include "base/error.h"
#include "sys/http_client.h"

struct web;
struct web_call;

struct web_answer {
    bool is_answered; /* else `err` says why not */
    int status;       /* of HTTP */
    const char *body; /* borrowed; "" where it was taken in pieces */
    size_t length;
    int64_t retry_after_s; /* of its Retry-After; 0: it has none */
    struct error err;
};

typedef void web_on_done(void *context, const struct web_answer *answer);

struct web_request {
    struct http_request http; /* copied: headers, body and all */
    const char *unix_socket;  /* or NULL: the network; copied */
    const char *ca_file;      /* or NULL; copied */
    size_t reply_max;         /* a longer body is ERROR_OUT_OF_RANGE */
    int64_t idle_timeout_ms;  /* without a byte; 0: none */
    http_take *take;          /* the body in pieces; NULL: whole, in the answer */
    web_on_done *on_done;
    void *context;
};

struct web *web_open(struct loop *loop);

/* Cancels what is under way. */
void web_close(struct web **web);

/* Never fails here: what is wrong with it comes through `on_done`, on the loop. Sets the owner's
 * pointer back to NULL before `on_done` is called. */
void web_send(struct web *web, const struct web_request *request, struct web_call **owner);
void web_cancel(struct web_call **owner);

#endif
