/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/proof_tree.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static struct hash node(const struct hash *left, const struct hash *right)
{
    struct hash both[2] = { *left, *right };

    return crypto_sha256(both, sizeof both);
}

size_t proof_tree_depth(uint32_t count)
{
    size_t depth = 0;

    for (; (UINT32_C(1) << depth) < count; depth++)
        continue;
    return depth;
}

struct hash proof_tree_build(struct hash *nodes, uint32_t count)
{
    struct hash *level = nodes, *above = nodes + count;

    assert(count > 0 && (count & (count - 1)) == 0);
    for (; count > 1; count /= 2) {
        for (uint32_t i = 0; i < count / 2; i++)
            above[i] = node(&level[2 * i], &level[2 * i + 1]);
        level = above;
        above += count / 2;
    }
    return level[0];
}

size_t proof_tree_path(const struct hash *nodes, uint32_t count, uint32_t index,
                       struct hash path[static PROOF_DEPTH_MAX])
{
    size_t depth = 0;

    assert(proof_tree_depth(count) <= PROOF_DEPTH_MAX && index < count);
    for (; count > 1; count /= 2, index /= 2) {
        path[depth++] = nodes[index ^ 1];
        nodes += count;
    }
    return depth;
}

struct hash proof_tree_climb(struct hash leaf, uint32_t index, const struct hash *path,
                             size_t depth)
{
    for (size_t i = 0; i < depth; i++, index /= 2)
        leaf = index % 2 == 0 ? node(&leaf, &path[i]) : node(&path[i], &leaf);
    return leaf;
}

struct hash proof_tree_commitment(const struct proof_terms *terms, const struct hash *roots)
{
    auto_buf struct buf text = buf_of(256 + PROOF_ROUNDS_MAX * sizeof roots[0]);

    buf_printf(&text, "berth-proof-v1\n%" PRIu32 "\n%" PRIu32 "\n", terms->n, terms->rounds);
    buf_append(&text, (const char *)terms->seed, sizeof terms->seed);
    buf_append(&text, (const char *)roots, terms->rounds * sizeof roots[0]);
    return crypto_sha256(text.bytes, text.length);
}
