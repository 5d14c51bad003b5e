/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent signs to open a session: good for one machine, for its next epoch, for a minute.
 *
 * Nothing is stored of it. It says when it ends, and under the server's key what it is for; the
 * session that it opens begins a new epoch, for which it is not good any more. So it is taken once,
 * by any server of the market, and nobody fills a database by asking. */

#ifndef BERTH_FLOW_NONCE_H
#define BERTH_FLOW_NONCE_H

#include "base/instant.h"
#include "sys/crypto.h"

enum { NONCE_SECONDS = 60, NONCE_SIZE = 32 };

/* For a machine that there is none of: what no session has. */
enum { NONCE_EPOCH_NONE = -1 };

struct nonce_terms {
    int64_t machine_id;
    int64_t epoch; /* the one before that which it opens; 0: there was none */
};

void nonce_give(const struct key_pair *server_keys, const struct nonce_terms *terms,
                struct instant now, uint8_t ret_nonce[static NONCE_SIZE]);

/* Whether it was given for that, and is good still. */
NODISCARD bool nonce_is_good(const struct key_pair *server_keys, const struct nonce_terms *terms,
                             struct instant now, const uint8_t nonce[static NONCE_SIZE]);

#endif
