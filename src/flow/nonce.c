/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/nonce.h"

#include <string.h>

enum { END_SIZE = 8, PROOF_SIZE = NONCE_SIZE - END_SIZE };

static void write_number(int64_t number, uint8_t bytes[static END_SIZE])
{
    for (int i = 0; i < END_SIZE; i++)
        bytes[i] = (uint8_t)((uint64_t)number >> (8 * (END_SIZE - 1 - i)));
}

static int64_t read_number(const uint8_t bytes[static END_SIZE])
{
    uint64_t number = 0;

    for (int i = 0; i < END_SIZE; i++)
        number = number << 8 | bytes[i];
    return (int64_t)number;
}

static void make(const struct key_pair *server_keys, const struct nonce_terms *terms,
                 struct instant end, uint8_t ret_nonce[static NONCE_SIZE])
{
    static const char domain[] = "berth-nonce-v1";
    uint8_t text[sizeof domain + 3 * END_SIZE];

    memcpy(text, domain, sizeof domain);
    write_number(terms->machine_id, text + sizeof domain);
    write_number(terms->epoch, text + sizeof domain + END_SIZE);
    write_number(end.microseconds, text + sizeof domain + 2 * END_SIZE);
    struct hash proof =
        crypto_hmac(server_keys->secret_key, sizeof server_keys->secret_key, text, sizeof text);
    write_number(end.microseconds, ret_nonce);
    memcpy(ret_nonce + END_SIZE, proof.bytes, PROOF_SIZE);
}

void nonce_give(const struct key_pair *server_keys, const struct nonce_terms *terms,
                struct instant now, uint8_t ret_nonce[static NONCE_SIZE])
{
    make(server_keys, terms, instant_add(now, NONCE_SECONDS * US_PER_SECOND), ret_nonce);
}

bool nonce_is_good(const struct key_pair *server_keys, const struct nonce_terms *terms,
                   struct instant now, const uint8_t nonce[static NONCE_SIZE])
{
    struct instant end = { read_number(nonce) };
    uint8_t own[NONCE_SIZE];

    /* Who made it up may have written any end at all: that is looked at last. */
    make(server_keys, terms, end, own);
    return crypto_equal(own, nonce, sizeof own) && instant_compare(now, end) < 0;
}
