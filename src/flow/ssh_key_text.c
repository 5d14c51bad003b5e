/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/ssh_key_text.h"

#include <stdint.h>
#include <string.h>

enum { KEY_TEXT_MAX = 16 * 1024, BLOB_MAX = 12 * 1024, RSA_BYTES_MIN = 2048 / 8 };

/* The blob is a row of fields, each a 32-bit length and that many bytes; the first names the type
 * once more. */
static const struct key_type {
    const char *name;
    int field_count;
    uint32_t sized_field, size; /* one field whose size is known: the key itself */
} types[] = {
    { "ssh-ed25519", 2, 1, 32 },
    { "ssh-rsa", 3, 0, 0 },
    { "ecdsa-sha2-nistp256", 3, 2, 65 },
    { "ecdsa-sha2-nistp384", 3, 2, 97 },
    { "ecdsa-sha2-nistp521", 3, 2, 133 },
    { "sk-ssh-ed25519@openssh.com", 3, 1, 32 },
    { "sk-ecdsa-sha2-nistp256@openssh.com", 4, 2, 65 },
};

static int digit(char byte)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = byte == '\0' ? NULL : strchr(digits, byte);

    return at == NULL ? -1 : (int)(at - digits);
}

/* Base64 with padding (RFC 4648, section 4), whole and without stray bits. */
static bool blob_decode(const char *text, size_t length, uint8_t blob[static BLOB_MAX],
                        size_t *ret_count)
{
    size_t count = 0, padding = 0;

    if (length == 0 || length % 4 != 0 || length / 4 * 3 > BLOB_MAX)
        return false;
    if (text[length - 1] == '=')
        padding = text[length - 2] == '=' ? 2 : 1;
    for (size_t at = 0; at < length; at += 4) {
        bool is_last = at + 4 == length;
        uint32_t bits = 0;

        for (size_t i = 0; i < 4; i++) {
            bool is_padding = is_last && i >= 4 - padding;
            int value = is_padding ? 0 : digit(text[at + i]);

            if (value < 0)
                return false;
            bits = bits << 6 | (uint32_t)value;
        }
        blob[count++] = (uint8_t)(bits >> 16);
        blob[count++] = (uint8_t)(bits >> 8);
        blob[count++] = (uint8_t)bits;
    }
    for (size_t i = 1; i <= padding; i++)
        if (blob[count - i] != 0)
            return false;
    *ret_count = count - padding;
    return true;
}

static bool blob_is_of(const struct key_type *type, const uint8_t *blob, size_t count)
{
    size_t at = 0;

    for (int field = 0; field < type->field_count; field++) {
        if (count - at < 4)
            return false;
        uint32_t size = (uint32_t)blob[at] << 24 | (uint32_t)blob[at + 1] << 16 |
                        (uint32_t)blob[at + 2] << 8 | blob[at + 3];
        at += 4;
        if (size > count - at)
            return false;
        if (field == 0 && (size != strlen(type->name) || memcmp(blob + at, type->name, size) != 0))
            return false;
        if (type->size != 0 && (uint32_t)field == type->sized_field && size != type->size)
            return false;
        if (type->size == 0 && field == 2 && size < RSA_BYTES_MIN)
            return false;
        at += size;
    }
    return at == count;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static const struct key_type *type_of(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strlen(types[i].name) == length && memcmp(types[i].name, text, length) == 0)
            return &types[i];
    return NULL;
}

bool ssh_key_parse(const char *text, struct arena *arena, const char **ret_line,
                   const char **ret_why)
{
    uint8_t blob[BLOB_MAX];
    size_t end = strlen(text), start = 0, count;

    while (end > 0 && is_blank(text[end - 1]))
        end--;
    while (start < end && is_blank(text[start]))
        start++;
    if (end - start > KEY_TEXT_MAX) {
        *ret_why = "The text is too long for a public key.";
        return false;
    }
    for (size_t i = start; i < end; i++)
        if ((uint8_t)text[i] < ' ' && text[i] != '\t') {
            *ret_why = "A public key is one line of text.";
            return false;
        }

    const char *word = text + start, *stop = text + end;
    size_t type_length = 0;
    while (word + type_length < stop && !is_blank(word[type_length]))
        type_length++;
    const struct key_type *type = type_of(word, type_length);
    if (type == NULL) {
        *ret_why = "That is no public key: it must begin with its type, such as ssh-ed25519 or "
                   "ssh-rsa, without options in front.";
        return false;
    }

    const char *base64 = word + type_length;
    while (base64 < stop && is_blank(*base64))
        base64++;
    size_t base64_length = 0;
    while (base64 + base64_length < stop && !is_blank(base64[base64_length]))
        base64_length++;
    if (!blob_decode(base64, base64_length, blob, &count) || !blob_is_of(type, blob, count)) {
        *ret_why = "The key is cut short or damaged: copy the whole line of the .pub file.";
        return false;
    }

    const char *comment = base64 + base64_length;
    while (comment < stop && is_blank(*comment))
        comment++;
    char *line = arena_printf(arena, "%s %.*s%s%.*s", type->name, (int)base64_length, base64,
                              comment < stop ? " " : "", (int)(stop - comment), comment);
    if (line == NULL) {
        *ret_why = "The text is too long for a public key.";
        return false;
    }
    *ret_line = line;
    return true;
}
