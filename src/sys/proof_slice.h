/* SPDX-License-Identifier: Apache-2.0 */
/* Proof of network: that so many bytes came through, one way and the other.
 *
 * The server sends slices of bytes that only it could know; the prover's digest over all of them
 * shows that they came. Then the prover sends slices that follow from the challenge's seed, so that
 * nothing can shorten them on the way; for each the server gives a receipt that only it could make,
 * and a digest over all receipts shows that they were sent. The server keeps nothing of either. */

#ifndef BERTH_SYS_PROOF_SLICE_H
#define BERTH_SYS_PROOF_SLICE_H

#include <stddef.h>
#include <stdint.h>

#include "sys/crypto.h"
#include "sys/proof_arith.h"

enum {
    SLICE_DOWN_SIZE = 1 << 20,
    SLICE_UP_SIZE = 1 << 19, /* as text it fits into a request */
    SLICES_MAX = 128,        /* of each way */
};

/* Slice `number` of either way, `size` bytes of it. */
void slice_down(const uint8_t secret[static PROOF_SEED_SIZE], uint32_t number,
                uint8_t ret[static SLICE_DOWN_SIZE]);
void slice_up(const uint8_t seed[static PROOF_SEED_SIZE], uint32_t number,
              uint8_t ret[static SLICE_UP_SIZE]);

/* For a slice that came whole. */
struct hash slice_receipt(const uint8_t secret[static PROOF_SEED_SIZE], uint32_t number);

/* Over digests of slices, or over receipts, in order. */
struct hash slices_digest(const struct hash *digests, size_t count);

/* The same, from the secret. */
struct hash slices_down_digest(const uint8_t secret[static PROOF_SEED_SIZE], uint32_t count);
struct hash slices_up_digest(const uint8_t secret[static PROOF_SEED_SIZE], uint32_t count);

#endif
