/* SPDX-License-Identifier: Apache-2.0 */
/* The key of a copy as others read it. */

#ifndef BERTH_AGENT_COPY_KEY_H
#define BERTH_AGENT_COPY_KEY_H

#include "sys/crypto.h"

enum { COPY_KEY_PEM_SIZE = 1024 };

/* OpenSSH's own form of a private key, in lines: wipe it afterwards. */
void copy_key_pem(const struct key_pair *keys, char text[static COPY_KEY_PEM_SIZE]);

#endif
