/* SPDX-License-Identifier: Apache-2.0 */
/* What holds a container to its size on this host. The engine can have the file system do it, where
 * its data lies on one that counts by project (xfs with pquota, under overlay2) or by subvolume
 * (btrfs, under the driver of that name). Everywhere else the server watches what is used, warns
 * and stops (market/disk_watch.h), and a guest can fill the disk in between.
 * How a limit is raised under a container that runs: agent/grow.h. */

#ifndef BERTH_AGENT_QUOTA_H
#define BERTH_AGENT_QUOTA_H

#include <stdbool.h>

enum { QUOTA_MOUNTS_MAX = 1 << 20, QUOTA_TEXT_SIZE = 160 };

struct quota {
    bool is_enforced;
    char text[QUOTA_TEXT_SIZE]; /* which one it is; or why there is none */
};

/* For an engine with that storage driver and data folder, by the text of /proc/self/mountinfo. */
struct quota quota_of(const char *driver, const char *root, const char *mounts);

#endif
