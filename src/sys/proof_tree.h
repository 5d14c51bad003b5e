/* SPDX-License-Identifier: Apache-2.0 */
/* The trees of a proof: over the rows of a round, and the commitment over all rounds. A leaf is the
 * SHA-256 of a row, which is longer than the 64 bytes of a node: neither passes for the other. */

#ifndef BERTH_SYS_PROOF_TREE_H
#define BERTH_SYS_PROOF_TREE_H

#include "sys/proof.h"

enum { PROOF_DEPTH_MAX = 32 };

/* `count` is a power of two. */
size_t proof_tree_depth(uint32_t count);

/* Of a tree of `count` leaves, 2 * count nodes: the leaves, which are there, then the level above
 * them, and so on. Returns the root. */
struct hash proof_tree_build(struct hash *nodes, uint32_t count);

/* The siblings from the leaf up. Returns how many. */
size_t proof_tree_path(const struct hash *nodes, uint32_t count, uint32_t index,
                       struct hash path[static PROOF_DEPTH_MAX]);

/* The root that a leaf and its path lead to. */
struct hash proof_tree_climb(struct hash leaf, uint32_t index, const struct hash *path,
                             size_t depth);

/* Over the terms and `terms->rounds` roots. */
struct hash proof_tree_commitment(const struct proof_terms *terms, const struct hash *roots);

#endif
