/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever comes as an opening, of whatever length: it is read within its bounds, and is none, even
 * where its own roots were committed to. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sys/proof_tree.h"
#include "sys/proof_verify.h"

enum { PAIRS = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const struct proof_terms terms = { .seed = { 1 }, .n = PROOF_UNIT, .rounds = 2 };
    static const struct proof_pair pairs[PAIRS] = { { 0, 0 }, { 1, 5 }, { 1, PROOF_UNIT - 1 } };
    uint8_t weights[PROOF_SEED_SIZE] = { 2 };
    size_t size = proof_opening_size(&terms, pairs, PAIRS);
    uint8_t *whole = calloc(1, size);
    struct hash roots[2] = { 0 };

    if (whole == NULL)
        return 0;
    memcpy(whole, bytes, length < size ? length : size);
    memcpy(roots, whole, sizeof roots);
    struct hash commitment = proof_tree_commitment(&terms, roots);
    assert(proof_verify(&terms, &commitment, pairs, PAIRS, weights, whole, size) != PROOF_GOOD);
    assert(length == size ||
           proof_verify(&terms, &commitment, pairs, PAIRS, weights, bytes, length) != PROOF_GOOD);
    /* Nor is what comes in parts, of sums that were put away. */
    auto_proof_check struct proof_check *check = proof_check_open(&terms, &commitment);
    assert(proof_check_take(check, pairs, PAIRS, weights, bytes, length) != PROOF_GOOD ||
           proof_check_end(check) != PROOF_GOOD);
    if (proof_check_load(check, bytes, length))
        (void)proof_check_end(check);
    free(whole);
    return 0;
}
