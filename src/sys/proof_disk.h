/* SPDX-License-Identifier: Apache-2.0 */
/* Proof of disk: that bytes went to it and came back, as fast as a clock elsewhere says.
 *
 * From a seed follows a file of blocks that nothing can shorten, each made with a key that comes
 * from the block before. The prover writes it, past its memory, and commits to its end; only then
 * it learns which blocks to read, here and there, and answers with a digest of all of them. The
 * verifier makes the file anew, without keeping it, and needs no disk.
 *
 * What is shown is at most what the prover has: whoever keeps the file in memory shows that. So it
 * refutes a disk that is said to be faster, and does not measure one. */

#ifndef BERTH_SYS_PROOF_DISK_H
#define BERTH_SYS_PROOF_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "sys/crypto.h"
#include "sys/proof_arith.h"

enum {
    DISK_BLOCK_SIZE = 4096,
    DISK_BLOCKS_MIN = 256,
    DISK_BLOCKS_MAX = 262144, /* 1 GiB */
    DISK_READS_MAX = 8192,
};

struct disk_terms {
    uint8_t seed[PROOF_SEED_SIZE];
    uint32_t blocks, reads;
};

bool disk_terms_are_valid(const struct disk_terms *terms);

/* The blocks, one after the other. */
struct disk_chain {
    uint8_t key[PROOF_SEED_SIZE];
    uint32_t next;
};
struct disk_chain disk_chain_of(const struct disk_terms *terms);
void disk_chain_next(struct disk_chain *chain, uint8_t ret[static DISK_BLOCK_SIZE]);

/* What is committed to, behind the last block. */
struct hash disk_chain_end(const struct disk_chain *chain);

/* Which blocks to read, `terms->reads` of them, from bytes that the prover could not know. One may
 * come more than once. */
void disk_draw(const struct disk_terms *terms, const uint8_t random[static PROOF_SEED_SIZE],
               uint32_t *ret_blocks);

/* A block that was read, and all of them in the order in which they were drawn: the answer. */
struct hash disk_block_digest(const uint8_t random[static PROOF_SEED_SIZE],
                              const uint8_t block[static DISK_BLOCK_SIZE]);
struct hash disk_answer(const struct hash *digests, uint32_t count);

/* Whether both are what the seed comes to. Takes as long as making the file. */
bool disk_verify(const struct disk_terms *terms, const struct hash *commitment,
                 const uint8_t random[static PROOF_SEED_SIZE], const struct hash *answer);

#endif
