/* SPDX-License-Identifier: Apache-2.0 */
/* Sends what the outbox has for webhooks (server/deliver.h): a signed POST, as docs/webhooks.md has
 * it. What is sent again has the same event id and body, another attempt number and time. */

#ifndef BERTH_SERVER_WEBHOOKS_H
#define BERTH_SERVER_WEBHOOKS_H

#include "flow/flow.h"
#include "server/deliver.h"

struct webhooks {
    const struct flow *flow;
    const char *url;   /* of the market, for the texts; may be NULL */
    bool allows_local; /* --allow-local-webhooks: http and any address, to try things */
};

deliver_send webhooks_send; /* its context is a struct webhooks */

#endif
