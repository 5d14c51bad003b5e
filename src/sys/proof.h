/* SPDX-License-Identifier: Apache-2.0 */
/* Proof of compute: that a machine has multiplied matrices, checked for a thousandth of the work.
 *
 * From a seed come A(0) and B. For each of R rounds, C(r) = A(r) B, exactly, and A(r+1) is C(r)
 * with each entry scrambled down to a byte by itself. The prover hashes the rows of each C(r) into
 * a tree and all roots into one commitment. Only then it learns which (round, row) pairs it has to
 * open: each with the row of C(r) and that of C(r-1), from which the row of A(r) follows. The
 * verifier checks the hashes, and all products at once: random weights w give sum(w C) = sum(w A) B
 * modulo 2^31-1, one pass over B, which fails for a wrong row but for one time in 2^31.
 *
 * Whoever skips a part f of all rows is caught by k openings with 1 - (1 - f)^k.
 *
 * In a live proof the scrambling of some rounds also takes a number that comes into being only when
 * the prover asks for it, on the way: who computes elsewhere pays for each with a round trip. */

#ifndef BERTH_SYS_PROOF_H
#define BERTH_SYS_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "sys/crypto.h"
#include "sys/proof_arith.h"

enum {
    PROOF_ROUNDS_MAX = 4096,
    PROOF_OPENINGS_MAX = 256,
    PROOF_OPENINGS = 64,
    PROOF_NONCES = 20,
};

struct proof_terms {
    uint8_t seed[PROOF_SEED_SIZE]; /* fresh for each challenge and GPU */
    uint32_t n;                    /* a power of two from PROOF_UNIT to PROOF_N_MAX */
    uint32_t rounds;               /* 1 to PROOF_ROUNDS_MAX; live: more than PROOF_NONCES */
    bool is_live;
    uint32_t nonces[PROOF_NONCES]; /* the prover learns them one by one */
};

bool proof_terms_are_valid(const struct proof_terms *terms);

/* What the rows that a round (above 0) takes are scrambled with. */
uint32_t proof_round_key(const struct proof_terms *terms, uint32_t round);

/* Which nonce that is, of a live proof. */
uint32_t proof_nonce_of(const struct proof_terms *terms, uint32_t round);

struct proof_pair {
    uint32_t round, row;
};

/* What multiplies: `count` rows of A(round) by B, into as many of C. Which rows they are is said
 * for the sake of who wants to cheat, in the tests. */
struct proof_rows {
    uint32_t round, count;
    const uint32_t *rows;
    const int8_t *a;
    int32_t *ret_c;
};
typedef void proof_multiply(void *context, const struct proof_terms *terms,
                            const struct proof_rows *rows);

/* One that has A itself, from the seed on: the next round over all rows. `next_key` is what they
 * are scrambled with then; NULL: there is no next. The hashes of all rows of C come back. */
typedef void proof_round(void *context, const struct proof_terms *terms, const uint32_t *next_key,
                         struct hash *ret_leaves);

struct proof_engine {
    proof_multiply *multiply;
    void *context;
    proof_round *round; /* NULL: rounds are made of `multiply` */
};

/* By this processor, with B in memory: the reference that all others must equal. */
struct proof_plain; /* B */
struct proof_plain *proof_plain_open(const struct proof_terms *terms);
void proof_plain_close(struct proof_plain **plain);
struct proof_engine proof_plain_engine(struct proof_plain *plain);

/* A prover's work on one challenge: the digests of all rows. */
struct proof_run;
#define auto_proof_run __attribute__((cleanup(proof_run_close)))

/* All rounds. `*ret_commitment` is what is sent first. */
struct proof_run *proof_run_open(const struct proof_terms *terms, struct proof_engine engine,
                                 struct hash *ret_commitment);

/* The same for a live proof: asks for each nonce when it is needed. NULL: one did not come. */
typedef bool proof_ask_nonce(void *context, uint32_t index, uint32_t *ret_nonce);
struct proof_run *proof_run_open_live(const struct proof_terms *terms, struct proof_engine engine,
                                      proof_ask_nonce *ask, void *ask_context,
                                      struct hash *ret_commitment);
void proof_run_close(struct proof_run **run);

/* Adds what is to be sent then: rows are computed anew. */
void proof_run_open_pairs(const struct proof_run *run, const struct proof_pair *pairs, size_t count,
                          struct buf *out);

/* Bytes of an opening. */
size_t proof_opening_size(const struct proof_terms *terms, const struct proof_pair *pairs,
                          size_t count);

/* How many pairs, whichever they are, fit into an opening of so many bytes: 1 to
 * PROOF_OPENINGS_MAX. */
size_t proof_pairs_in(const struct proof_terms *terms, size_t size);

/* Pairs from random bytes that the prover could not know before it committed; different ones, if
 * there are as many. */
void proof_draw(const struct proof_terms *terms, const uint8_t random[static PROOF_SEED_SIZE],
                struct proof_pair *ret_pairs, size_t count);

#endif
