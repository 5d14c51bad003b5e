/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/fields.h"

#include <assert.h>
#include <string.h>

#include "base/hex.h"

enum { BYTES_MAX = 128 };

bool fields_is_line(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return false;
    }
    return true;
}

static void encode_one(struct encoder *json, const struct field *field, const char *at)
{
    char base64[BASE64_SIZE(BYTES_MAX)];

    encode_key(json, field->name);
    switch (field->kind) {
    case FIELD_KIND_INT:
        encode_int(json, *(const int64_t *)(const void *)at);
        return;
    case FIELD_KIND_BOOL:
        encode_bool(json, *(const bool *)(const void *)at);
        return;
    case FIELD_KIND_CHARS:
        encode_text(json, at);
        return;
    case FIELD_KIND_TEXT:
    case FIELD_KIND_LINE:
        encode_text(json, *(const char *const *)(const void *)at);
        return;
    case FIELD_KIND_BYTES:
        assert(field->size <= BYTES_MAX);
        encode_text(json, base64_format((const uint8_t *)at, field->size, base64));
        return;
    case FIELD_KIND_NAMES: {
        unsigned value = *(const unsigned *)(const void *)at;
        assert(value < field->size);
        encode_text(json, field->names[value]);
        return;
    }
    }
    assert(false);
}

void fields_encode(struct encoder *json, const struct field_list *list, const void *from)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct field *field = &list->fields[i];
        const char *at = (const char *)from + field->offset;
        bool is_text = field->kind == FIELD_KIND_TEXT || field->kind == FIELD_KIND_LINE;

        if (is_text && field->is_optional && *(const char *const *)(const void *)at == NULL)
            continue;
        encode_one(json, field, at);
    }
}

static bool decode_text(const json_t *object, const struct field *field, struct arena *arena,
                        const char **ret_text, struct error *err)
{
    const char *text;

    if (!json_need_text(object, field->name, (size_t)field->max, &text, err))
        return false;
    if ((int64_t)strlen(text) < field->min)
        return error_set(err, ERROR_OUT_OF_RANGE, "%s is too short", field->name);
    if (field->kind == FIELD_KIND_LINE && !fields_is_line(text))
        return error_set(err, ERROR_INVALID, "%s has a control character", field->name);
    if (arena != NULL)
        text = arena_text(arena, text);
    if (text == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "the message is too large at %s", field->name);
    *ret_text = text;
    return true;
}

static bool decode_chars(const json_t *object, const struct field *field, char *to,
                         struct error *err)
{
    const char *text;

    if (!json_need_text(object, field->name, field->size - 1, &text, err))
        return false;
    if (!fields_is_line(text))
        return error_set(err, ERROR_INVALID, "%s has a control character", field->name);
    memset(to, 0, field->size);
    memcpy(to, text, strlen(text));
    return true;
}

static bool decode_bytes(const json_t *object, const struct field *field, uint8_t *to,
                         struct error *err)
{
    const char *text;
    size_t count;

    if (!json_need_text(object, field->name, BASE64_SIZE(BYTES_MAX), &text, err))
        return false;
    if (!base64_parse(text, to, field->size, &count) || count != field->size)
        return error_set(err, ERROR_INVALID, "%s is not %zu bytes in base64url", field->name,
                         field->size);
    return true;
}

static bool decode_name(const json_t *object, const struct field *field, unsigned *to,
                        struct error *err)
{
    const char *text;

    if (!json_need_text(object, field->name, 64, &text, err))
        return false;
    for (size_t i = 0; i < field->size; i++) {
        if (strcmp(text, field->names[i]) == 0) {
            *to = (unsigned)i;
            return true;
        }
    }
    return error_set(err, ERROR_INVALID, "%s cannot be '%s'", field->name, text);
}

static bool decode_one(const json_t *object, const struct field *field, struct arena *arena,
                       char *at, struct error *err)
{
    struct json_bounds bounds = { field->min, field->max };

    switch (field->kind) {
    case FIELD_KIND_INT:
        return json_need_int(object, field->name, bounds, (int64_t *)(void *)at, err);
    case FIELD_KIND_BOOL:
        return json_need_bool(object, field->name, (bool *)(void *)at, err);
    case FIELD_KIND_CHARS:
        return decode_chars(object, field, at, err);
    case FIELD_KIND_TEXT:
    case FIELD_KIND_LINE:
        return decode_text(object, field, arena, (const char **)(void *)at, err);
    case FIELD_KIND_BYTES:
        return decode_bytes(object, field, (uint8_t *)at, err);
    case FIELD_KIND_NAMES:
        return decode_name(object, field, (unsigned *)(void *)at, err);
    }
    assert(false);
    return false;
}

bool fields_decode(const json_t *object, const struct field_list *list, struct arena *arena,
                   void *to, struct error *err)
{
    if (!json_is_object(object))
        return error_set(err, ERROR_INVALID, "not an object");

    for (size_t i = 0; i < list->count; i++) {
        const struct field *field = &list->fields[i];

        if (field->is_optional && json_member(object, field->name) == NULL)
            continue;
        if (!decode_one(object, field, arena, (char *)to + field->offset, err))
            return false;
    }
    return true;
}
