/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/proof_verify.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sys/proof_tree.h"

/* An opening as it is read, and the sums over its rows. */
struct reading {
    const struct proof_terms *terms;
    const struct hash *roots;
    const uint8_t *at;
    int32_t *row;        /* one row of C */
    int8_t *a;           /* one of A */
    int64_t *low, *high; /* over all: weight's digits times C */
    int64_t *left;       /* over all: weight times A */
};

static void *must(void *memory)
{
    if (memory == NULL)
        abort(); /* As base/buf.h says. */
    return memory;
}

/* The next row of C, if it is what was committed to. */
static bool read_row(struct reading *reading, uint32_t round, uint32_t number)
{
    size_t size = reading->terms->n * sizeof(int32_t), depth = proof_tree_depth(reading->terms->n);
    struct hash path[PROOF_DEPTH_MAX];

    memcpy(reading->row, reading->at, size);
    memcpy(path, reading->at + size, depth * sizeof path[0]);
    reading->at += size + depth * sizeof path[0];
    struct hash root = proof_tree_climb(crypto_sha256(reading->row, size), number, path, depth);
    return memcmp(&root, &reading->roots[round], sizeof root) == 0;
}

static bool read_pair(struct reading *reading, const struct proof_pair *pair, uint32_t weight)
{
    uint32_t n = reading->terms->n;

    if (!read_row(reading, pair->round, pair->row))
        return false;
    proof_loops()->add_wide(reading->low, reading->high, reading->row, weight, n);
    if (pair->round == 0) {
        proof_line(reading->terms->seed, PROOF_STREAM_A, pair->row, n, reading->a);
    } else {
        if (!read_row(reading, pair->round - 1, pair->row))
            return false;
        proof_loops()->requantise(reading->row, pair->row,
                                  proof_round_key(reading->terms, pair->round), n, reading->a);
    }
    proof_loops()->add_narrow(reading->left, reading->a, weight, n);
    return true;
}

/* sum(w A) B against sum(w C), a column of B after the other, none of them kept. */
static bool products_hold(const struct reading *reading)
{
    uint32_t n = reading->terms->n;
    auto_free int16_t *digits = must(malloc(2 * (size_t)n * sizeof *digits));
    int8_t *column = reading->a;

    for (uint32_t i = 0; i < n; i++)
        proof_digits(proof_mod(reading->left[i]), &digits[i], &digits[n + i]);
    for (uint32_t j = 0; j < n; j++) {
        int64_t sums[2];

        proof_line(reading->terms->seed, PROOF_STREAM_B, j, n, column);
        proof_loops()->dots(digits, digits + n, column, n, sums);
        int64_t want =
            (int64_t)proof_mod(reading->low[j]) + 65536 * (int64_t)proof_mod(reading->high[j]);
        if (proof_mod(sums[0] + 65536 * sums[1]) != proof_mod(want))
            return false;
    }
    return true;
}

static enum proof_fault verify(struct reading *reading, const struct proof_pair *pairs,
                               size_t count, const uint32_t *weights)
{
    for (size_t i = 0; i < count; i++) {
        if (!read_pair(reading, &pairs[i], weights[i] % PROOF_PRIME))
            return PROOF_BAD_DIGEST;
    }
    return products_hold(reading) ? PROOF_GOOD : PROOF_BAD_PRODUCT;
}

enum proof_fault proof_verify(const struct proof_terms *terms, const struct hash *commitment,
                              const struct proof_pair *pairs, size_t count,
                              const uint8_t weights[static PROOF_SEED_SIZE], const void *opening,
                              size_t length)
{
    size_t n = terms->n, roots_size = terms->rounds * sizeof(struct hash);
    uint32_t drawn[PROOF_UNIT * 2 / sizeof(uint32_t)];

    _Static_assert(PROOF_OPENINGS_MAX <= sizeof drawn / sizeof drawn[0], "a weight for each");
    assert(proof_terms_are_valid(terms) && count > 0 && count <= PROOF_OPENINGS_MAX);
    if (length != proof_opening_size(terms, pairs, count))
        return PROOF_BAD_LENGTH;

    auto_free struct hash *roots = must(malloc(roots_size));
    memcpy(roots, opening, roots_size);
    struct hash claimed = proof_tree_commitment(terms, roots);
    if (memcmp(&claimed, commitment, sizeof claimed) != 0)
        return PROOF_BAD_DIGEST;

    auto_free int32_t *row = must(malloc(n * sizeof *row));
    auto_free int8_t *a = must(malloc(n));
    auto_free int64_t *sums = must(calloc(3 * n, sizeof *sums));
    struct reading reading = { .terms = terms,
                               .roots = roots,
                               .at = (const uint8_t *)opening + roots_size,
                               .row = row,
                               .a = a,
                               .low = sums,
                               .high = sums + n,
                               .left = sums + 2 * n };
    proof_line(weights, PROOF_STREAM_WEIGHTS, 0, sizeof drawn, (int8_t *)drawn);
    return verify(&reading, pairs, count, drawn);
}

const char *proof_fault_name(enum proof_fault fault)
{
    switch (fault) {
    case PROOF_BAD_LENGTH:
        return "bad_length";
    case PROOF_BAD_DIGEST:
        return "bad_digest";
    case PROOF_BAD_PRODUCT:
        return "bad_product";
    case PROOF_GOOD:
        break;
    }
    return "good";
}
