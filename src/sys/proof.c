/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/proof.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sys/proof_tree.h"

enum { ROWS_AT_ONCE = 64 };

static void *must(void *memory)
{
    if (memory == NULL)
        abort(); /* As base/buf.h says. */
    return memory;
}

bool proof_terms_are_valid(const struct proof_terms *terms)
{
    bool is_power = (terms->n & (terms->n - 1)) == 0;

    return is_power && terms->n >= PROOF_UNIT && terms->n <= PROOF_N_MAX && terms->rounds >= 1 &&
           terms->rounds <= PROOF_ROUNDS_MAX && (!terms->is_live || terms->rounds > PROOF_NONCES);
}

/* All of them, in order: from the second round to the last. */
uint32_t proof_nonce_of(const struct proof_terms *terms, uint32_t round)
{
    assert(terms->is_live && round > 0 && round < terms->rounds);
    return (round - 1) * PROOF_NONCES / (terms->rounds - 1);
}

uint32_t proof_round_key(const struct proof_terms *terms, uint32_t round)
{
    return terms->is_live ? round ^ terms->nonces[proof_nonce_of(terms, round)] : round;
}

struct proof_plain {
    uint32_t n;
    int8_t b[]; /* by columns */
};

struct proof_plain *proof_plain_open(const struct proof_terms *terms)
{
    assert(proof_terms_are_valid(terms));
    struct proof_plain *plain = must(malloc(sizeof *plain + (size_t)terms->n * terms->n));

    plain->n = terms->n;
    for (uint32_t column = 0; column < terms->n; column++)
        proof_line(terms->seed, PROOF_STREAM_B, column, terms->n,
                   plain->b + (size_t)column * terms->n);
    return plain;
}

void proof_plain_close(struct proof_plain **plain_owner)
{
    free(*plain_owner);
    *plain_owner = NULL;
}

static void multiply_plain(void *context, const struct proof_terms *terms,
                           const struct proof_rows *rows)
{
    const struct proof_plain *plain = context;
    const struct proof_loops *loops = proof_loops();
    uint32_t n = terms->n;
    auto_free int16_t *wide = must(malloc((size_t)rows->count * n * sizeof *wide));

    assert(plain->n == n);
    for (size_t i = 0; i < (size_t)rows->count * n; i++)
        wide[i] = rows->a[i];
    for (uint32_t column = 0; column < n; column++) {
        const int8_t *b = plain->b + (size_t)column * n;

        for (uint32_t i = 0; i < rows->count; i++)
            rows->ret_c[(size_t)i * n + column] = loops->dot(wide + (size_t)i * n, b, n);
    }
}

struct proof_engine proof_plain_engine(struct proof_plain *plain)
{
    return (struct proof_engine){ .multiply = multiply_plain, .context = plain };
}

struct proof_run {
    struct proof_terms terms;
    struct proof_engine engine;
    struct hash *nodes; /* by round, 2 n of each: its tree; owned */
    struct hash *roots; /* by round; owned */
    proof_ask_nonce *ask;
    void *ask_context;
    uint32_t nonce_count; /* known so far */
};

static struct hash row_digest(const int32_t *c, uint32_t n)
{
    return crypto_sha256(c, (size_t)n * sizeof *c);
}

/* What the round after this one is scrambled with. */
static bool learn_nonce(struct proof_run *run, uint32_t round)
{
    uint32_t index = run->nonce_count;

    if (!run->terms.is_live || round + 1 == run->terms.rounds ||
        proof_nonce_of(&run->terms, round + 1) != index)
        return true;
    run->nonce_count++;
    return run->ask(run->ask_context, index, &run->terms.nonces[index]);
}

/* The same by rows: `a` becomes what the next round takes. */
static void multiply_all(struct proof_run *run, uint32_t round, const uint32_t *next_key, int8_t *a,
                         struct hash *leaves)
{
    uint32_t n = run->terms.n, numbers[ROWS_AT_ONCE];
    auto_free int32_t *c = must(malloc((size_t)ROWS_AT_ONCE * n * sizeof *c));

    for (uint32_t first = 0; first < n; first += ROWS_AT_ONCE) {
        int8_t *rows = a + (size_t)first * n;

        for (uint32_t i = 0; i < ROWS_AT_ONCE; i++)
            numbers[i] = first + i;
        run->engine.multiply(run->engine.context, &run->terms,
                             &(struct proof_rows){ round, ROWS_AT_ONCE, numbers, rows, c });
        for (uint32_t i = 0; i < ROWS_AT_ONCE; i++) {
            leaves[first + i] = row_digest(c + (size_t)i * n, n);
            if (next_key != NULL)
                proof_loops()->requantise(c + (size_t)i * n, first + i, *next_key, n,
                                          rows + (size_t)i * n);
        }
    }
}

/* One round over all rows; `a` is NULL where the engine has it. */
static void run_round(struct proof_run *run, uint32_t round, int8_t *a)
{
    uint32_t n = run->terms.n;
    struct hash *leaves = run->nodes + (size_t)round * 2 * n;
    bool is_last = round + 1 == run->terms.rounds;
    uint32_t key = is_last ? 0 : proof_round_key(&run->terms, round + 1);
    const uint32_t *next_key = is_last ? NULL : &key;

    if (a == NULL)
        run->engine.round(run->engine.context, &run->terms, next_key, leaves);
    else
        multiply_all(run, round, next_key, a, leaves);
    run->roots[round] = proof_tree_build(leaves, n);
}

static bool run_all(struct proof_run *run, struct hash *ret_commitment)
{
    const struct proof_terms *terms = &run->terms;
    size_t n = terms->n;
    auto_free int8_t *a = run->engine.round == NULL ? must(malloc(n * n)) : NULL;

    for (uint32_t row = 0; a != NULL && row < terms->n; row++)
        proof_line(terms->seed, PROOF_STREAM_A, row, terms->n, a + row * n);
    for (uint32_t round = 0; round < terms->rounds; round++) {
        if (!learn_nonce(run, round))
            return false;
        run_round(run, round, a);
    }
    *ret_commitment = proof_tree_commitment(terms, run->roots);
    return true;
}

struct proof_run *proof_run_open_live(const struct proof_terms *terms, struct proof_engine engine,
                                      proof_ask_nonce *ask, void *ask_context,
                                      struct hash *ret_commitment)
{
    assert(proof_terms_are_valid(terms));
    struct proof_run *run = must(malloc(sizeof *run));

    *run = (struct proof_run){
        .terms = *terms, .engine = engine, .ask = ask, .ask_context = ask_context
    };
    run->nodes = must(calloc((size_t)terms->rounds * 2 * terms->n, sizeof *run->nodes));
    run->roots = must(calloc(terms->rounds, sizeof *run->roots));
    if (!run_all(run, ret_commitment))
        proof_run_close(&run);
    return run;
}

struct proof_run *proof_run_open(const struct proof_terms *terms, struct proof_engine engine,
                                 struct hash *ret_commitment)
{
    assert(!terms->is_live);
    return proof_run_open_live(terms, engine, NULL, NULL, ret_commitment);
}

void proof_run_close(struct proof_run **run_owner)
{
    struct proof_run *run = *run_owner;

    if (run != NULL) {
        free(run->nodes);
        free(run->roots);
    }
    free(run);
    *run_owner = NULL;
}

static void add_path(const struct proof_run *run, uint32_t round, uint32_t row, struct buf *out)
{
    struct hash path[PROOF_DEPTH_MAX];
    size_t depth =
        proof_tree_path(run->nodes + (size_t)round * 2 * run->terms.n, run->terms.n, row, path);

    buf_append(out, (const char *)path, depth * sizeof path[0]);
}

/* The rows of C that the pairs ask for and those before them, all rounds side by side. */
static void compute_rows(const struct proof_run *run, const struct proof_pair *pairs, size_t count,
                         int32_t *ret_rows, int32_t *ret_before)
{
    size_t n = run->terms.n;
    auto_free int8_t *a = must(malloc(count * n));
    auto_free int32_t *c = must(malloc(count * n * sizeof *c));
    uint32_t numbers[PROOF_OPENINGS_MAX], last = 0;

    for (size_t i = 0; i < count; i++) {
        numbers[i] = pairs[i].row;
        last = pairs[i].round > last ? pairs[i].round : last;
        proof_line(run->terms.seed, PROOF_STREAM_A, pairs[i].row, run->terms.n, a + i * n);
    }
    for (uint32_t round = 0; round <= last; round++) {
        uint32_t key = round < last ? proof_round_key(&run->terms, round + 1) : 0;

        run->engine.multiply(run->engine.context, &run->terms,
                             &(struct proof_rows){ round, (uint32_t)count, numbers, a, c });
        for (size_t i = 0; i < count; i++) {
            if (pairs[i].round == round)
                memcpy(ret_rows + i * n, c + i * n, n * sizeof *c);
            if (pairs[i].round == round + 1)
                memcpy(ret_before + i * n, c + i * n, n * sizeof *c);
            proof_loops()->requantise(c + i * n, numbers[i], key, run->terms.n, a + i * n);
        }
    }
}

void proof_run_open_pairs(const struct proof_run *run, const struct proof_pair *pairs, size_t count,
                          struct buf *out)
{
    size_t n = run->terms.n, row_size = n * sizeof(int32_t);

    assert(count > 0 && count <= PROOF_OPENINGS_MAX);
    auto_free int32_t *rows = must(malloc(count * row_size));
    auto_free int32_t *before = must(malloc(count * row_size));

    compute_rows(run, pairs, count, rows, before);
    buf_append(out, (const char *)run->roots, run->terms.rounds * sizeof run->roots[0]);
    for (size_t i = 0; i < count; i++) {
        buf_append(out, (const char *)(rows + i * n), row_size);
        add_path(run, pairs[i].round, pairs[i].row, out);
        if (pairs[i].round == 0)
            continue;
        buf_append(out, (const char *)(before + i * n), row_size);
        add_path(run, pairs[i].round - 1, pairs[i].row, out);
    }
}

size_t proof_opening_size(const struct proof_terms *terms, const struct proof_pair *pairs,
                          size_t count)
{
    size_t row = terms->n * sizeof(int32_t) + proof_tree_depth(terms->n) * sizeof(struct hash);
    size_t size = terms->rounds * sizeof(struct hash);

    for (size_t i = 0; i < count; i++)
        size += pairs[i].round > 0 ? 2 * row : row;
    return size;
}

size_t proof_pairs_in(const struct proof_terms *terms, size_t size)
{
    size_t pair =
        2 * (terms->n * sizeof(int32_t) + proof_tree_depth(terms->n) * sizeof(struct hash));
    size_t roots = terms->rounds * sizeof(struct hash),
           fit = size > roots ? (size - roots) / pair : 0;

    return fit < 1 ? 1 : fit < PROOF_OPENINGS_MAX ? fit : PROOF_OPENINGS_MAX;
}

static bool is_drawn(const struct proof_pair *pairs, size_t count, const struct proof_pair *pair)
{
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].round == pair->round && pairs[i].row == pair->row)
            return true;
    }
    return false;
}

void proof_draw(const struct proof_terms *terms, const uint8_t random[static PROOF_SEED_SIZE],
                struct proof_pair *ret_pairs, size_t count)
{
    uint64_t all = (uint64_t)terms->n * terms->rounds;
    uint8_t bytes[PROOF_UNIT];
    size_t drawn = 0;

    assert(proof_terms_are_valid(terms) && count <= PROOF_OPENINGS_MAX && count <= all);
    for (uint32_t line = 0; drawn < count; line++) {
        proof_line(random, PROOF_STREAM_A, line, PROOF_UNIT, (int8_t *)bytes);
        for (size_t at = 0; at < PROOF_UNIT && drawn < count; at += sizeof(uint64_t)) {
            uint64_t number;

            memcpy(&number, bytes + at, sizeof number);
            /* Below 2^26 pairs of 2^64 numbers: none is likelier by more than one in 2^38. */
            number %= all;
            struct proof_pair pair = { (uint32_t)(number / terms->n),
                                       (uint32_t)(number % terms->n) };
            if (!is_drawn(ret_pairs, drawn, &pair))
                ret_pairs[drawn++] = pair;
        }
    }
}
