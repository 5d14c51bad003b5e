/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/proof_cells.h"

#include <assert.h>
#include <string.h>

enum { FEISTEL_ROUNDS = 4 };

bool memory_terms_are_valid(const struct memory_terms *terms)
{
    return terms->pages >= 2 && terms->pages % 2 == 0 && terms->pages <= MEMORY_PAGES_MAX &&
           terms->layers >= 1 && terms->layers <= MEMORY_LAYERS_MAX;
}

uint64_t memory_cells(const struct memory_terms *terms)
{
    return terms->pages * MEMORY_PAGE_CELLS;
}

static uint32_t scramble(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7FEB352Du;
    x ^= x >> 15;
    x *= 0x846CA68Bu;
    return x ^ x >> 16;
}

/* A Feistel network over the next power of four, walked until it is back in the half: on average
 * less than four times. */
uint64_t memory_partner(const struct memory_terms *terms, uint32_t layer, uint64_t number)
{
    uint64_t half = memory_cells(terms) / 2;
    uint32_t keys[8], bits = 1;

    assert(number < half);
    memcpy(keys, terms->seed, sizeof keys);
    while (UINT64_C(1) << (2 * bits) < half)
        bits++;
    uint32_t mask = (UINT32_C(1) << bits) - 1;
    do {
        uint32_t left = (uint32_t)(number >> bits), right = (uint32_t)number & mask;

        for (uint32_t round = 0; round < FEISTEL_ROUNDS; round++) {
            uint32_t key =
                keys[(layer + 2 * round) % 8] + (layer * FEISTEL_ROUNDS + round + 1) * 0x9E3779B1u;
            uint32_t next = left ^ (scramble(right ^ key) & mask);

            left = right;
            right = next;
        }
        number = (uint64_t)left << bits | right;
    } while (number >= half);
    return number;
}

void cells_fill(const struct memory_terms *terms, const uint64_t numbers[static MEMORY_AT_ONCE],
                struct cells *ret)
{
    static const uint32_t constants[4] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
    static const struct cells nothing;
    uint32_t keys[8];

    memcpy(keys, terms->seed, sizeof keys);
    for (int k = 0; k < MEMORY_AT_ONCE; k++) {
        for (int i = 0; i < 4; i++)
            ret->words[i][k] = constants[i];
        for (int i = 0; i < 8; i++)
            ret->words[4 + i][k] = keys[i];
        ret->words[12][k] = (uint32_t)numbers[k];
        ret->words[13][k] = (uint32_t)(numbers[k] >> 32);
        ret->words[14][k] = 0;
        ret->words[15][k] = PROOF_STREAM_MEMORY;
    }
    proof_loops()->mix(ret->words, nothing.words);
}

/* Cells of one half, numbered in it, as they are after a layer that changed it; layer 0 or below:
 * as they were filled. */
static void make_anew(const struct memory_terms *terms, int layer, bool is_second,
                      const uint64_t numbers[static MEMORY_AT_ONCE], struct cells *ret)
{
    uint64_t others[MEMORY_AT_ONCE], half = memory_cells(terms) / 2;
    struct cells partners;

    if (layer <= 0) {
        for (int k = 0; k < MEMORY_AT_ONCE; k++)
            others[k] = numbers[k] + (is_second ? half : 0);
        cells_fill(terms, others, ret);
        return;
    }
    for (int k = 0; k < MEMORY_AT_ONCE; k++)
        others[k] = memory_partner(terms, (uint32_t)layer, numbers[k]);
    make_anew(terms, layer - 2, is_second, numbers, ret);
    make_anew(terms, layer - 1, !is_second, others, &partners);
    proof_loops()->mix(ret->words, (const uint32_t(*)[8])partners.words);
}

void cells_unpack(const struct cells *cells, int k, uint8_t ret[static MEMORY_CELL_SIZE])
{
    for (int i = 0; i < MEMORY_WORDS; i++)
        memcpy(ret + sizeof(uint32_t) * (size_t)i, &cells->words[i][k], sizeof(uint32_t));
}

void cells_pack(struct cells *cells, int k, const uint8_t from[static MEMORY_CELL_SIZE])
{
    for (int i = 0; i < MEMORY_WORDS; i++)
        memcpy(&cells->words[i][k], from + sizeof(uint32_t) * (size_t)i, sizeof(uint32_t));
}

void memory_anew(const struct memory_terms *terms, const uint64_t cells[static MEMORY_AT_ONCE],
                 uint8_t ret[static MEMORY_AT_ONCE][MEMORY_CELL_SIZE])
{
    uint64_t half = memory_cells(terms) / 2, numbers[MEMORY_AT_ONCE];
    bool is_second = cells[0] >= half;
    struct cells made;
    /* The last layer that changed this half: odd ones change the first. */
    int last = (int)terms->layers;

    if ((last % 2 == 0) != is_second)
        last--;
    for (int k = 0; k < MEMORY_AT_ONCE; k++) {
        assert((cells[k] >= half) == is_second && cells[k] < 2 * half);
        numbers[k] = cells[k] - (is_second ? half : 0);
    }
    make_anew(terms, last, is_second, numbers, &made);
    for (int k = 0; k < MEMORY_AT_ONCE; k++)
        cells_unpack(&made, k, ret[k]);
}

uint64_t memory_mixes(uint32_t layers)
{
    uint64_t before = 0, now = 0; /* of a layer before the first, and of filling */

    for (uint32_t layer = 0; layer < layers; layer++) {
        uint64_t next = before + now + 1;

        before = now;
        now = next;
    }
    return now;
}
