/* SPDX-License-Identifier: Apache-2.0 */
/* More disk for an instance that runs: the limit that the engine gave its container when it was
 * made, raised in place, while the renter's programs write on. The engine has no call for that, so
 * the file system is told: xfs of another limit for the container's project, btrfs for its
 * subvolume, of which the engine also keeps a note that it reads at each start. Where containers
 * have no limit there is nothing to do: the server's watch knows how much was rented.
 *
 * What is tried and fails is tried again; a container that is made anew has the new size. */

#ifndef BERTH_AGENT_GROW_H
#define BERTH_AGENT_GROW_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

enum { GROW_RETRY_MS = 5000, GROW_WORK_MS = 30000 };

struct agent;
struct job;

/* One at a time. */
struct grow {
    struct job *job;
    int64_t instance_id, disk_gb, retry_us;
};

/* About every second. */
void grow_tend(struct agent *agent);
void grow_close(struct agent *agent);

/* The folder that a container writes into may take `bytes` from now on. `backing`: the device that
 * it is on, for xfs. */
NODISCARD bool grow_xfs(const char *folder, const char *backing, int64_t bytes, struct error *err);
NODISCARD bool grow_btrfs(const char *subvolume, const char *note, int64_t bytes,
                          struct error *err);

#endif
