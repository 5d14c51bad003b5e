/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up everything that reading hostile bytes does not need. */

#ifndef BERTH_AGENT_ACCESS_SANDBOX_H
#define BERTH_AGENT_ACCESS_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/compiler.h"

struct sandbox {
    const char *jail; /* an empty directory: all the files there are */
    uid_t uid;
    gid_t gid;
};

/* No root, no groups, no files, no new processes, programs, sockets or privileges; nobody's
 * debugger. False, with errno: do not go on. */
NODISCARD bool sandbox_enter(const struct sandbox *sandbox);

#endif
