/* SPDX-License-Identifier: Apache-2.0 */
/* Proof of memory: that a GPU has so much of it, with so much bandwidth, checked without having
 * any.
 *
 * The memory is cells of 64 bytes in two halves, filled by ChaCha8 from a seed. Then follow layers:
 * in each, all cells of one half are mixed in place with cells of the other one, taken in an order
 * that jumps all over it. Odd layers change the first half, even ones the second. The prover hashes
 * all cells into a tree and commits to its root; only then it learns which cells to show.
 *
 * What was overwritten is gone, so who did not keep a cell has to make it anew from the seed: as
 * many mixes as Fibonacci's number of the layers, for each. The verifier does just that, for a few
 * cells. Later rounds ask for cells and their paths alone: that what was committed to is still
 * there. */

#ifndef BERTH_SYS_PROOF_MEMORY_H
#define BERTH_SYS_PROOF_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "sys/crypto.h"
#include "sys/proof_cells.h"
#include "sys/proof_verify.h"

/* What has the memory. Both return false where it failed. */
struct memory_engine {
    /* Fill, mix all layers, and hash: a root for each page. */
    bool (*make)(void *context, const struct memory_terms *terms, struct hash *ret_pages);
    bool (*read)(void *context, uint64_t page, uint8_t ret[static MEMORY_PAGE_SIZE]);
    void *context;
};

/* This processor's, the reference that all others must equal. NULL: no room. */
struct memory_plain;
struct memory_plain *memory_plain_open(const struct memory_terms *terms);
void memory_plain_close(struct memory_plain **plain);
struct memory_engine memory_plain_engine(struct memory_plain *plain);

struct hash memory_page_root(const uint8_t page[static MEMORY_PAGE_SIZE], uint64_t number);

/* A prover's work on one challenge. NULL: the engine failed. */
struct memory_run;
#define auto_memory_run __attribute__((cleanup(memory_run_close)))
struct memory_run *memory_run_open(const struct memory_terms *terms, struct memory_engine engine,
                                   struct hash *ret_commitment);
void memory_run_close(struct memory_run **run);

/* Adds the root, and each cell with its path. False: the engine failed. */
bool memory_run_show(const struct memory_run *run, const uint64_t *cells, size_t count,
                     struct buf *out);

size_t memory_shown_size(const struct memory_terms *terms, size_t count);

/* Cells from random bytes that the prover could not know; different ones, if there are as many. */
void memory_draw(const struct memory_terms *terms, const uint8_t random[static PROOF_SEED_SIZE],
                 uint64_t *ret_cells, size_t count);

/* Whether what is shown is what was committed to. */
enum proof_fault memory_verify(const struct memory_terms *terms, const struct hash *commitment,
                               const uint64_t *cells, size_t count, const void *shown,
                               size_t length);

/* And whether that is what the seed comes to: PROOF_BAD_PRODUCT where not. */
enum proof_fault memory_verify_anew(const struct memory_terms *terms, const struct hash *commitment,
                                    const uint64_t *cells, size_t count, const void *shown,
                                    size_t length);

#endif
