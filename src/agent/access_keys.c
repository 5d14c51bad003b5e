/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_keys.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/crypto.h"

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { BLOB_LENGTH_SIZE = 4, BLOB_MAX = ACCESS_KEY_LENGTH_MAX };

/* Padded base64, whole. `bytes` has room for three quarters. */
static bool decode(const char *text, size_t length, uint8_t *bytes, size_t *ret_count)
{
    size_t padding = 0, count = 0;
    uint32_t bits = 0;

    if (length == 0 || length % 4 != 0)
        return false;
    while (padding < 2 && text[length - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < length; i++) {
        const char *found = i < length - padding ? strchr(ALPHABET, text[i]) : ALPHABET;

        if (found == NULL || *found == '\0')
            return false;
        bits = bits << 6 | (uint32_t)(found - ALPHABET);
        if (i % 4 == 3) {
            bytes[count++] = (uint8_t)(bits >> 16);
            bytes[count++] = (uint8_t)(bits >> 8);
            bytes[count++] = (uint8_t)bits;
            bits = 0;
        }
    }
    *ret_count = count - padding;
    return true;
}

/* A key's bytes begin with its type, as the line does. */
static bool blob_is_of_type(const uint8_t *blob, size_t length, const char *type,
                            size_t type_length)
{
    const uint8_t want[BLOB_LENGTH_SIZE] = { 0, 0, (uint8_t)(type_length >> 8),
                                             (uint8_t)type_length };

    return length > BLOB_LENGTH_SIZE + type_length && memcmp(blob, want, BLOB_LENGTH_SIZE) == 0 &&
           memcmp(blob + BLOB_LENGTH_SIZE, type, type_length) == 0;
}

bool access_key_parse(const char *line, const char **ret_base64, size_t *ret_length)
{
    const char *type = line + strspn(line, " \t");
    size_t type_length = strcspn(type, " \t");
    const char *base64 = type + type_length + strspn(type + type_length, " \t");
    size_t length = strcspn(base64, " \t\r\n");
    size_t blob_length;

    if (strlen(line) > ACCESS_KEY_LENGTH_MAX || type[0] == '#')
        return false;
    auto_free uint8_t *blob = malloc(BLOB_MAX);
    if (blob == NULL)
        abort();
    if (!decode(base64, length, blob, &blob_length) ||
        !blob_is_of_type(blob, blob_length, type, type_length))
        return false;
    *ret_base64 = base64;
    *ret_length = length;
    return true;
}

const char *access_key_fingerprint(const char *base64, char text[static ACCESS_FINGERPRINT_SIZE])
{
    size_t blob_length, at = 0;
    auto_free uint8_t *blob = malloc(BLOB_MAX);

    if (blob == NULL)
        abort();
    if (strlen(base64) > ACCESS_KEY_LENGTH_MAX ||
        !decode(base64, strlen(base64), blob, &blob_length)) {
        (void)snprintf(text, ACCESS_FINGERPRINT_SIZE, "?");
        return text;
    }
    struct hash hash = crypto_sha256(blob, blob_length);
    at = (size_t)snprintf(text, ACCESS_FINGERPRINT_SIZE, "SHA256:");
    /* 256 bits: 42 digits of six, and four bits over. */
    for (size_t bit = 0; bit < 256; bit += 6) {
        size_t byte = bit / 8;
        unsigned pair =
            (unsigned)hash.bytes[byte] << 8 | (byte + 1 < HASH_SIZE ? hash.bytes[byte + 1] : 0U);
        text[at++] = ALPHABET[pair >> (10 - bit % 8) & 63U];
    }
    text[at] = '\0';
    return text;
}

const char *access_key_of(const uint8_t *public_key, char *text, size_t size)
{
    enum { KEY_SIZE = 32 };
    uint8_t blob[51] = { 0,   0,   0,   11,  's', 's', 'h', '-', 'e',     'd',
                         '2', '5', '5', '1', '9', 0,   0,   0,   KEY_SIZE };
    size_t length = 0;

    /* 51 bytes are 17 times three: no padding. */
    static_assert(sizeof blob == 4 + 11 + 4 + KEY_SIZE && sizeof blob % 3 == 0, "whole");
    memcpy(blob + sizeof blob - KEY_SIZE, public_key, KEY_SIZE);
    assert(size > sizeof blob / 3 * 4);
    for (size_t i = 0; i < sizeof blob; i += 3) {
        uint32_t bits =
            (uint32_t)blob[i] << 16 | (uint32_t)blob[i + 1] << 8 | (uint32_t)blob[i + 2];

        for (int shift = 18; shift >= 0; shift -= 6)
            text[length++] = ALPHABET[bits >> shift & 63];
    }
    text[length] = '\0';
    return text;
}
