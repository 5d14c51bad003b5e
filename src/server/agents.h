/* SPDX-License-Identifier: Apache-2.0 */
/* The channel of agents (proto/hello.h): who signed a request, and polls that are held until the
 * desired state changes. Its handlers are in handle_agent.c.
 *
 * A key is read from the store once an epoch and kept in the hub. The epoch and the sequence number
 * are checked again inside the flows, in the transaction that they let in: what the hub knows only
 * spares reads. */

#ifndef BERTH_SERVER_AGENTS_H
#define BERTH_SERVER_AGENTS_H

#include "server/app.h"
#include "server/auth.h"
#include "server/hub.h"

/* For struct authority; the context is the struct app. ERROR_UNAUTHORIZED: no such machine, or not
 * its signature, which of them is not said. ERROR_CONFLICT: not the present epoch. */
bool agents_check(void *context, const struct http_request *request, struct caller *ret,
                  struct error *err);

/* The sequence number of a request that agents_check() let pass. */
int64_t agents_seq(const struct http_request *request);

/* The hub's hub_release: answers the poll, or looks at the desired state again on a worker. */
void agents_release(void *poll, enum hub_reason reason);

/* Answer the call with the desired state once its revision is above `after`, or with 204. */
void agents_poll(struct call *call, int64_t after);

#endif
