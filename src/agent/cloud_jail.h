/* SPDX-License-Identifier: Apache-2.0 */
/* Where rclone runs: as nobody, in a root of its own that has the system's programs and
 * certificates, read-only, and a small folder for what is temporary; in the network that it is
 * given (cloud_ways.h). It sees no process of the host, no file of its owner's or of a renter's,
 * and can become nobody else. */

#ifndef BERTH_AGENT_CLOUD_JAIL_H
#define BERTH_AGENT_CLOUD_JAIL_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/compiler.h"

struct cloud_jail {
    const char
        *root;   /* an empty folder, over which the new root is mounted for this process alone */
    int network; /* of struct cloud_ways */
    uid_t uid;   /* and gid; of nobody else's */
};

/* False, with errno: do not go on. */
NODISCARD bool cloud_jail_enter(const struct cloud_jail *jail);

#endif
