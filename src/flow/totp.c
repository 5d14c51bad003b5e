/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/totp.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

enum { CODE_MODULUS = 1000000, BACKUP_SYMBOLS = 12, HASHED_SIZE = 64 };

struct totp_seed totp_seed_make(void)
{
    struct totp_seed seed;

    crypto_random(seed.bytes, sizeof seed.bytes);
    return seed;
}

char *totp_seed_text(const struct totp_seed *seed, char text[static TOTP_SEED_SIZE])
{
    for (size_t i = 0; i < TOTP_SEED_SIZE - 1; i++) {
        size_t bit = 5 * i, at = bit / 8;
        unsigned next = at + 1 < TOTP_SEED_BYTES ? seed->bytes[at + 1] : 0;
        unsigned word = (unsigned)seed->bytes[at] << 8 | next;

        text[i] = alphabet[word >> (11 - bit % 8) & 31];
    }
    text[TOTP_SEED_SIZE - 1] = '\0';
    return text;
}

char *totp_code(const struct totp_seed *seed, int64_t step, char text[static TOTP_DIGITS + 1])
{
    uint8_t counter[8], mac[HMAC_SHA1_SIZE];

    for (size_t i = 0; i < sizeof counter; i++)
        counter[i] = (uint8_t)((uint64_t)step >> (8 * (7 - i)));
    crypto_hmac_sha1(seed->bytes, sizeof seed->bytes, counter, sizeof counter, mac);
    size_t at = mac[HMAC_SHA1_SIZE - 1] & 15;
    uint32_t word = (uint32_t)(mac[at] & 127) << 24 | (uint32_t)mac[at + 1] << 16 |
                    (uint32_t)mac[at + 2] << 8 | mac[at + 3];
    (void)snprintf(text, TOTP_DIGITS + 1, "%06u", (unsigned)(word % CODE_MODULUS));
    return text;
}

int64_t totp_find(const struct totp_seed *seed, const char *code, struct instant now,
                  int64_t last_step)
{
    int64_t step = now.microseconds / (TOTP_STEP_SECONDS * US_PER_SECOND), found = 0;
    char good[TOTP_DIGITS + 1];

    if (strlen(code) != TOTP_DIGITS)
        return 0;
    /* All are compared, so that the time tells nothing. */
    for (int64_t at = step - TOTP_DRIFT; at <= step + TOTP_DRIFT; at++) {
        if (crypto_equal(totp_code(seed, at, good), code, TOTP_DIGITS) && at > last_step)
            found = at;
    }
    crypto_wipe(good, sizeof good);
    return found;
}

char *backup_code_make(char text[static BACKUP_CODE_SIZE])
{
    uint8_t random[BACKUP_SYMBOLS];
    size_t length = 0;

    crypto_random(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++) {
        if (i > 0 && i % 4 == 0)
            text[length++] = '-';
        text[length++] = alphabet[random[i] & 31];
    }
    text[length] = '\0';
    assert(length == BACKUP_CODE_SIZE - 1);
    crypto_wipe(random, sizeof random);
    return text;
}

struct hash backup_code_hash(int64_t user_id, const char *text)
{
    char whole[HASHED_SIZE];
    int length = snprintf(whole, sizeof whole, "backup %" PRId64 " %.20s", user_id, text);

    assert(length > 0 && (size_t)length < sizeof whole);
    struct hash hash = crypto_sha256(whole, (size_t)length);
    crypto_wipe(whole, sizeof whole);
    return hash;
}
