/* SPDX-License-Identifier: Apache-2.0 */
/* What a proof in the making says to the server, and hears (proto/challenge.h). Inside src/agent/,
 * in the child that makes it. */

#ifndef BERTH_AGENT_PROVE_CALL_H
#define BERTH_AGENT_PROVE_CALL_H

#include "agent/prover.h"
#include "sys/crypto.h"
#include "sys/http_client.h"

/* A call on a connection that goes on, and what comes back, as it is. `reply` has its limit. */
struct http_client *prove_connect(const struct prove *prove);
NODISCARD bool prove_post(const struct prove *prove, struct http_client *client, const char *path,
                          const struct buf *body, struct buf *reply, struct error *err);

/* The next number that the server gives for this proof; and the first ones, at once: the server
 * looks how long we are away. */
NODISCARD bool prove_nonce(const struct prove *prove, int64_t number, uint32_t *ret,
                           struct error *err);
NODISCARD bool prove_ping(const struct prove *prove, struct error *err);

NODISCARD bool prove_commit(const struct prove *prove, const struct hash *commitment,
                            struct challenge_draw *ret, struct error *err);
NODISCARD bool prove_show(const struct prove *prove, const struct buf *opening,
                          struct challenge_verdict *ret, struct error *err);

#endif
