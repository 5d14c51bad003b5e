/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier's side of a proof of compute (sys/proof.h). It needs no more memory than a few
 * rows. */

#ifndef BERTH_SYS_PROOF_VERIFY_H
#define BERTH_SYS_PROOF_VERIFY_H

#include "sys/proof.h"

enum proof_fault {
    PROOF_GOOD,
    PROOF_BAD_LENGTH,  /* not an opening of that many pairs */
    PROOF_BAD_DIGEST,  /* a row or a root is not what was committed to */
    PROOF_BAD_PRODUCT, /* a row was not multiplied */
};
const char *proof_fault_name(enum proof_fault fault); /* "good", "bad_length" ... */

/* A check whose pairs come in parts. Between two of them it is a few bytes a column, which whoever
 * checks may put away and take out again; the pass over B comes once, at the end. */
struct proof_check;
#define auto_proof_check __attribute__((cleanup(proof_check_close)))
struct proof_check *proof_check_open(const struct proof_terms *terms,
                                     const struct hash *commitment);
void proof_check_close(struct proof_check **check);

/* A part: an opening of these pairs alone. `weights` are random, other ones for each part, and the
 * prover does not know them. */
enum proof_fault proof_check_take(struct proof_check *check, const struct proof_pair *pairs,
                                  size_t count, const uint8_t weights[static PROOF_SEED_SIZE],
                                  const void *opening, size_t length);

/* Whether all that was taken are products. */
enum proof_fault proof_check_end(const struct proof_check *check);

size_t proof_check_size(const struct proof_terms *terms);
void proof_check_save(const struct proof_check *check, uint8_t *ret);
NODISCARD bool proof_check_load(struct proof_check *check, const uint8_t *saved, size_t length);

/* All of it at once. */
enum proof_fault proof_verify(const struct proof_terms *terms, const struct hash *commitment,
                              const struct proof_pair *pairs, size_t count,
                              const uint8_t weights[static PROOF_SEED_SIZE], const void *opening,
                              size_t length);

#endif
