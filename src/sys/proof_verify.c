/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/proof_verify.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sys/proof_tree.h"

/* An opening as it is read, and the sums over all rows that were. */
struct proof_check {
    struct proof_terms terms;
    struct hash commitment;
    struct hash *roots; /* of the opening that is read */
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

struct proof_check *proof_check_open(const struct proof_terms *terms, const struct hash *commitment)
{
    struct proof_check *check = must(malloc(sizeof *check));
    size_t n = terms->n;

    assert(proof_terms_are_valid(terms));
    int64_t *sums = must(calloc(3 * n, sizeof *sums));
    *check = (struct proof_check){ .terms = *terms,
                                   .commitment = *commitment,
                                   .roots = must(malloc(terms->rounds * sizeof(struct hash))),
                                   .row = must(malloc(n * sizeof(int32_t))),
                                   .a = must(malloc(n)),
                                   .low = sums,
                                   .high = sums + n,
                                   .left = sums + 2 * n };
    return check;
}

void proof_check_close(struct proof_check **check_owner)
{
    struct proof_check *check = *check_owner;

    if (check != NULL) {
        free(check->roots);
        free(check->row);
        free(check->a);
        free(check->low);
    }
    free(check);
    *check_owner = NULL;
}

/* The next row of C, if it is what was committed to. */
static bool read_row(struct proof_check *check, uint32_t round, uint32_t number)
{
    size_t size = check->terms.n * sizeof(int32_t), depth = proof_tree_depth(check->terms.n);
    struct hash path[PROOF_DEPTH_MAX];

    memcpy(check->row, check->at, size);
    memcpy(path, check->at + size, depth * sizeof path[0]);
    check->at += size + depth * sizeof path[0];
    struct hash root = proof_tree_climb(crypto_sha256(check->row, size), number, path, depth);
    return memcmp(&root, &check->roots[round], sizeof root) == 0;
}

static bool read_pair(struct proof_check *check, const struct proof_pair *pair, uint32_t weight)
{
    uint32_t n = check->terms.n;

    if (!read_row(check, pair->round, pair->row))
        return false;
    proof_loops()->add_wide(check->low, check->high, check->row, weight, n);
    if (pair->round == 0) {
        proof_line(check->terms.seed, PROOF_STREAM_A, pair->row, n, check->a);
    } else {
        if (!read_row(check, pair->round - 1, pair->row))
            return false;
        proof_loops()->requantise(check->row, pair->row,
                                  proof_round_key(&check->terms, pair->round), n, check->a);
    }
    proof_loops()->add_narrow(check->left, check->a, weight, n);
    return true;
}

enum proof_fault proof_check_take(struct proof_check *check, const struct proof_pair *pairs,
                                  size_t count, const uint8_t weights[static PROOF_SEED_SIZE],
                                  const void *opening, size_t length)
{
    size_t roots_size = check->terms.rounds * sizeof(struct hash);
    uint32_t drawn[PROOF_UNIT * 2 / sizeof(uint32_t)];

    _Static_assert(PROOF_OPENINGS_MAX <= sizeof drawn / sizeof drawn[0], "a weight for each");
    assert(count > 0 && count <= PROOF_OPENINGS_MAX);
    if (length != proof_opening_size(&check->terms, pairs, count))
        return PROOF_BAD_LENGTH;

    memcpy(check->roots, opening, roots_size);
    struct hash claimed = proof_tree_commitment(&check->terms, check->roots);
    if (memcmp(&claimed, &check->commitment, sizeof claimed) != 0)
        return PROOF_BAD_DIGEST;

    check->at = (const uint8_t *)opening + roots_size;
    proof_line(weights, PROOF_STREAM_WEIGHTS, 0, sizeof drawn, (int8_t *)drawn);
    for (size_t i = 0; i < count; i++) {
        if (!read_pair(check, &pairs[i], drawn[i] % PROOF_PRIME))
            return PROOF_BAD_DIGEST;
    }
    return PROOF_GOOD;
}

static uint32_t sum_of_c(const struct proof_check *check, uint32_t column)
{
    return proof_mod((int64_t)proof_mod(check->low[column]) +
                     65536 * (int64_t)proof_mod(check->high[column]));
}

/* sum(w A) B against sum(w C), a column of B after the other, none of them kept. */
enum proof_fault proof_check_end(const struct proof_check *check)
{
    uint32_t n = check->terms.n;
    auto_free int16_t *digits = must(malloc(2 * (size_t)n * sizeof *digits));
    int8_t *column = check->a;

    for (uint32_t i = 0; i < n; i++)
        proof_digits(proof_mod(check->left[i]), &digits[i], &digits[n + i]);
    for (uint32_t j = 0; j < n; j++) {
        int64_t sums[2];

        proof_line(check->terms.seed, PROOF_STREAM_B, j, n, column);
        proof_loops()->dots(digits, digits + n, column, n, sums);
        if (proof_mod(sums[0] + 65536 * sums[1]) != sum_of_c(check, j))
            return PROOF_BAD_PRODUCT;
    }
    return PROOF_GOOD;
}

/* Both sums modulo the prime. */
size_t proof_check_size(const struct proof_terms *terms)
{
    return 2 * (size_t)terms->n * sizeof(uint32_t);
}

void proof_check_save(const struct proof_check *check, uint8_t *ret)
{
    uint32_t n = check->terms.n;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t sums[2] = { sum_of_c(check, i), proof_mod(check->left[i]) };

        memcpy(ret + i * sizeof sums, sums, sizeof sums);
    }
}

bool proof_check_load(struct proof_check *check, const uint8_t *saved, size_t length)
{
    uint32_t n = check->terms.n;

    if (length != proof_check_size(&check->terms))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t sums[2];

        memcpy(sums, saved + i * sizeof sums, sizeof sums);
        if (sums[0] >= PROOF_PRIME || sums[1] >= PROOF_PRIME)
            return false;
        check->low[i] = sums[0];
        check->high[i] = 0;
        check->left[i] = sums[1];
    }
    return true;
}

enum proof_fault proof_verify(const struct proof_terms *terms, const struct hash *commitment,
                              const struct proof_pair *pairs, size_t count,
                              const uint8_t weights[static PROOF_SEED_SIZE], const void *opening,
                              size_t length)
{
    auto_proof_check struct proof_check *check = proof_check_open(terms, commitment);
    enum proof_fault fault = proof_check_take(check, pairs, count, weights, opening, length);

    return fault == PROOF_GOOD ? proof_check_end(check) : fault;
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
