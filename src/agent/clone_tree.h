/* SPDX-License-Identifier: Apache-2.0 */
/* One folder's contents copied into another that is empty, as they are: owners, modes, times,
 * links, attributes, holes.
 *
 * What is copied belongs to a guest, who may change it meanwhile, and root copies it. So nothing is
 * ever reached by a path: each step opens one name below a folder that is open already, and never
 * follows a link, so that whatever the guest swaps, what is read lies in its folder, and on that
 * file system. What vanishes under way is left out; sockets and devices are, too. */

#ifndef BERTH_AGENT_CLONE_TREE_H
#define BERTH_AGENT_CLONE_TREE_H

#include <stdint.h>

#include "base/error.h"

enum { CLONE_DEPTH_MAX = 200, CLONE_LINKS_MAX = 1 << 20 };

struct clone_tree {
    int64_t bytes_max; /* ERROR_OUT_OF_RANGE past so much data */
    /* So far: */
    int64_t files, bytes;
    int64_t left_out; /* sockets, devices, and what is of another file system */
};

/* `from` and `to` are folders, and stay open. Files with several names keep them, up to
 * CLONE_LINKS_MAX of those. ERROR_OUT_OF_RANGE also below CLONE_DEPTH_MAX folders. */
NODISCARD bool clone_tree(int from, int to, struct clone_tree *tree, struct error *err);

#endif
