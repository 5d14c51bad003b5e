/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/proof_disk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

static void *must(void *memory)
{
    if (memory == NULL)
        abort(); /* As base/buf.h says. */
    return memory;
}

bool disk_terms_are_valid(const struct disk_terms *terms)
{
    return terms->blocks >= DISK_BLOCKS_MIN && terms->blocks <= DISK_BLOCKS_MAX &&
           terms->reads >= 1 && terms->reads <= DISK_READS_MAX;
}

struct disk_chain disk_chain_of(const struct disk_terms *terms)
{
    struct disk_chain chain = { .next = 0 };

    assert(disk_terms_are_valid(terms));
    memcpy(chain.key, terms->seed, sizeof chain.key);
    return chain;
}

/* The next key comes from the block's last bytes: making it costs little beside writing it. */
void disk_chain_next(struct disk_chain *chain, uint8_t ret[static DISK_BLOCK_SIZE])
{
    uint8_t text[PROOF_SEED_SIZE + 64];

    proof_line(chain->key, PROOF_STREAM_DISK, chain->next++, DISK_BLOCK_SIZE, (int8_t *)ret);
    memcpy(text, chain->key, sizeof chain->key);
    memcpy(text + sizeof chain->key, ret + DISK_BLOCK_SIZE - 64, 64);
    struct hash next = crypto_sha256(text, sizeof text);
    memcpy(chain->key, next.bytes, sizeof chain->key);
}

struct hash disk_chain_end(const struct disk_chain *chain)
{
    return crypto_sha256(chain->key, sizeof chain->key);
}

void disk_draw(const struct disk_terms *terms, const uint8_t random[static PROOF_SEED_SIZE],
               uint32_t *ret_blocks)
{
    uint32_t numbers[PROOF_UNIT / sizeof(uint32_t)];
    uint32_t at_once = sizeof numbers / sizeof numbers[0];

    for (uint32_t i = 0; i < terms->reads; i++) {
        if (i % at_once == 0)
            proof_line(random, PROOF_STREAM_DISK, i / at_once, PROOF_UNIT, (int8_t *)numbers);
        /* Below 2^18 blocks of 2^32 numbers: none is likelier by more than one in 2^14. */
        ret_blocks[i] = numbers[i % at_once] % terms->blocks;
    }
}

struct hash disk_block_digest(const uint8_t random[static PROOF_SEED_SIZE],
                              const uint8_t block[static DISK_BLOCK_SIZE])
{
    uint8_t text[PROOF_SEED_SIZE + DISK_BLOCK_SIZE];

    memcpy(text, random, PROOF_SEED_SIZE);
    memcpy(text + PROOF_SEED_SIZE, block, DISK_BLOCK_SIZE);
    return crypto_sha256(text, sizeof text);
}

struct hash disk_answer(const struct hash *digests, uint32_t count)
{
    return crypto_sha256(digests, count * sizeof *digests);
}

/* A block's place in the draw. */
struct place {
    uint32_t block, at;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    return x->block != y->block ? (x->block > y->block) - (x->block < y->block)
                                : (x->at > y->at) - (x->at < y->at);
}

bool disk_verify(const struct disk_terms *terms, const struct hash *commitment,
                 const uint8_t random[static PROOF_SEED_SIZE], const struct hash *answer)
{
    struct disk_chain chain = disk_chain_of(terms);
    auto_free uint32_t *drawn = must(malloc(terms->reads * sizeof *drawn));
    auto_free struct place *places = must(malloc(terms->reads * sizeof *places));
    auto_free struct hash *digests = must(malloc(terms->reads * sizeof *digests));
    uint8_t block[DISK_BLOCK_SIZE];
    uint32_t done = 0;

    disk_draw(terms, random, drawn);
    for (uint32_t i = 0; i < terms->reads; i++)
        places[i] = (struct place){ drawn[i], i };
    qsort(places, terms->reads, sizeof *places, compare_places);
    for (uint32_t number = 0; number < terms->blocks; number++) {
        disk_chain_next(&chain, block);
        for (; done < terms->reads && places[done].block == number; done++)
            digests[places[done].at] = disk_block_digest(random, block);
    }
    struct hash end = disk_chain_end(&chain), want = disk_answer(digests, terms->reads);
    return crypto_equal(&end, commitment, sizeof end) && crypto_equal(&want, answer, sizeof want);
}
