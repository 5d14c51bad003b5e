/* SPDX-License-Identifier: Apache-2.0 */
/* What this host proves itself by: an Ed25519 key, and an RSA key for old clients. Made once and
 * kept, so that an instance that restarts, and the agent too, is the same host to everybody. */

#ifndef BERTH_AGENT_ACCESS_HOSTKEY_H
#define BERTH_AGENT_ACCESS_HOSTKEY_H

#include <libssh/libssh.h>
#include <stdbool.h>

#include "base/compiler.h"
#include "base/error.h"

struct access_hostkeys {
    ssh_key ed25519, rsa;
};

/* Read <directory>/host_ed25519 and host_rsa, or make those that are missing. ERROR_CORRUPT: a
 * file that is no key; it is left for a person to look at. */
NODISCARD bool access_hostkeys_open(const char *directory, struct access_hostkeys *ret_keys,
                                    struct error *err);
void access_hostkeys_close(struct access_hostkeys *keys);

#endif
