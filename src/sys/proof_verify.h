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

/* `weights` are random, and the prover does not know them. */
enum proof_fault proof_verify(const struct proof_terms *terms, const struct hash *commitment,
                              const struct proof_pair *pairs, size_t count,
                              const uint8_t weights[static PROOF_SEED_SIZE], const void *opening,
                              size_t length);

#endif
