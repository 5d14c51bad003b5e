/* SPDX-License-Identifier: Apache-2.0 */
/* What a folder takes of the file system that it is on: bytes, and inodes, of which many file
 * systems have a number that is fixed when they are made.
 *
 * It is filled by somebody who may want it not to be measured, so it is walked by the kernel's own
 * handles for folders, one open at a time: no depth, no length of a path and no number of files in
 * one folder costs more memory than the handles of those that are still to be looked into. */

#ifndef BERTH_AGENT_TREE_H
#define BERTH_AGENT_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/statvfs.h>

#include "base/error.h"

enum {
    TREE_FOLDERS_MAX = 4 << 20, /* known and not looked into yet; behind those it stops */
    TREE_SCARCE_PERCENT = 20,   /* inodes left, below which they count */
};

struct tree_size {
    int64_t bytes, inodes; /* of a file with many names, a part for each */
};

/* What is below it, itself among it, and on the same file system. Needs root. */
NODISCARD bool tree_measure(const char *folder, struct tree_size *ret, struct error *err);

/* Whether that file system is running out of inodes. */
bool tree_is_scarce(const struct statvfs *file_system);

/* In MB, what it takes: its bytes; or, where inodes are scarce and it has more than its part of
 * them, the bytes that there are for as many. */
int64_t tree_used_mb(const struct tree_size *size, const struct statvfs *file_system);

#endif
