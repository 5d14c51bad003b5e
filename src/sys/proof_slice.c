/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/proof_slice.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

static void fill(const uint8_t seed[static PROOF_SEED_SIZE], enum proof_stream stream,
                 uint32_t number, uint8_t *ret, size_t size)
{
    uint32_t lines = (uint32_t)(size / PROOF_N_MAX);

    for (uint32_t i = 0; i < lines; i++)
        proof_line(seed, stream, number * lines + i, PROOF_N_MAX,
                   (int8_t *)ret + (size_t)i * PROOF_N_MAX);
}

void slice_down(const uint8_t secret[static PROOF_SEED_SIZE], uint32_t number,
                uint8_t ret[static SLICE_DOWN_SIZE])
{
    fill(secret, PROOF_STREAM_DOWN, number, ret, SLICE_DOWN_SIZE);
}

void slice_up(const uint8_t seed[static PROOF_SEED_SIZE], uint32_t number,
              uint8_t ret[static SLICE_UP_SIZE])
{
    fill(seed, PROOF_STREAM_UP, number, ret, SLICE_UP_SIZE);
}

struct hash slice_receipt(const uint8_t secret[static PROOF_SEED_SIZE], uint32_t number)
{
    const uint32_t text[] = { PROOF_STREAM_UP, number };

    return crypto_hmac(secret, PROOF_SEED_SIZE, text, sizeof text);
}

struct hash slices_digest(const struct hash *digests, size_t count)
{
    assert(count > 0 && count <= SLICES_MAX);
    return crypto_sha256(digests, count * sizeof *digests);
}

struct hash slices_down_digest(const uint8_t secret[static PROOF_SEED_SIZE], uint32_t count)
{
    struct hash digests[SLICES_MAX];
    auto_free uint8_t *slice = malloc(SLICE_DOWN_SIZE);

    if (slice == NULL)
        abort(); /* As base/buf.h says. */
    for (uint32_t i = 0; i < count; i++) {
        slice_down(secret, i, slice);
        digests[i] = crypto_sha256(slice, SLICE_DOWN_SIZE);
    }
    return slices_digest(digests, count);
}

struct hash slices_up_digest(const uint8_t secret[static PROOF_SEED_SIZE], uint32_t count)
{
    struct hash receipts[SLICES_MAX];

    for (uint32_t i = 0; i < count; i++)
        receipts[i] = slice_receipt(secret, i);
    return slices_digest(receipts, count);
}
