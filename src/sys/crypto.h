/* SPDX-License-Identifier: Apache-2.0 */
/* Randomness, seals and signatures by libsodium, SHA-256 by OpenSSL, which uses the processor's own
 * instructions for it: behind the few calls that Berth needs. libsodium has crypto_hash() and
 * crypto_sign() of its own, which ours must not be named after. */

#ifndef BERTH_SYS_CRYPTO_H
#define BERTH_SYS_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/hex.h"

enum {
    HASH_SIZE = 32,       /* SHA-256 */
    PUBLIC_KEY_SIZE = 32, /* Ed25519, RFC 8032 */
    SECRET_KEY_SIZE = 64,
    SIGNATURE_SIZE = 64,
    SEAL_KEY_SIZE = 32, /* XChaCha20-Poly1305, with a nonce in front and a tag behind */
    SEAL_EXTRA = 24 + 16,
    TOKEN_BYTES = 32,
    TOKEN_TEXT_SIZE = HEX_SIZE(TOKEN_BYTES),
};

struct hash {
    uint8_t bytes[HASH_SIZE];
};

struct key_pair {
    uint8_t public_key[PUBLIC_KEY_SIZE];
    uint8_t secret_key[SECRET_KEY_SIZE];
};

struct signature {
    uint8_t bytes[SIGNATURE_SIZE];
};

/* Once, at the start of main(), before anything else here. Ends the process on failure. */
void crypto_start(void);

void crypto_random(void *bytes, size_t count);

/* 256 random bits in hexadecimal: API keys, tokens in URLs. Returns `text`. */
char *crypto_token(char text[static TOKEN_TEXT_SIZE]);

struct hash crypto_sha256(const void *bytes, size_t count);

/* RFC 2104 over SHA-256. */
struct hash crypto_hmac(const void *key, size_t key_length, const void *bytes, size_t count);

/* Over SHA-1, for TOTP (RFC 6238), which is what authenticator apps speak. Twenty bytes. */
enum { HMAC_SHA1_SIZE = 20 };
void crypto_hmac_sha1(const void *key, size_t key_length, const void *bytes, size_t count,
                      uint8_t ret[static HMAC_SHA1_SIZE]);

/* Takes as long whether they differ early or late. */
bool crypto_equal(const void *a, const void *b, size_t count);

struct key_pair crypto_key_pair(void);

/* The pair of a secret that is known already: the same again each time. */
struct key_pair crypto_key_pair_of(const struct hash *seed);
struct signature crypto_sign_with(const struct key_pair *keys, const void *bytes, size_t count);
NODISCARD bool crypto_verify(const uint8_t public_key[static PUBLIC_KEY_SIZE],
                             const struct signature *signature, const void *bytes, size_t count);

/* Encrypt into `out`, which has room for `count` + SEAL_EXTRA bytes. `about` is not in there, and
 * must be given again to open it. */
void crypto_seal(const uint8_t key[static SEAL_KEY_SIZE], const char *about, const void *bytes,
                 size_t count, uint8_t *out);

/* Decrypt `count` bytes, at least SEAL_EXTRA, into `out`, which is shorter by those. False, and
 * nothing of it: it was not sealed with this key about this. */
NODISCARD bool crypto_unseal(const uint8_t key[static SEAL_KEY_SIZE], const char *about,
                             const void *sealed, size_t count, void *out);

/* Overwrite a secret that is no longer needed; the compiler cannot leave it out. */
void crypto_wipe(void *bytes, size_t count);

#endif
