/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's own encryption of files (fscrypt, version 2 of its policies): AES-256-XTS for what
 * is in them, AES-256-CTS for their names. */

#ifndef BERTH_AGENT_WORKSPACE_CRYPT_H
#define BERTH_AGENT_WORKSPACE_CRYPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "proto/desired.h"

/* Give the key to the file system that `folder` is on, and encrypt what is below that folder with
 * it. An empty one becomes encrypted; one that is already has to be so with that key, else
 * ERROR_CONFLICT. ERROR_UNAVAILABLE: the kernel, or the file system, does not encrypt. */
NODISCARD bool workspace_unlock(int folder, const uint8_t key[static WORKSPACE_KEY_SIZE],
                                struct error *err);

/* Take the key away that the folder of that name, below `root` and on its file system, is encrypted
 * with, from whoever gave it. One that is gone is fine. ERROR_CONFLICT: files are open still, and
 * only those can be read on. */
NODISCARD bool workspace_lock(int root, const char *name, struct error *err);

#endif
