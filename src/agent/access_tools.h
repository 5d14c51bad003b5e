/* SPDX-License-Identifier: Apache-2.0 */
/* The folder that every container mounts read-only at /opt/berth.
 *
 *   bin/berth-guest   the static helper (access.h)
 *   bin/scp           the helper under another name: the far end of scp -O
 *   bin/rsync         where the host has rsync: the helper under another name, which runs
 *   lib/...           a copy of the host's rsync with its own loader and libraries, so that it
 *                     works in images that have no libc, or another one
 */

#ifndef BERTH_AGENT_ACCESS_TOOLS_H
#define BERTH_AGENT_ACCESS_TOOLS_H

#include <stdbool.h>

#include "base/error.h"

#define ACCESS_TOOLS_MOUNT  "/opt/berth"
#define ACCESS_GUEST_HELPER ACCESS_TOOLS_MOUNT "/bin/berth-guest"

/* Fill `dir` (made if missing) from the helper at `guest_path`. Files are replaced whole, so that
 * running containers keep a working helper. Sets `*ret_has_rsync`; no rsync on the host is not a
 * failure. */
NODISCARD bool access_tools_install(const char *guest_path, const char *dir, bool *ret_has_rsync,
                                    struct error *err);

#endif
