/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *hex_format(const uint8_t *bytes, size_t count, char *text)
{
    for (size_t i = 0; i < count; i++) {
        text[2 * i] = hex_digits[bytes[i] >> 4];
        text[2 * i + 1] = hex_digits[bytes[i] & 15];
    }
    text[2 * count] = '\0';
    return text;
}

/* The digit's value, or -1. */
static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool hex_parse(const char *text, uint8_t *ret_bytes, size_t count)
{
    if (strlen(text) != 2 * count)
        return false;
    for (size_t i = 0; i < 2 * count; i++) {
        if (hex_value(text[i]) < 0)
            return false;
    }

    for (size_t i = 0; i < count; i++)
        ret_bytes[i] = (uint8_t)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
    return true;
}

char *base64_format(const uint8_t *bytes, size_t count, char *text)
{
    uint32_t bits = 0;
    int bit_count = 0;
    char *at = text;

    for (size_t i = 0; i < count; i++) {
        bits = bits << 8 | bytes[i];
        for (bit_count += 8; bit_count >= 6; bit_count -= 6)
            *at++ = base64_digits[bits >> (bit_count - 6) & 63];
    }
    if (bit_count > 0)
        *at++ = base64_digits[bits << (6 - bit_count) & 63];
    *at = '\0';
    return text;
}

/* The digit's value, or -1. */
static int base64_value(char digit)
{
    const char *at = digit == '\0' ? NULL : strchr(base64_digits, digit);

    return at == NULL ? -1 : (int)(at - base64_digits);
}

bool base64_parse(const char *text, uint8_t *ret_bytes, size_t size, size_t *ret_count)
{
    size_t length = strlen(text);
    size_t spare_bits = length % 4 * 6 % 8; /* of the last digit, which must be zero */

    if (length % 4 == 1 || length / 4 * 3 + length % 4 * 6 / 8 > size)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (base64_value(text[i]) < 0)
            return false;
    }
    if (length > 0 && (base64_value(text[length - 1]) & ((1 << spare_bits) - 1)) != 0)
        return false;

    uint32_t bits = 0;
    int bit_count = 0;
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        bits = bits << 6 | (uint32_t)base64_value(text[i]);
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            ret_bytes[count++] = (uint8_t)(bits >> bit_count);
        }
    }
    *ret_count = count;
    return true;
}
