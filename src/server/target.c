/* SPDX-License-Identifier: Apache-2.0 */
#include "server/target.h"

#include <string.h>
#include <strings.h>

#include "base/hex.h"

enum decoding { DECODE_PATH, DECODE_QUERY };

static bool is_utf8(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    while (*at != '\0') {
        unsigned first = *at++;
        int more = first < 0x80   ? 0
                   : first < 0xc2 ? -1
                   : first < 0xe0 ? 1
                   : first < 0xf0 ? 2
                   : first < 0xf5 ? 3
                                  : -1;

        if (more < 0)
            return false;
        /* The second byte's range keeps out surrogates, overlong forms and what is past U+10FFFF.
         */
        unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        for (int i = 0; i < more; i++) {
            if (at[i] < low || at[i] > high)
                return false;
            low = 0x80;
            high = 0xbf;
        }
        at += more;
    }
    return true;
}

/* Whether a decoded byte may stand in the text. */
static bool may_stand(unsigned char byte, enum decoding decoding)
{
    if (byte == '\0')
        return false;
    return decoding == DECODE_QUERY || (byte >= 0x20 && byte != 0x7f && byte != '/');
}

static bool decode(const char *text, size_t length, enum decoding decoding, struct arena *arena,
                   const char **ret_text, struct error *err)
{
    char *out = arena_alloc(arena, length + 1, 1);
    size_t used = 0;

    if (out == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "the address is too long");
    for (size_t i = 0; i < length; i++) {
        char c = text[i];

        if (c == '%') {
            char digits[3] = { 0 };
            uint8_t byte;

            if (i + 2 >= length)
                return error_set(err, ERROR_INVALID, "the address ends within an escape");
            memcpy(digits, text + i + 1, 2);
            if (!hex_parse(digits, &byte, 1) || !may_stand(byte, decoding))
                return error_set(err, ERROR_INVALID, "the address has a bad escape");
            c = (char)byte;
            i += 2;
        } else if (c == '+' && decoding == DECODE_QUERY) {
            c = ' ';
        } else if ((unsigned char)c < 0x20 || c == 0x7f) {
            return error_set(err, ERROR_INVALID, "the address has control characters");
        }
        out[used++] = c;
    }
    out[used] = '\0';
    if (!is_utf8(out))
        return error_set(err, ERROR_INVALID, "the address is not UTF-8");
    *ret_text = out;
    return true;
}

/* An absolute form names scheme and host before the path: leave them out. */
static const char *skip_authority(const char *text)
{
    const char *rest;

    if (strncasecmp(text, "http://", 7) == 0)
        rest = text + 7;
    else if (strncasecmp(text, "https://", 8) == 0)
        rest = text + 8;
    else
        return text;
    rest += strcspn(rest, "/?");
    return *rest == '/' ? rest : "/";
}

static bool parse_query(const char *text, struct arena *arena, struct target *target,
                        struct error *err)
{
    size_t count = 0;

    if (*text == '\0')
        return true;
    target->query = arena_alloc(arena, HTTP_QUERY_MAX, sizeof target->query[0]);
    if (target->query == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "the query is too long");
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, "&");
        const char *equals = memchr(at, '=', length);
        size_t name_length = equals != NULL ? (size_t)(equals - at) : length;
        const char *value = equals != NULL ? equals + 1 : at + length;

        if (length > 0) {
            if (count == HTTP_QUERY_MAX)
                return error_set(err, ERROR_OUT_OF_RANGE, "the query has too many parameters");
            struct http_pair *pair = &target->query[count++];
            if (!decode(at, name_length, DECODE_QUERY, arena, &pair->name, err) ||
                !decode(value, (size_t)(at + length - value), DECODE_QUERY, arena, &pair->value,
                        err))
                return false;
        }
        at += length;
        if (*at == '\0')
            break;
    }
    target->query_count = count;
    return true;
}

bool target_parse(const char *text, struct arena *arena, struct target *ret_target,
                  struct error *err)
{
    struct target target = { .origin = skip_authority(text) };

    if (target.origin[0] != '/')
        return error_set(err, ERROR_INVALID, "the address must begin with a slash");

    const char *path = target.origin + strspn(target.origin, "/") - 1;
    size_t length = strcspn(path, "?");
    const char *query = path + length;
    while (length > 1 && path[length - 1] == '/')
        length--;

    if (!decode(path, length, DECODE_PATH, arena, &target.path, err))
        return false;
    target.origin = arena_text(arena, target.origin);
    if (target.origin == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "the address is too long");
    if (*query == '?' && !parse_query(query + 1, arena, &target, err))
        return false;
    *ret_target = target;
    return true;
}
