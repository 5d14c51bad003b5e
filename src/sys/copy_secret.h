/* SPDX-License-Identifier: Apache-2.0 */
/* What a copy between two instances is made safe with: from one secret, which the server tells the
 * host that copies, come the key that it logs in with, whose public half both instances' hosts are
 * told, and a greeting that they answer it with. Who does not know the greeting is not the host
 * that was meant, whatever address it answers at. */

#ifndef BERTH_SYS_COPY_SECRET_H
#define BERTH_SYS_COPY_SECRET_H

#include "sys/crypto.h"

struct copy_secret {
    struct hash seed;
};

/* The secret of an operation: the same each time, and known to the server alone. */
struct copy_secret copy_secret_of(const struct key_pair *server_keys, const char *op_id);

struct key_pair copy_secret_keys(const struct copy_secret *secret);
struct hash copy_secret_greeting(const struct copy_secret *secret);

#endif
