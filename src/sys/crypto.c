/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/crypto.h"

#include <assert.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static_assert(HASH_SIZE == crypto_hash_sha256_BYTES, "the library's");
static_assert(PUBLIC_KEY_SIZE == crypto_sign_PUBLICKEYBYTES, "the library's");
static_assert(SECRET_KEY_SIZE == crypto_sign_SECRETKEYBYTES, "the library's");
static_assert(SIGNATURE_SIZE == crypto_sign_BYTES, "the library's");

void crypto_start(void)
{
    if (sodium_init() < 0)
        abort();
}

void crypto_random(void *bytes, size_t count)
{
    randombytes_buf(bytes, count);
}

char *crypto_token(char text[static TOKEN_TEXT_SIZE])
{
    uint8_t bytes[TOKEN_BYTES];

    crypto_random(bytes, sizeof bytes);
    (void)hex_format(bytes, sizeof bytes, text);
    crypto_wipe(bytes, sizeof bytes);
    return text;
}

static EVP_MD *sha256; /* what the library has for this processor, looked up once */

static void fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (sha256 == NULL)
        abort();
}

struct hash crypto_sha256(const void *bytes, size_t count)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct hash hash;
    unsigned length = 0;

    (void)pthread_once(&once, fetch_sha256);
    if (EVP_Digest(bytes, count, hash.bytes, &length, sha256, NULL) != 1 || length != HASH_SIZE)
        abort();
    return hash;
}

struct hash crypto_hmac(const void *key, size_t key_length, const void *bytes, size_t count)
{
    crypto_auth_hmacsha256_state state;
    struct hash hash;

    static_assert(sizeof hash.bytes == crypto_auth_hmacsha256_BYTES, "the library's");
    (void)crypto_auth_hmacsha256_init(&state, key, key_length);
    (void)crypto_auth_hmacsha256_update(&state, bytes, count);
    (void)crypto_auth_hmacsha256_final(&state, hash.bytes);
    crypto_wipe(&state, sizeof state);
    return hash;
}

void crypto_hmac_sha1(const void *key, size_t key_length, const void *bytes, size_t count,
                      uint8_t ret[static HMAC_SHA1_SIZE])
{
    unsigned length = 0;

    assert(key_length <= INT_MAX);
    if (HMAC(EVP_sha1(), key, (int)key_length, bytes, count, ret, &length) == NULL ||
        length != HMAC_SHA1_SIZE)
        abort();
}

bool crypto_equal(const void *a, const void *b, size_t count)
{
    return sodium_memcmp(a, b, count) == 0;
}

struct key_pair crypto_key_pair(void)
{
    struct key_pair keys;

    (void)crypto_sign_keypair(keys.public_key, keys.secret_key);
    return keys;
}

struct key_pair crypto_key_pair_of(const struct hash *seed)
{
    struct key_pair keys;

    static_assert(sizeof seed->bytes == crypto_sign_SEEDBYTES, "one size");
    (void)crypto_sign_seed_keypair(keys.public_key, keys.secret_key, seed->bytes);
    return keys;
}

struct signature crypto_sign_with(const struct key_pair *keys, const void *bytes, size_t count)
{
    struct signature signature;

    (void)crypto_sign_detached(signature.bytes, NULL, bytes, count, keys->secret_key);
    return signature;
}

bool crypto_verify(const uint8_t public_key[static PUBLIC_KEY_SIZE],
                   const struct signature *signature, const void *bytes, size_t count)
{
    return crypto_sign_verify_detached(signature->bytes, bytes, count, public_key) == 0;
}

static_assert(SEAL_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "the key's size");
static_assert(SEAL_EXTRA == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES +
                                crypto_aead_xchacha20poly1305_ietf_ABYTES,
              "what is added");

enum { NONCE_SIZE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES };

void crypto_seal(const uint8_t key[static SEAL_KEY_SIZE], const char *about, const void *bytes,
                 size_t count, uint8_t *out)
{
    crypto_random(out, NONCE_SIZE);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE_SIZE, NULL, bytes, count,
                                                     (const uint8_t *)about, strlen(about), NULL,
                                                     out, key);
}

bool crypto_unseal(const uint8_t key[static SEAL_KEY_SIZE], const char *about, const void *sealed,
                   size_t count, void *out)
{
    const uint8_t *nonce = sealed;

    assert(count >= SEAL_EXTRA);
    return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, nonce + NONCE_SIZE,
                                                      count - NONCE_SIZE, (const uint8_t *)about,
                                                      strlen(about), nonce, key) == 0;
}

void crypto_wipe(void *bytes, size_t count)
{
    sodium_memzero(bytes, count);
}
