/* SPDX-License-Identifier: Apache-2.0 */
/* The cells of a proof of memory (sys/proof_memory.h): what a seed fills them with, whose partner
 * is whose, and what one of them is in the end, made anew with no memory at all. Eight are worked
 * on at a time, beside one another. */

#ifndef BERTH_SYS_PROOF_CELLS_H
#define BERTH_SYS_PROOF_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys/proof_arith.h"

enum {
    MEMORY_CELL_SIZE = 64,
    MEMORY_PAGE_CELLS = 256, /* of a page: what is hashed and read at once */
    MEMORY_PAGE_SIZE = MEMORY_CELL_SIZE * MEMORY_PAGE_CELLS,
    MEMORY_LAYERS = 20,
    MEMORY_LAYERS_MAX = 24,
    MEMORY_CELLS = 64,       /* made anew by the verifier */
    MEMORY_ROUNDS = 16,      /* that ask whether it is still there, */
    MEMORY_ROUND_CELLS = 32, /* for so many cells */
    MEMORY_DRAW_MAX = 256,
};
#define MEMORY_PAGES_MAX (UINT64_C(1) << 24) /* 256 GiB */

struct memory_terms {
    uint8_t seed[PROOF_SEED_SIZE]; /* fresh for each challenge and GPU */
    uint64_t pages;                /* even, 2 to MEMORY_PAGES_MAX */
    uint32_t layers;               /* 1 to MEMORY_LAYERS_MAX */
};

bool memory_terms_are_valid(const struct memory_terms *terms);
uint64_t memory_cells(const struct memory_terms *terms);

/* The number that a cell's partner has in the other half, in that layer: of one half's cells each
 * is the partner of one. */
uint64_t memory_partner(const struct memory_terms *terms, uint32_t layer, uint64_t number);

enum { MEMORY_AT_ONCE = 8, MEMORY_WORDS = 16 };
_Static_assert(sizeof(uint32_t) * MEMORY_WORDS == MEMORY_CELL_SIZE, "words of a cell");

/* Word w of cell k is at [w][k]. */
struct cells {
    uint32_t words[MEMORY_WORDS][MEMORY_AT_ONCE];
};
void cells_pack(struct cells *cells, int k, const uint8_t from[static MEMORY_CELL_SIZE]);
void cells_unpack(const struct cells *cells, int k, uint8_t ret[static MEMORY_CELL_SIZE]);

/* As they are before the first layer. */
void cells_fill(const struct memory_terms *terms, const uint64_t numbers[static MEMORY_AT_ONCE],
                struct cells *ret);

/* Eight cells of one half as they are after the last layer: what the verifier does, and whoever did
 * not keep them. */
void memory_anew(const struct memory_terms *terms, const uint64_t cells[static MEMORY_AT_ONCE],
                 uint8_t ret[static MEMORY_AT_ONCE][MEMORY_CELL_SIZE]);

/* Mixes that one cell costs that was changed in the last layer. */
uint64_t memory_mixes(uint32_t layers);

#endif
