/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes: parsed or refused, read with every reader, written again, and what is written is
 * read as the same value. */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/json.h"

enum { OUTPUT_MAX = 1 << 22 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static int depth_of(const json_t *value)
{
    const char *key;
    json_t *member;
    size_t index;
    int deepest = 0;

    json_object_foreach((json_t *)value, key, member) deepest = larger(deepest, depth_of(member));
    json_array_foreach(value, index, member) deepest = larger(deepest, depth_of(member));
    return deepest + (json_is_object(value) || json_is_array(value));
}

static void write_value(struct encoder *json, const json_t *value)
{
    const char *key;
    json_t *member;
    size_t index;

    switch (json_typeof(value)) {
    case JSON_OBJECT:
        encode_object(json);
        json_object_foreach((json_t *)value, key, member)
        {
            encode_key(json, key);
            write_value(json, member);
        }
        encode_end(json);
        break;
    case JSON_ARRAY:
        encode_array(json);
        json_array_foreach(value, index, member) write_value(json, member);
        encode_end(json);
        break;
    case JSON_STRING:
        encode_bytes(json, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        encode_int(json, json_integer_value(value));
        break;
    case JSON_REAL:
        encode_real(json, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        encode_bool(json, json_is_true(value));
        break;
    case JSON_NULL:
        encode_null(json);
        break;
    }
}

/* As json_equal(), but that 1.0 may come back as 1. */
static bool is_same(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *member;

    if (json_is_number(a) && json_is_number(b))
        return json_is_integer(a) ? json_equal(a, b) : json_real_value(a) == json_number_value(b);
    if (json_is_array(a)) {
        for (size_t i = 0; i < json_array_size(a); i++) {
            if (!is_same(json_array_get(a, i), json_array_get(b, i)))
                return false;
        }
        return json_is_array(b) && json_array_size(a) == json_array_size(b);
    }
    if (!json_is_object(a))
        return json_equal(a, b);
    json_object_foreach((json_t *)a, key, member)
    {
        if (!is_same(member, json_object_get(b, key)))
            return false;
    }
    return json_is_object(b) && json_object_size(a) == json_object_size(b);
}

/* Every reader on every member: each gives a value within its bounds, or an error. */
static void read_members(const json_t *object)
{
    const struct json_bounds bounds = { -1000, 1000 };
    const char *key;
    json_t *member;

    json_object_foreach((json_t *)object, key, member)
    {
        struct error err = { .code = ERROR_NONE };
        const json_t *child = NULL;
        struct money amount = { 0 };
        const char *text = "";
        int64_t number = 0;
        bool flag;

        (void)(json_opt_text(object, key, 10, &text, &err) &&
               json_opt_int(object, key, bounds, &number, &err));
        (void)(json_opt_money(object, key, &amount, &err) &&
               json_opt_bool(object, key, &flag, &err));
        (void)(json_opt_array(object, key, 5, &child, &err) ||
               json_need_object(object, key, &child, &err));
        assert(strlen(text) <= 10 && number >= bounds.min && number <= bounds.max);
        assert(amount.nanodollars >= 0);
        assert(amount.nanodollars <= 1000000000 * NANODOLLARS_PER_DOLLAR);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    auto_buf struct buf out = buf_of(OUTPUT_MAX);
    auto_json json_t *root = NULL, *again = NULL;
    struct encoder json = encoder_of(&out);
    struct error err;

    if (!json_parse((const char *)bytes, size, &root, &err)) {
        assert(err.code == ERROR_INVALID && strchr(err.text, '\n') == NULL);
        return 0;
    }
    read_members(root);

    if (depth_of(root) >= ENCODE_DEPTH_MAX)
        return 0;
    write_value(&json, root);
    bool is_json = json_parse(out.bytes, out.length, &again, &err);
    assert(is_json && is_same(root, again));
    return 0;
}
