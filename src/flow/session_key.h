/* SPDX-License-Identifier: Apache-2.0 */
/* Which of a machine's two keys made a signature (flow/machine_key.h). */

#ifndef BERTH_FLOW_SESSION_KEY_H
#define BERTH_FLOW_SESSION_KEY_H

#include "base/buf.h"
#include "store/session.h"
#include "sys/crypto.h"

/* The key of the machine's that made the signature: its newest, or the one before while that is
 * good. */
struct session_key {
    uint8_t public_key[32];
    struct instant until; /* INSTANT_NEVER: the newest */
};
NODISCARD bool session_key_of(const struct session_identity *identity, struct instant now,
                              const struct signature *signature, const struct buf *text,
                              struct session_key *ret);

#endif
